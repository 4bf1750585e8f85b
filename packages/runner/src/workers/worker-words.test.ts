import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { workerExecArgv } from "./exec-argv.ts";
import { endFailure, lastWords, type ProcessEnd } from "./exit-words.ts";
import { counterFiles, readKills } from "./memory-events.ts";
import { heapOption, memoryBytes, memoryWords } from "./memory-limit.ts";
import { OutputLines } from "./output-lines.ts";
import { isShort, spawnWords } from "./spawn-words.ts";

describe("options of node for workers", () => {
  test.for<[string, string]>([
    ["--import tsx --conditions=dev", "--import tsx --conditions=dev"],
    ["--max-old-space-size=100 --enable-source-maps", "--max-old-space-size=100 --enable-source-maps"],
    ["--inspect --inspect-brk=127.0.0.1:9 --inspect-port 0 --inspect-wait -r a", "-r a"],
    ["-e code -r b --eval code --eval=code -p code -pe code --print code", "-r b"],
    ["--watch --watch-path ./src --watch-preserve-output -r c", "-r c"],
    ["--test --test-only --test-name-pattern x --test-reporter=dot -r d", "-r d"],
    ["--cpu-prof --cpu-prof-dir out --cpu_prof_name=n --heap-prof --heap-prof-dir out -r e", "-r e"],
    ["--input-type module --entry-url -c -i --run build -r f", "-r f"],
    ["--experimental-strip-types --no-warnings --permission", "--experimental-strip-types --no-warnings --permission"],
  ])("%s", ([given, kept]) => {
    expect(workerExecArgv(given.split(" ")).join(" ")).toBe(kept);
  });
});

describe("memory", () => {
  test("amounts", () => {
    expect(["512Mi", "4Gi", "1.5k", "100", "2T", "1Ki"].map((amount) => memoryBytes(amount))).toEqual([
      536_870_912, 4_294_967_296, 1_500, 100, 2e12, 1_024,
    ]);
    expect([undefined, "much", "5X"].map((amount) => memoryBytes(amount))).toEqual([null, null, null]);
    expect([536_870_912, 1_610_612_736, 2_048, 7].map((bytes) => memoryWords(bytes))).toEqual([
      "512 MiB",
      "1.5 GiB",
      "2 KiB",
      "7 bytes",
    ]);
  });

  test("the heap is to stay below what the process may use", () => {
    const options = ["1Mi", "200Mi", "512Mi", "4Gi"].map((amount) => heapOption(memoryBytes(amount) as number));
    expect(options.map((option) => Number(option.replace("--max-old-space-size=", "")))).toEqual([8, 100, 384, 3_968]);
  });

  test("the kernel's count is found with control groups of both versions", () => {
    const mount = temporaryFolder();
    const places = { two: "memory.events", one: "memory/docker/a:b/memory.oom_control" };
    mkdirSync(join(mount, "memory/docker/a:b"), { recursive: true });
    writeFileSync(join(mount, places.two), "low 0\noom 4\noom_kill 3\noom_group_kill 1\n");
    writeFileSync(join(mount, places.one), "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
    const countOf = (groups: string) =>
      counterFiles(groups, mount)
        .map((file) => readKills(file))
        .find((count) => count !== undefined);
    expect(countOf("0::/\n")).toBe(3);
    expect(countOf("0::/not/mounted/here\n")).toBe(3);
    expect(countOf("5:cpu:/\n4:memory:/docker/a:b\n0::/\n")).toBe(7);
    expect(countOf("5:cpu:/\n")).toBeUndefined();
    expect(counterFiles("0::/user.slice/a.scope", "/cg")[0]).toBe("/cg/user.slice/a.scope/memory.events");
  });
});

describe("the end of a process", () => {
  const end: ProcessEnd = {
    pid: 4711,
    code: null,
    signal: "SIGKILL",
    isReady: true,
    reason: undefined,
    memory: null,
    isOverMemory: false,
    isKernelShort: true,
    fatal: undefined,
    stderr: [],
  };

  test("by the kernel, which had no memory left", () => {
    expect(endFailure(end)).toMatchObject({
      name: "OutOfMemoryError",
      code: "OUT_OF_MEMORY",
      message: "its worker process (pid 4711) was killed by the system because memory ran out",
    });
    expect(endFailure({ ...end, code: 137, signal: null })).toMatchObject({ code: "OUT_OF_MEMORY" });
  });

  test("by somebody else is no matter of memory, whatever the kernel did meanwhile", () => {
    const others = [
      { reason: "enough" },
      { signal: "SIGTERM" },
      { signal: null, code: 0 },
      { isKernelShort: false },
    ] as const;
    for (const change of others) expect(endFailure({ ...end, ...change }).code).toBe("WORKER_LOST");
  });

  test("tells what it wrote last: the error, not what node adds", () => {
    const crash = [
      "/a.js:1",
      "throw new Error('x');",
      "^",
      "",
      "RangeError: too far",
      "    at a.js:1:7",
      "",
      "Node.js v24.1.0",
    ];
    expect(lastWords(crash)).toBe("RangeError: too far");
    expect(lastWords(["one", "  two ", ""])).toBe("two");
    expect(lastWords(["FATAL ERROR: Reached heap limit", " 1: 0xabc node::Abort()"])).toMatch(/^FATAL/);
    expect(lastWords([])).toBeUndefined();
  });
});

test("why a process could not be started", () => {
  const here = temporaryFolder();
  const error = (code: string) => Object.assign(new Error(`spawn ${code}`), { code });
  expect(spawnWords(error("EAGAIN"), here)).toContain("no more processes (EAGAIN)");
  expect(spawnWords(error("ENOENT"), `${here}/gone`)).toBe(
    `its working directory ${here}/gone does not exist, or cannot be entered`,
  );
  expect(spawnWords(error("EPERM"), here)).toBe("spawn EPERM");
  expect(["EAGAIN", "ENOMEM", "ENOENT", "E2BIG"].map((code) => isShort(error(code)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

describe("lines", () => {
  function linesOf(...chunks: (string | Uint8Array)[]): string[] {
    const lines: string[] = [];
    const output = new OutputLines((line) => lines.push(line));
    for (const chunk of chunks) output.add(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    output.end();
    return lines;
  }

  test("are put together from what arrives, characters too", () => {
    const bytes = Buffer.from("grün\r\n€");
    expect(linesOf("a", "b\n\nc\n", ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual([
      "ab",
      "",
      "c",
      "grün",
      "€",
    ]);
    expect(linesOf("done\n")).toEqual(["done"]);
  });

  test("that are very long come in pieces, none of which cuts a character", () => {
    const long = `${"x".repeat(64 * 1024 - 1)}😀${"y".repeat(100_000)}`;
    for (const chunks of [[long], [`${long}\nz`], [long.slice(0, 50_000), long.slice(50_000)]]) {
      const lines = linesOf(...chunks);
      expect(lines.filter((line) => line !== "z").join("")).toBe(long);
      expect(lines.every((line) => line.length <= 64 * 1024 && line.isWellFormed())).toBe(true);
      expect(lines.length).toBeGreaterThan(2);
    }
  });
});
