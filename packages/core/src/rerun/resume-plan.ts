import type { GraphRun } from "./graph-run.ts";

/**
 * What resuming does with a run of a pipeline run whose driver is gone.
 *
 * | action | |
 * |---|---|
 * | `keep` | it has ended, and stays as it ended |
 * | `wait` | its body had given its result: it waits for its children |
 * | `reexecute` | its body was executing: it executes again as the same attempt, and recorded calls answer |
 * | `start` | it waited for inputs, for its turn or for a retry, and goes on waiting |
 * | `drop` | an earlier attempt had called it: nobody asks for it any more |
 */
export type ResumeAction = "keep" | "wait" | "reexecute" | "start" | "drop";

/** What resuming does with one run. */
export interface ResumedRun {
  readonly action: ResumeAction;
  /** Whether this holds only if the parent's body, which executes again, makes the same call again. */
  readonly ifCalled: boolean;
}

/**
 * Decides what becomes of every run of a pipeline run whose driver is gone.
 *
 * @param runs all runs of the pipeline run, in order of creation.
 */
export function planResume(runs: readonly GraphRun[]): ReadonlyMap<string, ResumedRun> {
  throw new Error(`not yet: ${runs.length}`);
}
