import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Future, LocalRunner, type LocalRunnerOptions } from "../index.ts";
import { addFive, both, inference, mapWide, mistaken } from "../testing/actor-examples.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { listPools } from "./supervisor-control.ts";
import { stopAllPools } from "./testing/stop-pools.ts";

interface Lab {
  readonly home: string;
  readonly run: <T>(future: Future<T>, options?: LocalRunnerOptions) => Promise<T>;
  /** What was counted: how often, and in how many processes. */
  readonly counts: () => Record<string, { readonly times: number; readonly processes: number }>;
}

function lab(): Lab {
  const home = temporaryFolder();
  const file = join(home, "counts");
  process.env["ACTOR_COUNTS"] = file;
  onTestFinished(() => stopAllPools(home));
  return {
    home,
    run: async (future, options = {}) => {
      await using runner = new LocalRunner({ home, forwardOutput: false, ...options });
      return await runner.run(future);
    },
    counts: () => {
      const lines = readFileSync(file, "utf8").trim().split("\n");
      const whats = Map.groupBy(lines, (line) => line.slice(0, line.lastIndexOf(" ")));
      return Object.fromEntries(
        [...whats].map(([what, all]) => [what, { times: all.length, processes: new Set(all).size }]),
      );
    },
  };
}

const once = { times: 1, processes: 1 };

describe("the example of costly operations", () => {
  it("loads each input once for all tasks of a replica, and for the next pipeline run", async () => {
    const { run, counts } = lab();
    expect(await run(addFive(5))).toBe(5 + 4 * (34 + 12 + 1));
    const loads = { file: once, directory: once, object: once };
    expect(counts()).toEqual({ ...loads, task: { times: 4, processes: 1 } });
    expect(await run(addFive(6))).toBe(6 + 4 * 47);
    expect(counts()).toEqual({ ...loads, task: { times: 8, processes: 1 } });
  });
});

describe("the example of an order", () => {
  it("loads the model before inference begins", async () => {
    const { run, counts, home } = lab();
    expect(await run(inference("models/small", ["a", "b"]))).toEqual([
      "models/small inference on a",
      "models/small inference on b",
    ]);
    expect(counts()).toEqual({ "load task": once, model: once, inference: once });
    const { backend } = await homeOf(home);
    const [pipeline] = await backend.listPipelineRuns();
    const runs = await backend.listRuns(pipeline?.id as string);
    const [loading, inferring] = ["load model", "run inference"].map((id) => runs.find((run) => run.func.id === id));
    expect(inferring?.startedAt).toBeGreaterThanOrEqual(loading?.finishedAt as number);
  });

  it("refuses the cached function in the place of its task", async () => {
    const { run } = lab();
    await expect(run(mistaken("models/small"))).rejects.toThrow(/cached.*call/s);
  });
});

describe("a cached function", () => {
  it("loads once per replica that took work, not once per element", async () => {
    const { run, counts } = lab();
    expect(await run(mapWide())).toEqual(Array.from({ length: 20 }, (_, at) => at + 4));
    const { "wide task": task, "wide load": loads } = counts();
    expect(task?.times).toBe(20);
    expect(loads?.times).toBe(task?.processes);
    expect(loads?.times).toBeLessThanOrEqual(2);
  });

  it("is not reached when the durable cache has the result, which starts no replica", async () => {
    const first = lab();
    expect(await first.run(both("abc"))).toBe(3);
    await stopAllPools(first.home);
    expect(await first.run(both("abc"))).toBe(3);
    expect(first.counts()).toMatchObject({ "both task": once });
    expect(await listPools(first.home)).toEqual([]);
    expect(await first.run(both("abc"), { cache: "refresh" })).toBe(3);
    expect(first.counts()).toMatchObject({ "both task": { times: 2 } });
  });
});
