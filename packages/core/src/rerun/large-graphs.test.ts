import { describe, expect, it } from "vitest";
import type { GraphRun } from "./graph-run.ts";
import { planRerun } from "./rerun-plan.ts";
import { planResume } from "./resume-plan.ts";
import { recorded, type RecordedOptions } from "./testing/recorded-run.ts";

const size = 100_000;

function many(make: (at: number) => GraphRun): GraphRun[] {
  return Array.from({ length: size }, (_, at) => make(at));
}

/** How often each action is in the plan for the last of the runs, and in that for resuming. */
function counts(runs: readonly GraphRun[]): Record<string, number> {
  const target = (runs.at(-1) as GraphRun).id;
  const found: Record<string, number> = {};
  for (const { action } of planRerun(runs, { mode: "from", target }).values()) found[action] = (found[action] ?? 0) + 1;
  expect(planResume(runs).size).toBe(runs.length);
  return found;
}

// Whatever cost more than a little per run, or a stack frame per level, would not end within the time of a test.
describe(`graphs of ${size} runs`, () => {
  it("may be a map of so many elements", () => {
    const map = [
      recorded("root"),
      recorded("map", "root", { kind: "map" }),
      ...many((at) => recorded(`e${at}`, "map")),
    ];
    expect(counts(map)).toEqual({ wait: 2, clone: size - 1, reset: 1 });
  });

  it("may be one chain", () => {
    const chain = many((at) => recorded(`c${at}`, "root", at === 0 ? {} : { needs: [`c${at - 1}`] }));
    expect(counts([recorded("root"), ...chain])).toEqual({ wait: 1, clone: size - 1, reset: 1 });
    expect(counts([recorded("root"), ...chain.slice(1), chain[0] as GraphRun])).toEqual({ wait: 1, reset: size });
  });

  it("may be nested so deeply", () => {
    const at = (depth: number, options: RecordedOptions): GraphRun =>
      recorded(`n${depth}`, depth === 0 ? null : `n${depth - 1}`, {
        ...options,
        ...(depth === 0 && { parentAttempt: 0 }),
      });
    expect(counts(many((depth) => at(depth, {})))).toEqual({ wait: size - 1, reset: 1 });
    const open = many((depth) => at(depth, { state: "RUNNING", awaited: true }));
    expect(counts(open)).toEqual({ reexecute: size - 1, reset: 1 });
  });

  it("may have one run that all others need", () => {
    const fan = many((at) => recorded(`f${at}`, "root", { needs: ["source"] }));
    expect(counts([recorded("root"), ...fan, recorded("source", "root")])).toEqual({ wait: 1, reset: size + 1 });
  });
});
