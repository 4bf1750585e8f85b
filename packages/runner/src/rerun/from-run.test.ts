import { describe, expect, test } from "vitest";
import { func } from "../index.ts";
import { graphOf, placesOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, type Recorded, states, taken } from "./testing/lab.ts";

/** What changes between a run and its re-run: added to each sum, and whether `fragile` breaks. */
let bonus = 0;
let breaks = false;

const add = func("add", (a: number, b: number) => {
  executes();
  return a + b + bonus;
});
const add3 = func("add3", (a: number, b: number, c: number) => {
  executes();
  return add(add(a, b), c);
});
const pipeline = func("pipeline", (a: number, b: number) => {
  executes();
  const c = add(a, b).$set({ name: "first" });
  const d = add3(a, b, c);
  return add(c, d).$set({ name: "final" });
});

async function original(): Promise<{ lab: Lab; first: Recorded<number> }> {
  bonus = 0;
  breaks = false;
  const lab = await Lab.open();
  const first = await lab.run(pipeline(1, 2));
  expect(first).toMatchObject({ value: 9, executed: { pipeline: 1, add: 4, add3: 1 } });
  // The nested calls come after those of the root.
  expect(states(first)).toEqual(["pipeline", "first", "add3", "final", "add", "add"].map((name) => `${name} RESOLVED`));
  return { lab, first };
}

describe("a re-run from", () => {
  test.each<[string, string, number, Record<string, number>, string[], number]>([
    ["the last call", "final", 0, { add: 1 }, ["first", "add3", "add", "add"], 109],
    ["the first call", "first", 0, { add: 4, add3: 1 }, [], 509],
    ["a call with calls", "add3", 0, { add: 3, add3: 1 }, ["first"], 309],
    ["the outer one of nested calls", "add", 1, { add: 2 }, ["first", "add"], 209],
    ["the inner one of nested calls", "add", 0, { add: 3 }, ["first"], 309],
    ["the root", "pipeline", 0, { pipeline: 1, add: 4, add3: 1 }, [], 509],
  ])(
    "%s executes it, what is nested in it and what is downstream of it",
    async (_, name, at, executed, kept, value) => {
      const { lab, first } = await original();
      const same = await lab.rerun(first, named(first, name, at), again(pipeline));
      expect(same).toMatchObject({ value: 9, error: undefined, executed, row: { state: "COMPLETE", runs: 6 } });
      expect(taken(same)).toEqual(kept);
      expect(graphOf(same)).toEqual(graphOf(first));
      bonus = 100;
      const changed = await lab.rerun(first, named(first, name, at), again(pipeline));
      expect({ value: changed.value, executed: changed.executed, kept: taken(changed) }).toEqual({
        value,
        executed,
        kept,
      });
    },
  );

  test("a call leaves the runs of before as they were", async () => {
    const { lab, first } = await original();
    await lab.rerun(first, named(first, "first"), again(pipeline));
    expect(await lab.read(first.id)).toEqual({ row: first.row, runs: first.runs, edges: first.edges });
    expect(first.row.rerun).toBeNull();
  });

  test("a re-run goes on from there, and still names who computed what is taken over first", async () => {
    const { lab, first } = await original();
    const second = await lab.rerun(first, named(first, "add", 1), again(pipeline));
    const third = await lab.rerun(second, named(second, "final"), again(pipeline));
    expect(third).toMatchObject({ value: 9, executed: { add: 1 } });
    expect(graphOf(third)).toEqual(graphOf(first));
    const origins = [...placesOf(third)].map(([place, { cache }]) => [place, cache.originRunId]);
    expect(Object.fromEntries(origins)).toEqual({
      "": null,
      "/0": named(first, "first").id,
      // It waited for its child in the second one, and put its result together there.
      "/1": named(second, "add3").id,
      "/1/0": named(first, "add", 0).id,
      "/1/1": named(second, "add", 1).id,
      "/2": null,
    });
    const saved = ({ cache }: { cache: { saved: number | null } }): number | null => cache.saved;
    expect(saved(named(third, "first"))).toBe(saved(named(second, "first")));
  });

  test("a call whose result is taken over from a re-run can be made from any run of it", async () => {
    const { lab, first } = await original();
    const second = await lab.rerun(first, named(first, "final"), again(pipeline));
    const places = placesOf(first);
    for (const [place, run] of placesOf(second)) {
      const before = places.get(place);
      const fromFirst = await lab.rerun(first, before, again(pipeline));
      const fromSecond = await lab.rerun(second, run, again(pipeline));
      expect(fromSecond).toMatchObject({ value: 9, executed: fromFirst.executed });
      expect(taken(fromSecond)).toEqual(taken(fromFirst));
      expect(graphOf(fromSecond)).toEqual(graphOf(first));
    }
  });

  test("the root takes new arguments, any other run has its own", async () => {
    const { lab, first } = await original();
    expect(await lab.rerun(first, first.runs[0], pipeline(10, 20))).toMatchObject({
      value: 90,
      executed: { pipeline: 1, add: 4, add3: 1 },
    });
    expect(await lab.rerun(first, first.runs[0], again(pipeline))).toMatchObject({ value: 9 });
    expect(await lab.rerun(first, named(first, "final"), pipeline(1, 2))).toMatchObject({
      value: 9,
      executed: { add: 1 },
    });
  });
});

describe("of a run that is taken over", () => {
  const tagged = func({
    id: "tagged",
    tags: ["slow"],
    run: (value: number) => {
      executes();
      return value + bonus;
    },
  });
  const holder = func("holder", (value: number) => {
    executes();
    const plain = tagged(value);
    const renamed = tagged(plain).$set({
      name: "renamed",
      tags: ["mine", "too"],
      timeout: "1m",
      retry: { retries: 2, exceptions: ["RangeError"] },
    });
    return { plain, renamed, last: add(plain, renamed).$set({ name: "last" }) };
  });

  test.each(["renamed", "last", "tagged", "holder"])("all that was set is kept, re-run from %s", async (from) => {
    bonus = 0;
    const lab = await Lab.open();
    const first = await lab.run(holder(1).$set({ name: "by hand", tags: ["nightly"] }));
    const target = from === "holder" ? first.runs[0] : named(first, from);
    const second = await lab.rerun(first, target, again(holder));
    expect(second.value).toEqual({ plain: 1, renamed: 1, last: 2 });
    expect(graphOf(second)).toEqual(graphOf(first));
    const { name, tags, options } = named(second, "renamed");
    expect({ name, tags }).toEqual({ name: "renamed", tags: ["mine", "too"] });
    expect(options).toEqual(named(first, "renamed").options);
    expect(named(second, "tagged").tags).toEqual(["slow"]);
    expect(second.row).toMatchObject({ name: "by hand", tags: ["nightly"] });
    expect(named(second, "by hand").tags).toEqual(["nightly"]);
  });
});

const fragile = func("fragile", (value: number) => {
  executes();
  if (breaks) throw new RangeError("broken");
  return value;
});
const deep = func("deep", (value: number) => {
  executes();
  return add(fragile(value), add(value, 1));
});
const failing = func("failing", (value: number) => {
  executes();
  const before = add(value, 1).$set({ name: "before" });
  const nested = deep(before);
  const behind = add(nested, 1).$set({ name: "behind" });
  const list = fragile.map([before, 2]);
  return { before, behind, list, apart: add(value, 2).$set({ name: "apart" }) };
});

describe("of a pipeline run that failed", () => {
  const value = { before: 2, behind: 6, list: [2, 2], apart: 3 };

  async function failed(): Promise<{ lab: Lab; first: Recorded }> {
    bonus = 0;
    breaks = true;
    const lab = await Lab.open();
    const first = await lab.run(failing(1), { concurrency: 1 });
    expect(first.row.state).toBe("FAILED");
    expect(failureOf(first)).toMatchObject({ name: "RangeError" });
    return { lab, first };
  }

  test("a re-run is possible from every run, and fails as before while nothing is mended", async () => {
    const { lab, first } = await failed();
    for (const run of first.runs) {
      const second = await lab.rerun(first, run, again(failing), { concurrency: 1 });
      expect(second.row.state).toBe("FAILED");
      expect(failureOf(second)).toMatchObject({ name: "RangeError", message: "broken" });
    }
  });

  test("a re-run from every run executes all that did not succeed, and comes to the value", async () => {
    const { lab, first } = await failed();
    breaks = false;
    const fresh = await lab.run(failing(1));
    expect(fresh.value).toEqual(value);
    for (const run of first.runs) {
      const second = await lab.rerun(first, run, again(failing));
      expect(second).toMatchObject({ value, error: undefined });
      expect(graphOf(second)).toEqual(graphOf(fresh));
    }
  });

  test("a re-run of a run that failed again and again is possible from every run of it", async () => {
    const { lab, first } = await failed();
    const second = await lab.rerun(first, named(first, "before"), again(failing), { concurrency: 1 });
    breaks = false;
    for (const run of second.runs) expect((await lab.rerun(second, run, again(failing))).value).toEqual(value);
  });

  test("a sibling that failed executes, too, though it does not depend on the run", async () => {
    bonus = 0;
    breaks = true;
    const lab = await Lab.open();
    const siblings = func("siblings", () => {
      executes();
      const left = add(1, 2).$set({ name: "left" });
      const right = fragile(1).$after(left);
      return [add(left, 3).$set({ name: "next" }), add(5, 5).$set({ name: "apart" }), right];
    });
    const first = await lab.run(siblings(), { concurrency: 1 });
    expect(states(first)).toContain("fragile FAILED");
    breaks = false;
    const target = named(first, "apart");
    const second = await lab.rerun(first, target, siblings());
    expect(second.value).toEqual([6, 10, 1]);
    expect(second.executedRuns).toContain(named(second, "fragile").id);
    expect(second.executed["siblings"]).toBeUndefined();
    expect(taken(second)).toContain("left");
  });

  test("one that was canceled before anything happened is executed as a whole", async () => {
    bonus = 0;
    breaks = false;
    const lab = await Lab.open();
    const first = await lab.run(pipeline(1, 2), { signal: AbortSignal.abort(new Error("never mind")) });
    expect(first.row.state).toBe("CANCELED");
    for (const run of first.runs) {
      expect(await lab.rerun(first, run, again(pipeline))).toMatchObject({
        value: 9,
        executed: { pipeline: 1, add: 4 },
      });
    }
  });
});
