import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { type Future, LocalRunner, type LocalRunnerOptions, type RunnerEvent } from "./index.ts";
import * as funcs from "./testing/standalone-funcs.ts";
import { runChild } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";

interface Lab {
  readonly home: string;
  readonly events: RunnerEvent[];
  readonly run: <T>(future: Future<T>, options?: LocalRunnerOptions) => Promise<T>;
  /** Those of the latest pipeline run. */
  readonly runs: () => Promise<readonly Run[]>;
}

function lab(defaults: LocalRunnerOptions = {}): Lab {
  const home = temporaryFolder();
  const events: RunnerEvent[] = [];
  return {
    home,
    events,
    run: async (future, options = {}) => {
      await using runner = new LocalRunner({
        home,
        forwardOutput: false,
        onEvent: (event) => events.push(event),
        maxParallelism: 2,
        ...defaults,
        ...options,
      });
      return await runner.run(future);
    },
    runs: async () => {
      const { backend } = await homeOf(home);
      const [last] = await backend.listPipelineRuns();
      return last === undefined ? [] : backend.listRuns(last.id);
    },
  };
}

describe("a standalone func", () => {
  it("executes in another process, which is used again", async () => {
    const { home } = lab();
    const runner = new LocalRunner({ home });
    const first = await runner.run(funcs.where());
    expect(first).not.toBe(process.pid);
    expect(await runner.run(funcs.where())).toBe(first);
    expect(await runner.run(funcs.here())).toBe(process.pid);
    await runner[Symbol.asyncDispose]();
    expect(() => process.kill(first, 0)).toThrow(/ESRCH/);
  });

  it("gives what it would give inline", async () => {
    const { run } = lab();
    expect(await run(funcs.squares(20))).toEqual(Array.from({ length: 20 }, (_, at) => at * at));
    expect(await run(funcs.joining())).toBe("p+Z q");
    expect(await run(funcs.filePipeline())).toEqual(["made elsewhere", "made elsewhere"]);
  });

  it("calls funcs, orders them, waits for them and returns their futures", async () => {
    const { run, runs } = lab();
    const { id, ...result } = await run(funcs.caller("text"));
    expect(result).toEqual({
      known: "TEXT",
      raced: [1, 4, 9],
      second: 49,
      part: "y",
      list: ["x", { third: "THIRD" }],
      mapped: [1, 4, 9],
      last: 9,
    });
    const recorded = await runs();
    expect(recorded.find(({ name }) => name === "named")).toMatchObject({ id, state: "RESOLVED", tags: ["tagged"] });
  });

  it("never starves, however deep bodies wait for one another", async () => {
    const { run } = lab({ maxParallelism: 1 });
    expect(await run(funcs.deep(6))).toBe(6);
    expect(await run(funcs.wide(12))).toEqual(Array.from({ length: 12 }, () => 2));
  });

  it("is retried by the classes of what it throws, and its errors arrive whole", async () => {
    const { run } = lab();
    expect(await run(funcs.unlucky(3))).toBe(3);
    expect(await run(funcs.catcher())).toEqual([
      "RunFailedError",
      true,
      "VeryBadLuckError",
      "attempt 4",
      "NO_LUCK",
      "deep down",
    ]);
    await expect(run(funcs.unlucky(99))).rejects.toMatchObject({
      cause: { cause: { name: "VeryBadLuckError", message: "attempt 4", code: "NO_LUCK" } },
    });
  });

  it("is not retried for the failure of a child that it passes on", async () => {
    const { run, runs } = lab();
    await expect(run(funcs.passing())).rejects.toThrow(/sa unlucky/);
    expect((await runs()).map(({ state, attempt }) => [state, attempt])).toEqual([
      ["NESTED_FAILED", 1],
      ["FAILED", 4],
    ]);
  });

  it("finds neither the environment nor the folder of the body before it", async () => {
    const { home } = lab();
    await using runner = new LocalRunner({ home });
    const folder = temporaryFolder();
    const first = await runner.run(funcs.changer(folder));
    expect(first.before).toEqual([null, false]);
    expect(await runner.run(funcs.changer(folder))).toEqual(first);
  });

  it("tells its output, log, metrics and progress", async () => {
    const { run, runs, home, events } = lab();
    const workdir = await run(funcs.teller(3));
    expect(existsSync(workdir)).toBe(false);
    const { backend } = await homeOf(home);
    const [root] = await runs();
    const lines = await backend.logsOf((root as Run).id);
    expect(lines.map(({ stream, level, text }) => [stream, level, text])).toEqual([
      ["stdout", "info", "line 0"],
      ["stdout", "info", "line 1"],
      ["stdout", "info", "line 2"],
      ["stderr", "error", "an error line"],
      ["log", "warn", "told"],
      ["stdout", "info", "an open line"],
    ]);
    expect(events.filter(({ type }) => type === "progress")).toMatchObject([{ progress: { done: 1, total: 2 } }]);
    expect(root).toMatchObject({ progress: { note: "half" } });
    expect(await backend.metricsOf((root as Run).id)).toMatchObject([{ name: "speed", value: 3 }]);
  });

  it("is looked up in the cache by the driver", async () => {
    const { run } = lab();
    const first = await run(funcs.cached(1));
    expect(await run(funcs.cached(1))).toEqual(first);
    expect(await run(funcs.cached(1), { cache: "refresh" })).not.toEqual(first);
  });
});

describe("a worker process that ends", () => {
  it.each([
    ["SIGKILL", /SIGKILL/],
    ["0", /exit code 0.*process\.exit/],
    ["7", /exit code 7/],
  ])("with %s is replaced, twice without counting", async (how, message) => {
    const { run, runs, home } = lab();
    const file = join(temporaryFolder(), "ends");
    expect(await run(funcs.ending(file, how, 2))).toBe(3);
    const { backend } = await homeOf(home);
    const attempts = await backend.attemptsOf(((await runs())[0] as Run).id);
    expect(attempts.map(({ failure }) => failure.name)).toEqual(["WorkerLostError", "WorkerLostError"]);
    expect(attempts[0]?.failure.message).toMatch(message);
  });

  it("too often fails the run", async () => {
    const { run } = lab({ infrastructureRetries: 1 });
    const file = join(temporaryFolder(), "ends");
    await expect(run(funcs.ending(file, "SIGKILL", 9))).rejects.toMatchObject({
      cause: { cause: { name: "WorkerLostError", code: "WORKER_LOST" } },
    });
    expect(readFileSync(file, "utf8")).toBe("xx");
  });

  it("counts for the retries of the func only after that", async () => {
    const { run } = lab({ infrastructureRetries: 1 });
    const file = join(temporaryFolder(), "ends");
    const future = funcs.ending(file, "SIGKILL", 3).$set({ retry: { retries: 2, exceptions: ["WorkerLostError"] } });
    expect(await run(future)).toBe(4);
  });

  it.each(["heap", "buffers"])("because of its %s is out of memory", async (what) => {
    const { run } = lab({ infrastructureRetries: 0 });
    await expect(run(funcs.hog(what))).rejects.toMatchObject({
      cause: { cause: { name: "OutOfMemoryError", code: "OUT_OF_MEMORY" } },
    });
  });
});

describe("a body that is canceled", () => {
  it("hears of it", async () => {
    const file = join(temporaryFolder(), "heard");
    const { home } = lab();
    await using runner = new LocalRunner({ home, forwardOutput: false });
    const handle = await runner.submit(funcs.obedient(file));
    await begun(file);
    await handle.cancel("enough");
    expect(readFileSync(file, "utf8")).toMatch(/enough/);
  });

  it("is ended if it does not listen", async () => {
    const file = join(temporaryFolder(), "blocked");
    const { home } = lab();
    await using runner = new LocalRunner({ home, forwardOutput: false });
    const handle = await runner.submit(funcs.blocking(600_000, file));
    const pid = await begun(file);
    await handle.cancel("enough");
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

/** The number of the process that has begun with the file. */
async function begun(file: string): Promise<number> {
  const told = `${file}.begun`;
  while (!existsSync(told) || readFileSync(told, "utf8") === "") await new Promise((resolve) => setTimeout(resolve, 5));
  return Number(readFileSync(told, "utf8"));
}

describe("a large value", () => {
  it("goes from worker to worker without the driver holding it", { timeout: 300_000 }, async () => {
    // 1 GB, as an argument by itself and as part of one.
    const length = 2 ** 27;
    const { stdout } = await runChild("big-standalone.ts", [temporaryFolder(), String(length)]);
    const { used, ...result } = JSON.parse(stdout) as { used: number };
    const largest = Math.ceil(length / 1_000) - 1;
    expect(result).toEqual({ length, sum: (1_000 * largest * (largest + 1)) / 2 });
    expect(used).toBeLessThan(400);
  });
});
