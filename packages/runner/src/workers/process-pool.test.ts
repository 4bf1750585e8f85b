import { rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { Child } from "../testing/child.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { poolOf, ProcessPool, type ProcessPoolOptions } from "./process-pool.ts";
import { executorProgram } from "./testing/executor-program.ts";
import { testExecutor } from "./testing/executor.testsuite.ts";
import { Gate } from "../testing/gate.ts";
import { TaskLab } from "./testing/test-task.ts";

testExecutor("a pool of worker processes", (options) => {
  const pool = new ProcessPool(options);
  return Promise.resolve({
    executor: pool,
    lane: (limit) => ({ name: "standalone", limit }),
    close: () => pool[Symbol.asyncDispose](),
  });
});

interface PoolLab extends TaskLab {
  readonly pool: ProcessPool;
}

async function labWith(limit: number, changes: Partial<ProcessPoolOptions> = {}): Promise<PoolLab> {
  const path = temporaryFolder();
  const home = await homeOf(path);
  const pool = new ProcessPool({ home: path, program: executorProgram, stopMs: 100, graceMs: 1_000, ...changes });
  onTestFinished(() => pool[Symbol.asyncDispose]());
  return Object.assign(new TaskLab(pool, home, { name: "standalone", limit }), { pool });
}

describe("workers", () => {
  test("are used again, and only as many as are needed are started", async () => {
    const lab = await labWith(4);
    const pids = new Set<unknown>();
    for (let count = 0; count < 20; count += 1) pids.add(await lab.result("ex pid"));
    expect(pids.size).toBe(1);
    expect(lab.pool.pids).toEqual([...pids]);
    const go = join(temporaryFolder(), "go");
    const tasks = await Promise.all([1, 2, 3].map(() => lab.start("ex waits for file", [go])));
    await Promise.all(tasks.map((task) => task.saidOf("log")));
    expect(lab.pool.pids).toHaveLength(3);
    writeFileSync(go, "");
    await Promise.all(tasks.map((task) => task.end));
    for (let count = 0; count < 5; count += 1) await lab.result("ex pid");
    expect(lab.pool.pids).toHaveLength(3);
  });

  test("take a task that waits for another one to be started, if they are free before", async () => {
    const lab = await labWith(2);
    const pid = await lab.result("ex pid");
    const ms = await lab.argument(1);
    const [, second] = [lab.startNow("ex computes", [ms]), lab.startNow("ex pid", [])];
    expect(await lab.valueOf(second)).toBe(pid);
    expect(second.waitsTold).toEqual(["a worker process, which is being started", undefined]);
  });

  test("end when they have had nothing to do for a while, and others are started", async () => {
    const lives = new Gate();
    const lab = await labWith(1, { idleMs: 200 });
    const pid = await lab.result("ex lives", [lives.path, "idle"]);
    await (
      await lives.arrived("idle")
    ).left;
    expect(await lab.result("ex pid")).not.toBe(pid);
  });

  test("do not pile up where each task wants one of its own", async () => {
    const lab = await labWith(1);
    for (let count = 0; count < 6; count += 1) await lab.result("ex pid", [], { memory: `${400 + count}Mi` });
    await expect.poll(() => lab.pool.pids.length).toBeLessThanOrEqual(3);
  });

  test("have their own limits of memory", async () => {
    const lab = await labWith(1);
    const pid = await lab.result("ex pid");
    const limited = await lab.result("ex pid", [], { memory: "500Mi" });
    expect(limited).not.toBe(pid);
    expect(await lab.result("ex pid", [], { memory: "500Mi" })).toBe(limited);
    expect(await lab.result("ex pid")).toBe(pid);
    const tooMuch = await lab.start("ex keeps", [600 * 1024 ** 2], { memory: "500Mi" });
    expect(await tooMuch.end).toMatchObject({
      type: "lost",
      failure: {
        name: "OutOfMemoryError",
        message: `its worker process (pid ${String(limited)}) used more than the 500 MiB that its resources allow, and was ended`,
      },
    });
  });

  test("are replaced before what bodies have left fills their memory", async () => {
    const lab = await labWith(1, { heartbeatMs: 50 });
    const memory = "400Mi";
    const pid = await lab.result("ex keeps", [1024], { memory });
    expect(await lab.result("ex keeps", [240 * 1024 ** 2], { memory })).toBe(pid);
    expect(await lab.result("ex pid", [], { memory })).not.toBe(pid);
  });

  test("have the environment and the folder that this process had when the pipeline run first needed one", async () => {
    const lab = await labWith(1);
    const name = "REPRISE_TEST_COLOUR";
    const before = process.cwd();
    onTestFinished(() => {
      process.chdir(before);
      Reflect.deleteProperty(process.env, name);
    });
    expect(await lab.result("ex environment", [name])).toEqual([null, before]);
    const folder = temporaryFolder();
    process.env[name] = "red";
    process.chdir(folder);
    expect(await lab.result("ex environment", [name])).toEqual([null, before]);
    const lane = { name: "standalone", limit: 1 };
    expect(await lab.result("ex environment", [name], { lane })).toEqual(["red", folder]);
  });
});

describe("a worker that cannot be had", () => {
  test("because the program cannot be loaded: all tasks hear why, and that it is final", async () => {
    const file = join(temporaryFolder(), "broken.mjs");
    writeFileSync(file, 'throw new TypeError("top level");');
    const lab = await labWith(2, { program: { kind: "files", files: [file] } });
    const tasks = await Promise.all([1, 2, 3].map(() => lab.start("ex pid")));
    for (const task of tasks.slice(0, 2)) {
      expect(await task.end).toMatchObject({
        type: "lost",
        isFinal: true,
        failure: { code: "WORKER_FAILED", cause: { message: expect.stringContaining("top level") as string } },
      });
    }
    expect(await tasks[2]?.end).toMatchObject({ type: "lost", isFinal: true });
  });

  test("because it is never ready: after the limit, with what it wrote", async () => {
    const file = join(temporaryFolder(), "slow.mjs");
    writeFileSync(
      file,
      'console.error("loading the model"); await new Promise((resolve) => setTimeout(resolve, 1e6));',
    );
    const lab = await labWith(1, { program: { kind: "files", files: [file] }, readyMs: 2_000 });
    expect(await (await lab.start("ex pid")).end).toMatchObject({
      type: "lost",
      failure: {
        code: "WORKER_LOST",
        message: expect.stringMatching(/not ready within 2 s[^]*stderr:\nloading the model/) as string,
      },
    });
  });

  test("because the folder of this process is gone", async () => {
    const lab = await labWith(1);
    const before = process.cwd();
    const gone = temporaryFolder();
    process.chdir(gone);
    onTestFinished(() => process.chdir(before));
    rmdirSync(gone);
    expect(await (await lab.start("ex pid")).end).toMatchObject({
      type: "lost",
      isFinal: true,
      failure: { code: "WORKER_FAILED", message: expect.stringContaining("working directory") as string },
    });
  });

  test("while others are there: its task waits for one of them, unless they wait themselves", async () => {
    const folder = temporaryFolder();
    const [file, full, go] = ["program.mjs", "full", "go"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const [funcs = ""] = executorProgram.kind === "files" ? executorProgram.files : [];
    writeFileSync(
      file,
      `import { existsSync } from "node:fs";
       if (existsSync(${JSON.stringify(full)})) process.exit(3);
       await import(${JSON.stringify(funcs)});`,
    );
    const lab = await labWith(2, { program: { kind: "files", files: [file] } });
    const first = await lab.start("ex waits for file", [go]);
    const pid = await first.pid();
    writeFileSync(full, "");
    const second = await lab.start("ex pid");
    const third = await lab.start("ex waits", [1]);
    await expect.poll(() => lab.pool.pids).toEqual([pid]);
    expect([second.ends, third.ends]).toEqual([[], []]);
    writeFileSync(go, "");
    expect(await lab.valueOf(second)).toBe(pid);
    await third.saidOf("await");
    expect(await (await lab.start("ex pid")).end).toMatchObject({
      type: "lost",
      isFinal: false,
      failure: { code: "WORKER_LOST", message: expect.stringContaining("exit code 3 before it was ready") as string },
    });
  });

  test("because the task itself ends every process before it begins", async () => {
    const lab = await labWith(1);
    const file = join(temporaryFolder(), "exits.mjs");
    writeFileSync(file, "process.exit(5);");
    const task = lab.startNow("ex elsewhere", [], { file });
    expect(await task.end).toMatchObject({
      type: "lost",
      failure: { code: "WORKER_LOST", message: expect.stringContaining("exit code 5") as string },
    });
    expect(await lab.result("ex inner", [1])).toBe(1);
  });

  test("because the pool is over", async () => {
    const lab = await labWith(1);
    const task = await lab.start("ex stays", [new Gate().path, "stays"]);
    await task.saidOf("started");
    const held = await lab.start("ex pid");
    await lab.pool[Symbol.asyncDispose]();
    expect(await task.end).toMatchObject({ type: "lost", failure: { code: "WORKER_LOST" } });
    expect(await held.end).toMatchObject({ type: "lost", isFinal: true, failure: { code: "WORKER_FAILED" } });
    expect(await (await lab.start("ex pid")).end).toMatchObject({ type: "lost", isFinal: true });
    expect(lab.pool.pids).toEqual([]);
  });
});

test("a program has one pool", () => {
  const home = temporaryFolder();
  expect(poolOf({ home, program: executorProgram })).toBe(poolOf({ home, program: { ...executorProgram } }));
  const other = { kind: "kept", digest: "0".repeat(64) } as const;
  expect(poolOf({ home, program: other })).not.toBe(poolOf({ home, program: executorProgram }));
});

describe("a driver", () => {
  function drive(how: string, ...funcs: (readonly [string, ...unknown[]])[]): Child {
    const script = fileURLToPath(new URL("testing/drives-pool.ts", import.meta.url));
    const texts = funcs.map(([func, ...args]) => `${func} ${JSON.stringify(args)}`);
    return new Child(script, [how, temporaryFolder(), ...texts]);
  }

  test("ends although its workers are idle, and they with it", async () => {
    const lives = new Gate();
    const child = drive(
      "waits",
      ["ex lives", lives.path, "one"],
      ["ex computes", 500],
      ["ex lives", lives.path, "two"],
    );
    const ended = await child.ended;
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(child.lines).toEqual(["begun", "done"]);
    await Promise.all(lives.all.map((life) => life.left));
    expect(lives.all).toHaveLength(2);
  });

  test("lives on while a body executes, although nothing else keeps it", async () => {
    const go = join(temporaryFolder(), "go");
    const child = drive("leaves", ["ex waits for file", go]);
    await child.says("begun");
    const calm = new Promise((resolve) => setTimeout(resolve, 700, "calm"));
    expect(await Promise.race([child.ended, calm])).toBe("calm");
    writeFileSync(go, "");
    expect(await child.ended).toMatchObject({ code: 0 });
  });

  test.for([
    ["waits", "a body that waits", ["ex stays"]],
    ["waits", "a body that computes from its first moment", ["ex blocks at once"]],
    ["blocks", "what a body has left behind", ["ex forks"]],
    ["blocks", "idle workers", ["ex lives"]],
  ] as const)("that is killed while it %s leaves no process: %s", async ([how, , [func]]) => {
    const lives = new Gate();
    const child = drive(how, [func, lives.path, "life"]);
    await child.says("begun");
    const names = { "ex blocks at once": ["blocked"], "ex forks": ["forks", "fork"] }[func as string] ?? ["life"];
    const all = await Promise.all(names.map((name) => lives.arrived(name)));
    child.kill("SIGKILL");
    await Promise.all(all.map((life) => life.left));
    expect(lives.inside).toEqual([]);
  });
});
