import { describe, expect, test } from "vitest";
import { context, func } from "../index.ts";
import { graphOf, placesOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, states, taken } from "./testing/lab.ts";

/** Names of calls that fail. */
const broken = new Set<string>();

const step = func("step", (name: string, value: number) => {
  executes(`step ${name}`);
  if (broken.has(name)) throw new RangeError(`${name} is broken`);
  return value + 1;
});

const nested = func("nested", (value: number) => {
  executes();
  const one = step("one", value);
  return step("two", one);
});
const waiting = func("waiting", async (value: number) => {
  executes();
  const three = await step("three", value).$value();
  const four = await step("four", three).$value();
  return step("five", four);
});
const pipeline = func("pipeline", (value: number) => {
  executes();
  const inner = nested(value);
  const waited = waiting(inner);
  const list = step.map(
    [1, 2, 3].map((at): [string, typeof waited] => [`item ${at}`, waited]),
    { concurrency: 1 },
  );
  return { inner, waited, list, last: step("last", waited) };
});

const value = { inner: 2, waited: 5, list: [6, 6, 6], last: 6 };
const all = {
  pipeline: 1,
  nested: 1,
  waiting: 1,
  ...Object.fromEntries(
    ["one", "two", "three", "four", "five", "item 1", "item 2", "item 3", "last"].map((name) => [`step ${name}`, 1]),
  ),
};
const items = { "step item 1": 1, "step item 2": 1, "step item 3": 1 };

describe("continuing", () => {
  test("a complete pipeline run executes nothing and gives its value", async () => {
    broken.clear();
    const lab = await Lab.open();
    const first = await lab.run(pipeline(0));
    expect(first).toMatchObject({ value, executed: all });
    const second = await lab.continue(first, again(pipeline));
    expect(second).toMatchObject({ value, executed: {}, row: { state: "COMPLETE", runs: first.runs.length } });
    expect(taken(second)).toHaveLength(first.runs.length);
    expect(graphOf(second)).toEqual(graphOf(first));
    const third = await lab.continue(second, pipeline(0));
    expect(third).toMatchObject({ value, executed: {} });
    const origins = [...placesOf(third)].map(([place, { cache }]) => [place, cache.originRunId]);
    expect(Object.fromEntries(origins)).toEqual(
      Object.fromEntries([...placesOf(first)].map(([place, { id }]) => [place, id])),
    );
  });

  test.each<[string, Record<string, number>]>([
    [
      "one",
      {
        "step one": 1,
        "step two": 1,
        waiting: 1,
        "step three": 1,
        "step four": 1,
        "step five": 1,
        "step last": 1,
        ...items,
      },
    ],
    ["two", { "step two": 1, waiting: 1, "step three": 1, "step four": 1, "step five": 1, "step last": 1, ...items }],
    // It passed on the failure for which it had waited, so its body had not given a result.
    ["three", { waiting: 1, "step three": 1, "step four": 1, "step five": 1, "step last": 1, ...items }],
    ["four", { waiting: 1, "step four": 1, "step five": 1, "step last": 1, ...items }],
    ["five", { "step five": 1, "step last": 1, ...items }],
  ])("executes what did not succeed, and nothing else: %s had failed", async (name, executed) => {
    broken.clear();
    broken.add(name);
    const lab = await Lab.open();
    const first = await lab.run(pipeline(0));
    expect(failureOf(first).message).toBe(`${name} is broken`);
    broken.clear();
    const second = await lab.continue(first, again(pipeline));
    expect(second).toMatchObject({ value, executed, row: { state: "COMPLETE" } });
    expect(graphOf(second)).toEqual(graphOf(await lab.run(pipeline(0))));
  });

  test("a map executes the elements that did not succeed", async () => {
    broken.clear();
    broken.add("item 2");
    const lab = await Lab.open();
    const first = await lab.run(pipeline(0), { concurrency: 1 });
    expect(failureOf(first).message).toBe("item 2 is broken");
    const resolved = first.runs.filter(({ name, state }) => name === "step" && state === "RESOLVED").length;
    broken.clear();
    const second = await lab.continue(first, again(pipeline));
    const open = first.runs.filter(({ name, state }) => name === "step" && state !== "RESOLVED").length;
    expect(second.value).toEqual(value);
    expect(Object.values(second.executed).reduce((sum, count) => sum + count, 0)).toBe(open);
    expect(second.executed).toMatchObject({ "step item 2": 1, "step item 3": 1 });
    expect(second.executed["step item 1"]).toBeUndefined();
    expect(taken(second).filter((name) => name === "step")).toHaveLength(resolved);
  });

  test("goes on as often as it takes", async () => {
    broken.clear();
    const lab = await Lab.open();
    const total: Record<string, number> = {};
    let last = await lab.run(pipeline(0), { signal: AbortSignal.abort() });
    for (const name of ["one", "three", "four", "last", undefined]) {
      broken.clear();
      if (name !== undefined) broken.add(name);
      last = await lab.continue(last, again(pipeline), { concurrency: 1 });
      expect(last.error === undefined ? undefined : failureOf(last).message).toBe(name && `${name} is broken`);
      for (const [body, count] of Object.entries(last.executed)) total[body] = (total[body] ?? 0) + count;
    }
    expect(last.value).toEqual(value);
    // Once for each time that it failed, passed a failure on, and succeeded.
    expect(total).toEqual({ ...all, "step one": 2, waiting: 3, "step three": 2, "step four": 2, "step last": 2 });
  });

  test("a run whose own body failed executes it with the arguments that it had", async () => {
    let fails = true;
    const root = func("failing root", (input: { readonly list: readonly number[] }) => {
      executes();
      if (fails) throw new Error("not yet");
      return input.list.length;
    });
    const lab = await Lab.open();
    const first = await lab.run(root({ list: [1, 2, 3] }));
    expect(failureOf(first).message).toBe("not yet");
    fails = false;
    expect(await lab.continue(first, again(root))).toMatchObject({ value: 3, executed: { "failing root": 1 } });
  });

  test("a body that failed after its calls had succeeded gets their results", async () => {
    let fails = true;
    const late = func("late failure", async () => {
      executes();
      const sum = (await step("a", 1).$value()) + (await step("b", 2).$value());
      if (fails) throw new Error("late");
      return sum;
    });
    broken.clear();
    const lab = await Lab.open();
    const first = await lab.run(late());
    expect(first.executed).toEqual({ "late failure": 1, "step a": 1, "step b": 1 });
    fails = false;
    const second = await lab.continue(first, late());
    expect(second).toMatchObject({ value: 5, executed: { "late failure": 1 } });
    expect(taken(second)).toEqual(["step", "step"]);
  });

  test("a pipeline run that was canceled while bodies executed", async () => {
    let holds = true;
    const started = Promise.withResolvers<void>();
    const held = func("held", async (input: number) => {
      executes();
      started.resolve();
      const { signal } = context();
      if (holds) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("held"))));
      return input * 2;
    });
    const root = func("canceled", () => {
      executes();
      const done = step("done", 1);
      return { done, held: held(done), behind: step("behind", held(done).$set({ name: "held too" })) };
    });
    broken.clear();
    const lab = await Lab.open();
    const stop = new AbortController();
    void started.promise.then(() => stop.abort(new Error("enough")));
    const first = await lab.run(root(), { signal: stop.signal });
    expect(first.row.state).toBe("CANCELED");
    expect(states(first)).toContain("step RESOLVED");
    holds = false;
    const second = await lab.continue(first, root());
    expect(second).toMatchObject({ value: { done: 2, held: 4, behind: 5 } });
    expect(second.executed).toEqual({ held: 2, "step behind": 1 });
  });

  test("does not try again what a body has handled", async () => {
    const careful = func("careful", async () => {
      executes();
      const fallback = await step("risky", 1)
        .$value()
        .catch(() => -1);
      return step("after", fallback);
    });
    const root = func("handling root", () => {
      executes();
      const first = careful();
      return [first, step("other", 5).$after(first)];
    });
    broken.clear();
    broken.add("risky").add("other");
    const lab = await Lab.open();
    const first = await lab.run(root(), { concurrency: 1 });
    expect(named(first, "careful").state).toBe("RESOLVED");
    broken.clear();
    const second = await lab.continue(first, root());
    expect(second).toMatchObject({ value: [0, 6], executed: { "step other": 1 } });
  });
});
