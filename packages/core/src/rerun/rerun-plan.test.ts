import { describe, expect, it } from "vitest";
import type { RepriseError } from "../errors.ts";
import type { GraphRun } from "./graph-run.ts";
import { planRerun } from "./rerun-plan.ts";
import { actionsOf, recorded } from "./testing/recorded-run.ts";

/** `pipeline(a, b)`: `c = add(a, b); d = add3(a, b, c)`, which is `add(add(a, b), c)`; result `add(c, d)`. */
const sums: readonly GraphRun[] = [
  recorded("pipeline"),
  recorded("c", "pipeline"),
  recorded("d", "pipeline", { needs: ["c"] }),
  recorded("sum", "pipeline", { needs: ["c", "d"] }),
  recorded("inner", "d"),
  recorded("outer", "d", { needs: ["inner"] }),
];

function rerunFrom(runs: readonly GraphRun[], target: string): Record<string, string> {
  return actionsOf(planRerun(runs, { mode: "from", target }));
}

describe("re-running from a run of bodies that returned futures", () => {
  it("executes the last run alone", () => {
    expect(rerunFrom(sums, "sum")).toEqual({
      pipeline: "wait",
      c: "clone",
      d: "clone",
      sum: "reset",
      inner: "clone",
      outer: "clone",
    });
  });

  it("executes from the first run all but the root", () => {
    expect(rerunFrom(sums, "c")).toEqual({
      pipeline: "wait",
      c: "reset",
      d: "reset",
      sum: "reset",
      inner: "drop",
      outer: "drop",
    });
  });

  it("executes from a run what is nested in it, and what needs it", () => {
    expect(rerunFrom(sums, "d")).toEqual({
      pipeline: "wait",
      c: "clone",
      d: "reset",
      sum: "reset",
      inner: "drop",
      outer: "drop",
    });
  });

  it("executes from a nested run what needs the run around it", () => {
    expect(rerunFrom(sums, "outer")).toEqual({
      pipeline: "wait",
      c: "clone",
      d: "wait",
      sum: "reset",
      inner: "clone",
      outer: "reset",
    });
    expect(rerunFrom(sums, "inner")).toEqual({
      pipeline: "wait",
      c: "clone",
      d: "wait",
      sum: "reset",
      inner: "reset",
      outer: "reset",
    });
  });

  it("executes everything from the root", () => {
    expect(rerunFrom(sums, "pipeline")).toEqual({
      pipeline: "reset",
      c: "drop",
      d: "drop",
      sum: "drop",
      inner: "drop",
      outer: "drop",
    });
  });
});

/** The fixture of Sematic's `test_clone_futures_reset`: `d = add3(add(a, b), add(b, c), add(a, c)); add3(d, b, c)`. */
const layers: readonly GraphRun[] = [
  recorded("pipeline"),
  recorded("ab", "pipeline"),
  recorded("bc", "pipeline"),
  recorded("ac", "pipeline"),
  recorded("first", "pipeline", { needs: ["ab", "bc", "ac"] }),
  recorded("second", "pipeline", { needs: ["first"] }),
  recorded("first.inner", "first"),
  recorded("first.outer", "first", { needs: ["first.inner"] }),
  recorded("second.inner", "second"),
  recorded("second.outer", "second", { needs: ["second.inner"] }),
];

describe("what becomes of runs around, behind and beside the target", () => {
  it("lets what is around wait, what is behind execute, and takes over what is beside", () => {
    expect(rerunFrom(layers, "first.inner")).toEqual({
      pipeline: "wait",
      ab: "clone",
      bc: "clone",
      ac: "clone",
      first: "wait",
      second: "reset",
      "first.inner": "reset",
      "first.outer": "reset",
      "second.inner": "drop",
      "second.outer": "drop",
    });
  });

  it("tells why", () => {
    const plan = planRerun(layers, { mode: "from", target: "first.inner" });
    expect(Object.fromEntries([...plan].map(([id, { reason }]) => [id, reason]))).toEqual({
      pipeline: { type: "contains", run: "first" },
      ab: { type: "independent" },
      bc: { type: "independent" },
      ac: { type: "independent" },
      first: { type: "contains", run: "first.inner" },
      second: { type: "downstream", run: "first" },
      "first.inner": { type: "target" },
      "first.outer": { type: "downstream", run: "first.inner" },
      "second.inner": { type: "nested", run: "second" },
      "second.outer": { type: "nested", run: "second" },
    });
  });
});

describe("re-running what failed", () => {
  /** `add(add(a, b), addFail(c, d))`. */
  const failed: readonly GraphRun[] = [
    recorded("add4", null, { state: "NESTED_FAILED", returned: true }),
    recorded("ab", "add4"),
    recorded("cd", "add4", { state: "FAILED" }),
    recorded("sum", "add4", { state: "CANCELED", attempt: 0, needs: ["ab", "cd"] }),
  ];

  it("executes what failed beside the target too", () => {
    expect(rerunFrom(failed, "ab")).toEqual({ add4: "wait", ab: "reset", cd: "reset", sum: "reset" });
  });

  it.each(["cd", "sum"])("takes over what succeeded, from %s", (target) => {
    expect(rerunFrom(failed, target)).toEqual({ add4: "wait", ab: "clone", cd: "reset", sum: "reset" });
  });

  it("executes a body that threw again, and its calls are answered", () => {
    const threw = [
      recorded("root", null, { state: "FAILED" }),
      recorded("load", "root"),
      recorded("train", "root", { needs: ["load"] }),
      recorded("fit", "train"),
    ];
    expect(rerunFrom(threw, "train")).toEqual({
      root: "reexecute",
      load: "clone if called",
      train: "reset if called",
      fit: "drop",
    });
  });

  it("works from a run that was never begun, in a pipeline run that never ended", () => {
    const open = [
      recorded("root", null, { state: "RAN" }),
      recorded("load", "root", { state: "RUNNING" }),
      recorded("part", "load", { state: "SCHEDULED" }),
      recorded("train", "root", { state: "CREATED", needs: ["load"] }),
    ];
    expect(rerunFrom(open, "train")).toEqual({
      root: "wait",
      load: "reexecute",
      part: "reset if called",
      train: "reset",
    });
  });

  it("puts a result together again that could not be put together", () => {
    const unassembled = [recorded("root", null, { state: "FAILED", returned: true }), recorded("load", "root")];
    const plan = planRerun(unassembled, { mode: "continue", target: "root" });
    expect(actionsOf(plan)).toEqual({ root: "wait", load: "clone" });
    expect(plan.get("root")?.reason).toEqual({ type: "unfinished" });
  });
});

describe("bodies that waited for values", () => {
  /** `a = await load().$value(); b = check(); return train(a)`; the root of all waits for nothing. */
  const waited: readonly GraphRun[] = [
    recorded("root"),
    recorded("work", "root"),
    recorded("report", "root", { needs: ["work"] }),
    recorded("load", "work", { awaited: true }),
    recorded("check", "work"),
    recorded("check.part", "check"),
    recorded("train", "work"),
  ];

  it("executes again what waited for something that changes; its other calls are answered if it makes them", () => {
    expect(rerunFrom(waited, "load")).toEqual({
      root: "wait",
      work: "reexecute",
      report: "reset",
      load: "reset if called",
      check: "clone if called",
      "check.part": "clone if called",
      train: "clone if called",
    });
  });

  it("does not execute again what waited for something else", () => {
    expect(rerunFrom(waited, "train")).toMatchObject({ root: "wait", work: "wait", load: "clone", train: "reset" });
  });

  it("names what it waited for, not what else changes in it", () => {
    const plan = planRerun(
      [
        ...waited.slice(0, 3),
        recorded("other", "work", { state: "FAILED" }),
        recorded("load", "work", { awaited: true }),
      ],
      { mode: "from", target: "load" },
    );
    expect(plan.get("work")?.reason).toEqual({ type: "waited", run: "load" });
  });
});

describe("failures that were dealt with", () => {
  /** `try { await risky().$value() } catch {}; return safe()`. */
  const caught: readonly GraphRun[] = [
    recorded("root"),
    recorded("risky", "root", { state: "FAILED", awaited: true }),
    recorded("risky.part", "risky", { state: "CANCELED" }),
    recorded("mixed", "root", { state: "CANCELED", attempt: 0, needs: ["risky", "safe"] }),
    recorded("safe", "root"),
    recorded("other", "root"),
  ];

  it("stay out of it", () => {
    const plan = planRerun(caught, { mode: "from", target: "other" });
    expect(actionsOf(plan)).toMatchObject({ root: "wait", risky: "drop", "risky.part": "drop", safe: "clone" });
    for (const id of ["risky", "risky.part", "mixed"]) {
      expect(plan.get(id)?.reason).toEqual({ type: "handled", run: "root" });
    }
  });

  it("are tried again if something that executes needs them", () => {
    expect(rerunFrom(caught, "safe")).toEqual({
      root: "reexecute",
      risky: "reexecute if called",
      "risky.part": "reset if called",
      mixed: "reset if called",
      safe: "reset if called",
      other: "clone if called",
    });
  });

  it("are tried again in a map that tolerated them, if the map changes", () => {
    const tolerated = [
      recorded("root"),
      recorded("map", "root", { kind: "map" }),
      recorded("one", "map"),
      recorded("two", "map", { state: "FAILED" }),
      recorded("three", "map"),
      recorded("other", "root"),
    ];
    expect(rerunFrom(tolerated, "one")).toMatchObject({ map: "wait", one: "reset", two: "reset", three: "clone" });
    expect(rerunFrom(tolerated, "other")).toMatchObject({ map: "clone", one: "clone", two: "drop" });
  });
});

describe("attempts that were retried", () => {
  const retried: readonly GraphRun[] = [
    recorded("root"),
    recorded("work", "root", { attempt: 2 }),
    recorded("old", "work", { parentAttempt: 1 }),
    recorded("old.part", "old"),
    recorded("new", "work", { parentAttempt: 2 }),
  ];

  it("leave nothing in the graph", () => {
    const plan = planRerun(retried, { mode: "from", target: "new" });
    expect(actionsOf(plan)).toEqual({ root: "wait", work: "wait", old: "drop", "old.part": "drop", new: "reset" });
    expect(plan.get("old.part")?.reason).toEqual({ type: "retried", run: "work" });
  });

  it.each(["old", "old.part"])("are stood in for by the run that was retried, from %s", (target) => {
    const plan = planRerun(retried, { mode: "from", target });
    expect(actionsOf(plan)).toEqual({ root: "wait", work: "reset", old: "drop", "old.part": "drop", new: "drop" });
    expect(plan.get("work")?.reason).toEqual({ type: "target" });
  });
});

describe("maps", () => {
  /** `x = load(); f.map([x, 2])`; each element calls something. */
  function mapOf(map: Parameters<typeof recorded>[2]): GraphRun[] {
    return [
      recorded("root"),
      recorded("load", "root"),
      recorded("map", "root", { kind: "map", ...map }),
      recorded("sum", "root", { needs: ["map"] }),
      recorded("one", "map", map?.hasArguments === true ? {} : { needs: ["load"] }),
      recorded("one.part", "one"),
      recorded("two", "map"),
      recorded("two.part", "two"),
    ];
  }

  it("execute only the elements that need what changes", () => {
    expect(rerunFrom(mapOf({}), "load")).toMatchObject({
      map: "wait",
      one: "reset",
      "one.part": "drop",
      two: "clone",
      "two.part": "clone",
      sum: "reset",
    });
  });

  it("keep the elements that tell their items when all of it executes", () => {
    const plan = planRerun(mapOf({}), { mode: "from", target: "map" });
    expect(actionsOf(plan)).toMatchObject({
      map: "reset",
      one: "reset",
      "one.part": "drop",
      two: "reset",
      "two.part": "drop",
      sum: "reset",
    });
    expect(plan.get("two")?.reason).toEqual({ type: "nested", run: "map" });
  });

  it("make their elements anew if their items come from a run", () => {
    const map = mapOf({ hasArguments: true, needs: ["load"] });
    expect(rerunFrom(map, "load")).toMatchObject({ map: "reset", one: "drop", two: "drop", sum: "reset" });
    expect(rerunFrom(map, "one")).toMatchObject({ map: "wait", one: "reset", two: "clone", sum: "reset" });
  });

  it("get items that were never recorded from the body that called them", () => {
    const plan = planRerun(
      [
        recorded("root", null, { state: "NESTED_FAILED", returned: true }),
        recorded("load", "root", { state: "FAILED" }),
        recorded("map", "root", { kind: "map", state: "CANCELED", attempt: 0, needs: ["load"] }),
      ],
      { mode: "from", target: "load" },
    );
    expect(actionsOf(plan)).toEqual({ root: "reexecute", load: "reset if called", map: "reset if called" });
    expect(plan.get("root")?.reason).toEqual({ type: "items", run: "map" });
  });

  it("begin anew if they never made all of their elements", () => {
    const runs = (map: Parameters<typeof recorded>[2]): GraphRun[] => [
      recorded("root", null, { state: "RAN" }),
      recorded("load", "root"),
      recorded("map", "root", { kind: "map", state: "RUNNING", ...map }),
      recorded("one", "map", { state: "CREATED" }),
    ];
    const items = runs({ hasArguments: true, needs: ["load"] });
    for (const target of ["map", "one"]) {
      expect(rerunFrom(items, target)).toEqual({ root: "wait", load: "clone", map: "reset", one: "drop" });
      expect(rerunFrom(runs({}), target)).toEqual({
        root: "reexecute",
        load: "clone if called",
        map: "reset if called",
        one: "drop",
      });
    }
  });
});

describe("continuing", () => {
  it("executes what did not succeed", () => {
    const runs = [
      recorded("root", null, { state: "NESTED_FAILED", returned: true }),
      recorded("load", "root"),
      recorded("train", "root", { state: "NESTED_FAILED", returned: true, needs: ["load"] }),
      recorded("fit", "train"),
      recorded("score", "train", { state: "FAILED", needs: ["fit"] }),
      recorded("report", "root", { state: "CANCELED", attempt: 0, needs: ["train"] }),
    ];
    expect(actionsOf(planRerun(runs, { mode: "continue", target: "root" }))).toEqual({
      root: "wait",
      load: "clone",
      train: "wait",
      fit: "clone",
      score: "reset",
      report: "reset",
    });
  });

  it("executes nothing if all succeeded", () => {
    const actions = actionsOf(planRerun(layers, { mode: "continue", target: "pipeline" }));
    expect(new Set(Object.values(actions))).toEqual(new Set(["clone"]));
  });

  it("begins with a root that never began", () => {
    const plan = planRerun([recorded("root", null, { state: "CANCELED" })], { mode: "continue", target: "root" });
    expect(plan.get("root")).toEqual({ action: "reset", reason: { type: "unfinished" }, ifCalled: false });
  });
});

it("leaves out of account what is not in the graph", () => {
  const part = [recorded("inner", "elsewhere", { needs: ["missing"] }), recorded("leaf", "inner")];
  expect(rerunFrom(part, "leaf")).toEqual({ inner: "wait", leaf: "reset" });
});

describe("refusals", () => {
  it("knows no run of another pipeline run", () => {
    const plan = (): unknown => planRerun(sums, { mode: "from", target: "elsewhere" });
    expect(plan).toThrow(/pipeline run pipeline has no run elsewhere/);
    expect(plan).toThrow(expect.objectContaining({ code: "RUN_NOT_FOUND" }) as RepriseError);
  });

  it("continues only whole pipeline runs", () => {
    const plan = (): unknown => planRerun(sums, { mode: "continue", target: "d" });
    expect(plan).toThrow(/run d is one inside pipeline run pipeline/);
    expect(plan).toThrow(expect.objectContaining({ code: "RERUN_REFUSED" }) as RepriseError);
  });
});
