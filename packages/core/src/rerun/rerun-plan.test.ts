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
