import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PipelineRunError, Run } from "@reprise/core";
import type { Home } from "@reprise/store";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { context, func, type Future, LocalRunner, type RunnerEvent } from "./index.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

interface Recorded<T> {
  readonly value: T | undefined;
  readonly error: PipelineRunError | undefined;
  readonly home: Home;
  readonly root: Run;
  /** All runs, by name. */
  readonly runs: ReadonlyMap<string, Run>;
  readonly events: readonly RunnerEvent[];
}

/** Runs a future in a home of its own and reads what was recorded. */
async function record<T>(future: Future<T>, concurrency = 64): Promise<Recorded<T>> {
  const path = temporaryFolder();
  const events: RunnerEvent[] = [];
  await using runner = new LocalRunner({ home: path, concurrency, onEvent: (event) => void events.push(event) });
  const { value, error } = await runner.run(future).then(
    (result) => ({ value: result, error: undefined }),
    (thrown: unknown) => ({ value: undefined, error: thrown as PipelineRunError }),
  );
  const home = await homeOf(path);
  await verifyHome(home);
  const list = await home.backend.listRuns(future.$id);
  const runs = new Map(list.map((run) => [run.name, run]));
  return { value, error, home, root: list[0] as Run, runs, events };
}

function statesOf(runs: ReadonlyMap<string, Run>): Record<string, string> {
  return Object.fromEntries([...runs].map(([name, { state }]) => [name, state]));
}

const add = func("add", (a: number, b: number) => a + b);
const bad = func("bad", () => {
  throw new RangeError("out of range");
});

describe("the record of a pipeline run", () => {
  const sum = func("sum", (a: number, b: number, c: number) => add(add(a, b), add(b, c)));
  const nested = func("nested", (a: number, b: number, c: number) => add(sum(a, b, c), c));

  it.each([
    { title: "one call", make: () => add(1, 2), value: 3, runs: 1, artifacts: 3, edges: 2 },
    { title: "three calls in one", make: () => sum(1, 2, 3), value: 8, runs: 4, artifacts: 5, edges: 10 },
    { title: "a nest", make: () => nested(1, 2, 3), value: 11, runs: 6, artifacts: 6, edges: 16 },
  ])(
    "of $title has as many runs, artifacts and edges as it should",
    async ({ make, value, runs, artifacts, edges }) => {
      const recorded = await record(make());
      expect(recorded.value).toBe(value);
      const list = await recorded.home.backend.listRuns(recorded.root.id);
      const edgesOf = await Promise.all(list.map(async ({ id }) => recorded.home.backend.edgesOf(id)));
      const { artifacts: stored } = await recorded.home.backend.statistics();
      expect({ runs: list.length, artifacts: stored, edges: edgesOf.flat().length }).toEqual({
        runs,
        artifacts,
        edges,
      });
    },
  );

  it("says of each run when what happened, in order, and what it gave", async () => {
    const { home, root } = await record(nested(1, 2, 3));
    for (const run of await home.backend.listRuns(root.id)) {
      expect(run).toMatchObject({ state: "RESOLVED", attempt: 1, failure: null, reason: null });
      const times = [run.createdAt, run.scheduledAt, run.startedAt, run.ranAt, run.finishedAt];
      expect(times).toEqual(times.toSorted((a, b) => Number(a) - Number(b)));
      expect(times).not.toContain(null);
      expect(run.output).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(await home.backend.getPipelineRun(root.id)).toMatchObject({
      state: "COMPLETE",
      runs: 6,
      finished: 6,
      failed: 0,
    });
  });

  it("names the source of each argument, with its part, and its order", async () => {
    const pair = func("pair", () => ({ left: [1, 2], right: 3 }));
    const take = func("take", (all: { n: number }[], m: number) => all.length + m);
    const pipeline = func("edges", () => {
      const { left, right } = pair();
      return take([{ n: left[1] as never }], right).$after(add(1, 1));
    });
    const { home, runs } = await record(pipeline());
    const [source, before] = [runs.get("pair"), runs.get("add")];
    const edges = await home.backend.edgesOf(runs.get("take")?.id ?? "");
    const told = edges.map(({ kind, argument, name, argumentPath, sourceRunId, sourcePath, artifactId }) =>
      [kind, argument, name, argumentPath, sourceRunId, sourcePath, artifactId === null ? "" : "stored"].join("|"),
    );
    // An argument that was put together has edges with where it came from, with what stood around that, and with what the
    // body got.
    expect(new Set(told)).toEqual(
      new Set([
        `data|0|all|[0].n|${source?.id}|.left[1]|`,
        "template|0|all||||stored",
        "data|0|all||||stored",
        `data|1|m||${source?.id}|.right|`,
        "data|1|m||||stored",
        `order|-1|||${before?.id}||`,
      ]),
    );
  });

  it("tells its story while it happens, in legal steps", async () => {
    const { events, root } = await record(sum(1, 2, 3));
    const told = events.flatMap((event) => (event.type === "run" && event.id === root.id ? [event.state] : []));
    expect([...new Set(told)].slice(-3)).toEqual(["RUNNING", "RAN", "RESOLVED"]);
    const pipeline = events.flatMap((event) => (event.type === "pipeline" ? [event.state] : []));
    expect(pipeline).toEqual(["RUNNING", "COMPLETE"]);
  });
});

describe("values between recorded runs", () => {
  it("are snapshots: what is changed after the call, or by another run, does not count", async () => {
    const read = func("read", (list: number[]) => list.join());
    const spoil = func("spoil", (list: number[]) => {
      list.push(99);
      return list;
    });
    const pipeline = func("mutating", async () => {
      const list = [1, 2];
      const [before, spoilt] = [read(list), spoil(list)];
      list.push(3);
      const mine = await spoilt.$value();
      mine.push(7);
      return [before, read(list), read(spoilt), read(mine)];
    });
    expect((await record(pipeline())).value).toEqual(["1,2", "1,2,3", "1,2,99", "1,2,99,7"]);
  });

  it("of one call used twice are stored once and run once", async () => {
    let executed = 0;
    const once = func("once", () => (executed += 1));
    const { value, home } = await record(func("twice", () => add(once(), 0)).map([]) as Future<unknown>);
    expect([value, executed]).toEqual([[], 0]);
    const shared = await record(func("shared", () => ((future) => add(future, future))(once()))());
    expect([shared.value, executed, shared.runs.size]).toEqual([2, 1, 3]);
    expect((await home.backend.statistics()).runs).toBe(1);
  });

  it.each<[string, unknown, RegExp]>([
    ["a function", { deep: [() => 1] }, /output of func "giving a function"\.deep\[0\]: a function/],
    ["a promise", { later: Promise.resolve(1) }, /\.later: a Promise cannot be stored; await it first/],
    ["a symbol", [Symbol("x")], /\[0\]: a symbol cannot be stored/],
    [
      "an object of an unknown class",
      new (class Socket {
        open = true;
      })(),
      /instance of Socket has no codec/,
    ],
  ])("are refused if they cannot be stored: %s", async (title, result, message) => {
    const { error, root } = await record(func(`giving ${title}`, () => result)());
    expect(error?.message).toMatch(message);
    expect(root.state).toBe("FAILED");
    expect(root.failure?.code).toBe("VALUE_NOT_STORABLE");
  });

  it("that cannot be stored count as the body's error, with its retries", async () => {
    const flaky = func({
      id: "flaky output",
      retry: { retries: 1 },
      run: () => (context().attempt === 1 ? () => 1 : "a text") as string,
    });
    const { value, root, home } = await record(flaky());
    expect([value, root.attempt]).toEqual(["a text", 2]);
    expect((await home.backend.attemptsOf(root.id))[0]?.failure.code).toBe("VALUE_NOT_STORABLE");
  });

  it("pass schemas before they are stored", async () => {
    const shaped = func({
      id: "shaped",
      output: z.object({ n: z.number().default(7) }),
      run: (): { n?: number } => ({}),
    });
    expect((await record(func("reading", () => shaped().n)())).value).toBe(7);
  });
});

describe("the record of a failure", () => {
  it("tells where it began and what it ended: runs above, beside and behind it", async () => {
    const started = Promise.withResolvers<void>();
    const busy = func("busy", () => {
      started.resolve();
      return new Promise<number>(() => undefined);
    });
    const fails = func("fails", async () => {
      await started.promise;
      throw new RangeError("out of range");
    });
    const middle = func("middle", () => fails());
    const pipeline = func("pipeline", () => {
      const done = add(1, 2);
      return [
        done,
        busy(),
        add(busy().$set({ name: "busy too" }), 1).$set({ name: "behind busy" }),
        middle().$after(done),
      ];
    });
    const { error, root, runs, home } = await record(pipeline());
    expect(statesOf(runs)).toEqual({
      pipeline: "NESTED_FAILED",
      add: "RESOLVED",
      busy: "CANCELED",
      "busy too": "CANCELED",
      "behind busy": "CANCELED",
      middle: "NESTED_FAILED",
      fails: "FAILED",
    });
    expect(runs.get("fails")).toMatchObject({ failure: { name: "RangeError", message: "out of range" }, output: null });
    expect(runs.get("busy")?.reason).toMatch(/^fails#\w{8} failed$/);
    expect(runs.get("busy")?.finishedAt).toBeGreaterThan(0);
    expect(runs.get("behind busy")).toMatchObject({ startedAt: null, attempt: 0 });
    expect(root.failure?.message).toMatch(/^its child fails#\w{8} failed: out of range$/);
    expect(error).toMatchObject({ state: "FAILED", cause: { funcId: "fails", cause: { name: "RangeError" } } });
    expect(await home.backend.getPipelineRun(root.id)).toMatchObject({ state: "FAILED", failed: 3, finished: 7 });
  });

  it("keeps each failed attempt", async () => {
    const flaky = func({
      id: "flaky",
      retry: { retries: 3 },
      run: () => {
        const { attempt } = context();
        if (attempt < 4) throw new Error(`attempt ${attempt}`);
        return attempt;
      },
    });
    const { root, home } = await record(flaky());
    expect(root).toMatchObject({ state: "RESOLVED", attempt: 4, failure: null });
    const attempts = await home.backend.attemptsOf(root.id);
    expect(attempts.map(({ attempt, failure }) => [attempt, failure.message])).toEqual([
      [1, "attempt 1"],
      [2, "attempt 2"],
      [3, "attempt 3"],
    ]);
  });

  it("does not retry a parent for a child's failure", async () => {
    const parent = func({ id: "parent", retry: { retries: 2 }, run: () => bad() });
    const { runs } = await record(parent());
    expect([...runs.values()].map(({ attempt, state }) => [attempt, state])).toEqual([
      [1, "NESTED_FAILED"],
      [1, "FAILED"],
    ]);
  });

  it("is not made by a watcher that throws: it hears no more, and the work goes on", async () => {
    const warned = new Promise<Error>((resolve) => void process.once("warning", resolve));
    let heard = 0;
    const onEvent = (event: RunnerEvent): void => {
      heard += 1;
      if (event.type === "run" && event.state === "RUNNING") throw new Error("the view broke");
    };
    await using runner = new LocalRunner({ home: temporaryFolder(), onEvent });
    expect(await runner.run(func("watched", () => add(1, 2))())).toBe(3);
    expect((await warned).message).toBe(
      "onEvent threw and is not called any more for this pipeline run: Error: the view broke",
    );
    const before = heard;
    expect(await runner.run(add(1, 2))).toBe(3);
    expect(heard).toBeGreaterThan(before);
  });

  it("before there is anything to record is told as it is", async () => {
    const file = join(temporaryFolder(), "a-file");
    writeFileSync(file, "not a folder");
    const error: unknown = await new LocalRunner({ home: join(file, "home") })
      .run(add(1, 2))
      .catch((thrown: unknown) => thrown);
    expect(error).not.toMatchObject({ name: "PipelineRunError" });
    expect((error as Error).message).toContain(file);
  });

  it("of a process that a body started and lost is the body's to handle", async () => {
    const spawning = func("spawning", async () => {
      const killed = promisify(execFile)(process.execPath, ["-e", "process.kill(process.pid, 'SIGKILL')"]);
      const error = await killed.catch((thrown: { signal?: string }) => thrown);
      return (error as { signal?: string }).signal;
    });
    expect(await record(spawning())).toMatchObject({ value: "SIGKILL", root: { state: "RESOLVED" } });
  });
});

describe("canceling a recorded pipeline run", () => {
  it("leaves nothing unfinished, and says why", async () => {
    const path = temporaryFolder();
    await using runner = new LocalRunner({ home: path, concurrency: 2 });
    const started = Promise.withResolvers<void>();
    const hang = func("hang", () => {
      started.resolve();
      return new Promise<number>(() => undefined);
    });
    const pipeline = func("canceled", () => [hang(), hang(), hang(), add(hang(), 1)]);
    const handle = await runner.submit(pipeline());
    await started.promise;
    expect(await handle.cancel("changed my mind")).toBe(true);
    expect(await handle.cancel("again")).toBe(false);
    await expect(handle.result()).rejects.toMatchObject({ state: "CANCELED" });
    const home = await homeOf(path);
    const runs = await home.backend.listRuns(handle.id);
    expect(runs.map(({ state }) => state)).toEqual([
      "CANCELED",
      "CANCELED",
      "CANCELED",
      "CANCELED",
      "CANCELED",
      "CANCELED",
    ]);
    expect(runs.every(({ reason }) => reason?.includes("changed my mind"))).toBe(true);
    expect((await home.backend.getPipelineRun(handle.id))?.state).toBe("CANCELED");
    expect(await home.backend.cancelPipelineRun(handle.id, "late", Date.now())).toBe(false);
  });

  it("does nothing to one that is complete, or that nobody knows", async () => {
    const { home, root } = await record(add(1, 2));
    expect(await home.backend.cancelPipelineRun(root.id, "too late", Date.now())).toBe(false);
    expect((await home.backend.getPipelineRun(root.id))?.state).toBe("COMPLETE");
    expect((await home.backend.getRun(root.id))?.state).toBe("RESOLVED");
    const unknown = add(1, 2).$id;
    expect(await home.backend.cancelPipelineRun(unknown, "never was", Date.now())).toBe(false);
  });
});
