import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFinished } from "../states.ts";
import type { GraphRun } from "./graph-run.ts";
import { planResume } from "./resume-plan.ts";
import { recordedGraphs } from "./testing/random-graph.ts";
import { actionsOf, recorded } from "./testing/recorded-run.ts";

function resumed(...runs: readonly GraphRun[]): Record<string, string> {
  return actionsOf(planResume(runs));
}

describe("resuming", () => {
  it("keeps what has ended, executes what was executing, and lets the rest go on waiting", () => {
    expect(
      resumed(
        recorded("root", null, { state: "RAN" }),
        recorded("load", "root"),
        recorded("train", "root", { state: "RUNNING", needs: ["load"] }),
        recorded("other", "root", { state: "SCHEDULED" }),
        recorded("flaky", "root", { state: "RETRYING", attempt: 2 }),
        recorded("report", "root", { state: "CREATED", needs: ["train"] }),
      ),
    ).toEqual({ root: "wait", load: "keep", train: "reexecute", other: "start", flaky: "start", report: "start" });
  });

  it("leaves what a body executes again to its calls", () => {
    expect(
      resumed(
        recorded("root", null, { state: "RUNNING" }),
        recorded("load", "root"),
        recorded("load.part", "load"),
        recorded("train", "root", { state: "RAN" }),
        recorded("fit", "train", { state: "SCHEDULED" }),
        recorded("failed", "root", { state: "FAILED", awaited: true }),
      ),
    ).toEqual({
      root: "reexecute",
      load: "keep if called",
      "load.part": "keep if called",
      train: "wait if called",
      fit: "start if called",
      failed: "keep if called",
    });
  });

  it("asks no more for what an earlier attempt called", () => {
    expect(
      resumed(
        recorded("root", null, { state: "RUNNING", attempt: 2 }),
        recorded("done", "root", { parentAttempt: 1 }),
        recorded("done.part", "done"),
        recorded("open", "root", { state: "RUNNING", parentAttempt: 1 }),
        recorded("open.done", "open"),
        recorded("open.part", "open", { state: "RUNNING" }),
        recorded("again", "root", { state: "RUNNING", parentAttempt: 2 }),
      ),
    ).toEqual({
      root: "reexecute",
      done: "keep",
      "done.part": "keep",
      open: "drop",
      "open.done": "keep",
      "open.part": "drop",
      again: "reexecute if called",
    });
  });

  it("asks no more for what a run called that waits for its next attempt", () => {
    expect(
      resumed(
        recorded("root", null, { state: "RETRYING" }),
        recorded("done", "root"),
        recorded("open", "root", { state: "SCHEDULED" }),
      ),
    ).toEqual({ root: "start", done: "keep", open: "drop" });
  });

  it("leaves to its calls also what was interrupted again before its turn to execute", () => {
    expect(
      resumed(
        recorded("root", null, { state: "SCHEDULED", attempt: 2 }),
        recorded("before", "root", { state: "SCHEDULED", parentAttempt: 1 }),
        recorded("done", "root", { parentAttempt: 2 }),
        recorded("open", "root", { state: "RUNNING", parentAttempt: 2 }),
      ),
    ).toEqual({ root: "reexecute", before: "drop", done: "keep if called", open: "reexecute if called" });
  });

  it("drops what was left open in a run that ended", () => {
    expect(
      resumed(
        recorded("root", null, { state: "RAN" }),
        recorded("failed", "root", { state: "FAILED" }),
        recorded("open", "failed", { state: "RUNNING" }),
        recorded("open.part", "open", { state: "CREATED" }),
      ),
    ).toEqual({ root: "wait", failed: "keep", open: "drop", "open.part": "drop" });
  });

  it("executes a body again for the items of a map that has not begun", () => {
    const map = (options: Parameters<typeof recorded>[2]): GraphRun =>
      recorded("map", "root", { kind: "map", state: "CREATED", ...options });
    const root = recorded("root", null, { state: "RAN" });
    expect(resumed(root, map({}))).toEqual({ root: "reexecute", map: "start if called" });
    expect(resumed(root, map({ hasArguments: true }))).toEqual({ root: "wait", map: "start" });
    expect(resumed(root, map({ state: "CANCELED" }))).toEqual({ root: "wait", map: "keep" });
    expect(resumed(root, map({ state: "RAN" }), recorded("one", "map", { state: "RUNNING" }))).toEqual({
      root: "wait",
      map: "wait",
      one: "reexecute",
    });
  });

  it("keeps everything of a pipeline run that has ended", () => {
    expect(resumed(recorded("root", null, { state: "FAILED" }), recorded("a", "root"))).toEqual({
      root: "keep",
      a: "keep",
    });
  });
});

/** What becomes of a run, said from the run outwards. */
function expectedAction(run: GraphRun, runs: readonly GraphRun[]): string {
  if (isFinished(run.state)) return "keep";
  if (run.parentId !== null) {
    const parent = runs.find(({ id }) => id === run.parentId) as GraphRun;
    const goesOn = ["wait", "reexecute"].includes(expectedAction(parent, runs));
    if (!goesOn || run.parentAttempt !== parent.attempt) return "drop";
  }
  if (["CREATED", "SCHEDULED", "RETRYING"].includes(run.state)) return "start";
  const lacksItems = runs.some(
    ({ parentId, parentAttempt, kind, hasArguments, returned, state }) =>
      parentId === run.id &&
      parentAttempt === run.attempt &&
      kind === "map" &&
      !hasArguments &&
      !returned &&
      !isFinished(state),
  );
  return run.returned && !lacksItems ? "wait" : "reexecute";
}

/** Whether a body that executes again has to call a run, or what is around it, before it counts again. */
function expectedIfCalled(run: GraphRun, runs: readonly GraphRun[]): boolean {
  const parent = runs.find(({ id }) => id === run.parentId);
  if (parent === undefined || expectedAction(run, runs) === "drop") return false;
  if (run.parentAttempt !== parent.attempt || ["start", "drop"].includes(expectedAction(parent, runs))) return false;
  return expectedAction(parent, runs) === "reexecute" || expectedIfCalled(parent, runs);
}

describe("resuming any pipeline run", () => {
  it("does with every run what its state and the runs around it say", () => {
    const asSaid = fc.property(recordedGraphs({ open: true }), (runs) => {
      const plan = planResume(runs);
      return (
        plan.size === runs.length &&
        runs.every((run) => {
          const resumedRun = plan.get(run.id);
          return (
            resumedRun?.action === expectedAction(run, runs) && resumedRun.ifCalled === expectedIfCalled(run, runs)
          );
        })
      );
    });
    expect(fc.check(asSaid, { numRuns: 1_000 }).counterexample).toBeNull();
  });
});
