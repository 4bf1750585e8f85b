import { beforeEach, describe, expect, test } from "vitest";
import { context, func, type Future, LocalRunner } from "../index.ts";
import { verifyHome } from "../testing/verify-home.ts";
import { graphOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, taken } from "./testing/lab.ts";

let bonus = 0;

beforeEach(() => {
  bonus = 0;
});

const step = func("step", (value: number) => {
  executes();
  return value + 1 + bonus;
});

describe("a re-run of many runs", () => {
  const wide = func("wide", (count: number) => {
    executes();
    const list = step.map(Array.from({ length: count }, (_, at) => at));
    return [list, total(list)];
  });
  const total = func("total", (list: readonly number[]) => {
    executes();
    return list.reduce((sum, value) => sum + value, 0);
  });
  const chain = func("chain", (length: number) => {
    executes();
    let last: number | Future<number> = 0;
    for (let at = 0; at < length; at += 1) last = step(last);
    return last;
  });
  const nest = func("nest", (depth: number): unknown => {
    executes();
    return depth === 0 ? step(0) : nest(depth - 1);
  });
  const waitingNest = func("waiting nest", async (depth: number): Promise<number> => {
    executes();
    return depth === 0 ? step(0).$value() : (await waitingNest(depth - 1).$value()) + 1;
  });

  test("beside each other", async () => {
    const lab = await Lab.open({ verifies: false });
    const first = await lab.run(wide(2_000));
    const second = await lab.rerun(first, named(first, "step", 1_234), again(wide));
    expect(second.executed).toEqual({ step: 1, total: 1 });
    expect(second.value).toEqual(first.value);
    expect(taken(second)).toHaveLength(1_999);
    await verifyHome(lab.home);
  });

  test("behind each other", async () => {
    const lab = await Lab.open({ verifies: false });
    const first = await lab.run(chain(500));
    const second = await lab.rerun(first, named(first, "step", 250), again(chain));
    expect(second).toMatchObject({ value: 500, executed: { step: 250 } });
    expect(graphOf(second)).toEqual(graphOf(first));
    await verifyHome(lab.home);
  });

  test("below each other", async () => {
    const lab = await Lab.open({ verifies: false });
    const first = await lab.run(nest(300));
    const second = await lab.rerun(first, named(first, "step"), again(nest));
    expect(second).toMatchObject({ value: 1, executed: { step: 1 } });
    const whole = await lab.rerun(second, second.runs[150], again(nest));
    expect(whole).toMatchObject({ value: 1, executed: { step: 1, nest: 151 } });
    const waiting = await lab.run(waitingNest(100));
    bonus = 10;
    const changed = await lab.rerun(waiting, named(waiting, "step"), again(waitingNest));
    expect(changed).toMatchObject({ value: 111, executed: { "waiting nest": 101, step: 1 } });
    await verifyHome(lab.home);
  });

  test("below each other, deeper than a stack", { timeout: 30_000 }, async () => {
    const lab = await Lab.open({ verifies: false });
    await lab.run(nest(4_000));
    const [row] = await lab.home.backend.listPipelineRuns();
    const runs = await lab.home.backend.listRuns(row?.id ?? "");
    await using runner = new LocalRunner({ home: lab.path, handleSignals: false, rerunFrom: runs.at(-1)?.id });
    expect(await runner.run(again(nest))).toBe(1);
  });
});

describe("several re-runs", () => {
  const pipeline = func("pipeline", () => {
    executes();
    const a = step(0).$set({ name: "a" });
    return [a, step(a).$set({ name: "b" })];
  });

  test("of one pipeline run at once, by one runner and by several", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const runnerFor = (name: string): LocalRunner =>
      new LocalRunner({ home: lab.path, forwardOutput: false, handleSignals: false, rerunFrom: named(first, name).id });
    await using fromA = runnerFor("a");
    await using fromB = runnerFor("b");
    const runners = [fromA, fromB, fromA, fromB];
    const handles = await Promise.all(runners.map(async (runner) => runner.submit(pipeline())));
    const values = await Promise.all(handles.map(async (handle) => handle.result()));
    expect(values).toEqual(handles.map(() => [1, 2]));
    expect(new Set(handles.map(({ id }) => id)).size).toBe(4);
    await verifyHome(lab.home);
    const kept = await Promise.all(handles.map(async ({ id }) => taken(await lab.read(id))));
    expect(kept).toEqual([[], ["a"], [], ["a"]]);
  });

  test("with each result on disk before it is used", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline(), { durability: "step" });
    const second = await lab.rerun(first, named(first, "b"), pipeline(), { durability: "step" });
    expect(second).toMatchObject({ value: [1, 2], executed: { step: 1 } });
    expect(graphOf(second)).toEqual(graphOf(first));
  });
});

describe("a re-run that is stopped itself", () => {
  test("leaves nothing unfinished, and can be gone on with", async () => {
    let holds = false;
    let started = (): void => undefined;
    const held = func("held", async (value: number) => {
      executes();
      started();
      const { signal } = context();
      if (holds) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("held"))));
      return value;
    });
    const outer = func("outer", async () => {
      executes();
      const a = await step(0).$value();
      const b = await held(a).$value();
      return { a, b, c: step(b).$set({ name: "c" }) };
    });
    const root = func("root", () => {
      executes();
      return [outer(), step(10).$set({ name: "beside" })];
    });
    const lab = await Lab.open();
    const first = await lab.run(root());
    const value = [{ a: 1, b: 1, c: 2 }, 11];
    expect(first.value).toEqual(value);
    holds = true;
    const stop = new AbortController();
    started = () => stop.abort(new Error("enough"));
    const second = await lab.rerun(first, named(first, "held"), root(), { signal: stop.signal });
    expect(second.row.state).toBe("CANCELED");
    expect(named(second, "held").state).toBe("CANCELED");
    // What it had taken over stays so.
    expect(named(second, "beside").cache.status).toBe("CLONED");
    holds = false;
    const third = await lab.continue(second, root());
    expect(third).toMatchObject({ value, executed: { outer: 1, held: 1 } });
    expect(third.executed["root"]).toBeUndefined();
    expect(named(third, "beside").cache.originRunId).toBe(named(first, "beside").id);
    expect(named(third, "step").cache.originRunId).toBe(named(first, "step").id);
    expect(graphOf(third)).toEqual(graphOf(first));
  });

  test("tells the failure of what executes as that of a first run", async () => {
    let breaks = false;
    const fragile = func("fragile", () => {
      executes();
      if (breaks) throw Object.assign(new RangeError("fragile"), { code: "E_FRAGILE" });
      return 1;
    });
    const middle = func("middle", () => (executes(), fragile()));
    const root = func("fragile root", () => {
      executes();
      return { middle: middle(), behind: step(middle().$set({ name: "other" })) };
    });
    const lab = await Lab.open();
    const first = await lab.run(root());
    breaks = true;
    const inMiddle = first.runs.find(({ parentId }) => parentId === named(first, "middle").id);
    const second = await lab.rerun(first, inMiddle, root());
    const failed = second.runs.find(({ state }) => state === "FAILED");
    expect(failureOf(second)).toMatchObject({ name: "RangeError", code: "E_FRAGILE" });
    expect(second.error).toMatchObject({
      name: "PipelineRunError",
      state: "FAILED",
      runId: second.id,
      funcId: "fragile root",
      cause: { name: "RunFailedError", runId: failed?.id, funcId: "fragile" },
    });
    expect(named(second, "middle")).toMatchObject({ state: "NESTED_FAILED", failure: { name: "NestedFailure" } });
    expect(second.row).toMatchObject({ state: "FAILED", failed: 3 });
  });
});
