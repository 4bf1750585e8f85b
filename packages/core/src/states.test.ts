import { describe, expect, it } from "vitest";
import {
  canPipelineGo,
  canRunGo,
  isFinished,
  isPipelineFinished,
  type PipelineState,
  pipelineStates,
  pipelineStatesBefore,
  type RunState,
  runStates,
  runStatesBefore,
} from "./states.ts";

// Written once more, by hand and in another form than the table in the code: a change of either must be meant.
const legalRunSteps = new Set([
  "CREATED > SCHEDULED",
  "CREATED > RESOLVED",
  "CREATED > FAILED",
  "CREATED > CANCELED",
  "SCHEDULED > RUNNING",
  "SCHEDULED > RETRYING",
  "SCHEDULED > FAILED",
  "SCHEDULED > CANCELED",
  "RUNNING > RAN",
  "RUNNING > RESOLVED",
  "RUNNING > RETRYING",
  "RUNNING > FAILED",
  "RUNNING > NESTED_FAILED",
  "RUNNING > CANCELED",
  "RAN > SCHEDULED",
  "RAN > RESOLVED",
  "RAN > NESTED_FAILED",
  "RAN > FAILED",
  "RAN > CANCELED",
  "RETRYING > SCHEDULED",
  "RETRYING > FAILED",
  "RETRYING > CANCELED",
]);
const legalPipelineSteps = new Set([
  "CREATED > SCHEDULED",
  "CREATED > FAILED",
  "CREATED > CANCELED",
  "SCHEDULED > RUNNING",
  "SCHEDULED > FAILED",
  "SCHEDULED > CANCELED",
  "RUNNING > COMPLETE",
  "RUNNING > FAILED",
  "RUNNING > CANCELED",
]);

function pairs<S>(states: readonly S[]): [from: S, to: S][] {
  return states.flatMap((from) => states.map((to): [S, S] => [from, to]));
}

describe("states of a run", () => {
  it.each(pairs(runStates))("%s to %s is legal only if the table says so", (from, to) => {
    expect(canRunGo(from, to)).toBe(legalRunSteps.has(`${from} > ${to}`));
  });

  it("ends in four states", () => {
    expect(runStates.filter((state) => isFinished(state))).toEqual(["RESOLVED", "FAILED", "NESTED_FAILED", "CANCELED"]);
  });

  it("keeps the numbers that databases hold", () => {
    expect(Object.fromEntries(runStates.map((state, number) => [state, number]))).toEqual({
      CREATED: 0,
      SCHEDULED: 1,
      RUNNING: 2,
      RAN: 3,
      RETRYING: 4,
      RESOLVED: 5,
      FAILED: 6,
      NESTED_FAILED: 7,
      CANCELED: 8,
    } satisfies Record<RunState, number>);
  });

  it("never lets a finished run be before anything", () => {
    for (const state of runStates) {
      expect([...runStatesBefore(state)].filter((before) => isFinished(before))).toEqual([]);
    }
  });

  it("knows which states lie before another, over several steps", () => {
    expect([...runStatesBefore("CREATED")]).toEqual([]);
    expect(runStatesBefore("SCHEDULED")).toEqual(new Set(["CREATED", "SCHEDULED", "RUNNING", "RAN", "RETRYING"]));
    expect(runStatesBefore("RAN")).toEqual(new Set(["CREATED", "SCHEDULED", "RUNNING", "RAN", "RETRYING"]));
    expect(runStatesBefore("CANCELED")).toEqual(new Set(["CREATED", "SCHEDULED", "RUNNING", "RAN", "RETRYING"]));
  });
});

describe("states of a pipeline run", () => {
  it.each(pairs(pipelineStates))("%s to %s is legal only if the table says so", (from, to) => {
    expect(canPipelineGo(from, to)).toBe(legalPipelineSteps.has(`${from} > ${to}`));
  });

  it("ends in three states, which nothing follows", () => {
    const finished: PipelineState[] = ["COMPLETE", "FAILED", "CANCELED"];
    expect(pipelineStates.filter((state) => isPipelineFinished(state))).toEqual(finished);
    for (const state of pipelineStates) {
      expect([...pipelineStatesBefore(state)].some((before) => finished.includes(before))).toBe(false);
    }
  });

  it("keeps the numbers that databases hold", () => {
    expect(pipelineStates).toEqual(["CREATED", "SCHEDULED", "RUNNING", "COMPLETE", "FAILED", "CANCELED"]);
  });
});
