import {
  isFinished,
  isPipelineFinished,
  type PipelineState,
  pipelineStates,
  pipelineStatesBefore,
  type RunState,
  runStates,
  runStatesBefore,
} from "@reprise/core";

/** What an update to a state needs: the state's number and the set of states, as bits, that it may replace. */
export interface StateTarget {
  readonly number: number;
  readonly allowedFrom: number;
  readonly finished: boolean;
}

/** For each state of a run, from where it may be reached. An unfinished state may be written again, with newer times. */
export const runTargets = targets(runStates, runStatesBefore, isFinished);

/** As {@link runTargets}, for pipeline runs. */
export const pipelineTargets = targets(pipelineStates, pipelineStatesBefore, isPipelineFinished);

/** The unfinished states of runs, as bits. */
export const unfinishedRuns = unfinishedBits<RunState>(runStates, isFinished);

/** The unfinished states of pipeline runs, as bits. */
export const unfinishedPipelineRuns = unfinishedBits<PipelineState>(pipelineStates, isPipelineFinished);

function targets<S extends string>(
  states: readonly S[],
  before: (to: S) => ReadonlySet<S>,
  finished: (state: S) => boolean,
): Readonly<Record<S, StateTarget>> {
  const entries = states.map((state, number) => {
    let allowedFrom = finished(state) ? 0 : 1 << number;
    for (const from of before(state)) allowedFrom |= 1 << states.indexOf(from);
    return [state, { number, allowedFrom, finished: finished(state) }] as const;
  });
  return Object.fromEntries(entries) as Record<S, StateTarget>;
}

function unfinishedBits<S extends string>(states: readonly S[], finished: (state: S) => boolean): number {
  return states.reduce((bits, state, number) => (finished(state) ? bits : bits | (1 << number)), 0);
}
