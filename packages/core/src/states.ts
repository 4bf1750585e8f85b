/**
 * States of runs and pipeline runs. The two tables below are the only authority on which change of state is legal: the
 * scheduler asks them, and every SQL update carries the `from` states that they allow.
 */

/** State of a run. */
export type RunState =
  "CREATED" | "SCHEDULED" | "RUNNING" | "RAN" | "RETRYING" | "RESOLVED" | "FAILED" | "NESTED_FAILED" | "CANCELED";

/** State of a pipeline run: a root run with its settings. */
export type PipelineState = "CREATED" | "SCHEDULED" | "RUNNING" | "COMPLETE" | "FAILED" | "CANCELED";

/** From each state, the states a run may go to. */
export const runTransitions: { readonly [From in RunState]: readonly RunState[] } = {
  CREATED: ["SCHEDULED", "RESOLVED", "FAILED", "CANCELED"],
  SCHEDULED: ["RUNNING", "RETRYING", "FAILED", "CANCELED"],
  RUNNING: ["RAN", "RESOLVED", "RETRYING", "FAILED", "NESTED_FAILED", "CANCELED"],
  // SCHEDULED: after an interruption, if what the body called cannot be known without executing it again.
  RAN: ["SCHEDULED", "RESOLVED", "NESTED_FAILED", "FAILED", "CANCELED"],
  RETRYING: ["SCHEDULED", "FAILED", "CANCELED"],
  RESOLVED: [],
  FAILED: [],
  NESTED_FAILED: [],
  CANCELED: [],
};

/** From each state, the states a pipeline run may go to. */
export const pipelineTransitions: { readonly [From in PipelineState]: readonly PipelineState[] } = {
  CREATED: ["SCHEDULED", "FAILED", "CANCELED"],
  SCHEDULED: ["RUNNING", "FAILED", "CANCELED"],
  RUNNING: ["COMPLETE", "FAILED", "CANCELED"],
  COMPLETE: [],
  FAILED: [],
  CANCELED: [],
};

/** All states of runs; the position of a state is its number in the database and never changes. */
export const runStates: readonly RunState[] = [
  "CREATED",
  "SCHEDULED",
  "RUNNING",
  "RAN",
  "RETRYING",
  "RESOLVED",
  "FAILED",
  "NESTED_FAILED",
  "CANCELED",
];

/** All states of pipeline runs; the position of a state is its number in the database and never changes. */
export const pipelineStates: readonly PipelineState[] = [
  "CREATED",
  "SCHEDULED",
  "RUNNING",
  "COMPLETE",
  "FAILED",
  "CANCELED",
];

/** Whether a run in `state` has ended for good. */
export function isFinished(state: RunState): boolean {
  return runTransitions[state].length === 0;
}

/** Whether a pipeline run in `state` has ended for good. */
export function isPipelineFinished(state: PipelineState): boolean {
  return pipelineTransitions[state].length === 0;
}

/** Whether a run may go from one state to the other in one step. */
export function canRunGo(from: RunState, to: RunState): boolean {
  return runTransitions[from].includes(to);
}

/** Whether a pipeline run may go from one state to the other in one step. */
export function canPipelineGo(from: PipelineState, to: PipelineState): boolean {
  return pipelineTransitions[from].includes(to);
}

/**
 * The states from which `to` can be reached, in one step or several.
 *
 * A writer that puts several changes of one run into one database write uses this set: what it skips was legal step by
 * step, and a row that somebody else has finished meanwhile is still never overwritten.
 */
export function runStatesBefore(to: RunState): ReadonlySet<RunState> {
  return statesBefore(runTransitions, to);
}

/** As {@link runStatesBefore}, for pipeline runs. */
export function pipelineStatesBefore(to: PipelineState): ReadonlySet<PipelineState> {
  return statesBefore(pipelineTransitions, to);
}

function statesBefore<S extends string>(table: { readonly [From in S]: readonly S[] }, to: S): ReadonlySet<S> {
  const before = new Set<S>();
  const open: S[] = [to];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const from of Object.keys(table) as S[]) {
      if (table[from].includes(state) && !before.has(from)) {
        before.add(from);
        open.push(from);
      }
    }
  }
  return before;
}
