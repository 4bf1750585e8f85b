import type { RerunMode } from "../records.ts";
import type { GraphRun } from "./graph-run.ts";

/**
 * What a re-run does with a recorded run.
 *
 * | action | |
 * |---|---|
 * | `clone` | its result is taken over |
 * | `wait` | its body had given its result, which still holds: it only waits for its children and puts the result together |
 * | `reset` | it executes with its recorded arguments; what it had called is not looked at |
 * | `reexecute` | its body executes again, and recorded calls answer the calls that it makes |
 * | `drop` | it is not part of the re-run, or comes into being again when a body calls it |
 */
export type RerunAction = "clone" | "wait" | "reset" | "reexecute" | "drop";

/** Why a re-run does with a run what it does; `run` is the id of the run on which that rests. */
export type RerunReason =
  /** The run from which the pipeline run is re-run. */
  | { readonly type: "target" }
  /** It needs, directly or through others, the value or success of `run`, which is not taken over. */
  | { readonly type: "downstream"; readonly run: string }
  /** `run`, which is nested in it, is not taken over, but its body did not wait for that. */
  | { readonly type: "contains"; readonly run: string }
  /** Its body waited with `$value()` for `run`, which is not taken over. */
  | { readonly type: "waited"; readonly run: string }
  /** It did not succeed, and its body has not given a result. */
  | { readonly type: "unfinished" }
  /** `run` executes its body, which calls it again or does not. */
  | { readonly type: "nested"; readonly run: string }
  /** An earlier attempt of `run` had called it. */
  | { readonly type: "retried"; readonly run: string }
  /** It did not succeed, but `run`, its parent, succeeded without it. */
  | { readonly type: "handled"; readonly run: string }
  /** Nothing that it depends on changes. */
  | { readonly type: "independent" };

/** What a re-run does with one run. */
export interface PlannedRun {
  readonly action: RerunAction;
  readonly reason: RerunReason;
  /** Whether this holds only if the parent's body, which executes again, makes the same call again. */
  readonly ifCalled: boolean;
}

/** What to re-run. */
export interface RerunRequest {
  readonly mode: RerunMode;
  /** The run from which to re-run; for `continue` the root. */
  readonly target: string;
}

/** What a re-run does with every recorded run. */
export type RerunPlan = ReadonlyMap<string, PlannedRun>;

/**
 * Decides what a re-run of a recorded pipeline run takes over and what it executes. From Sematic's `clone_futures`.
 *
 * @param runs all runs of the pipeline run, in order of creation.
 * @throws RepriseError `RUN_NOT_FOUND` if the target is none of them; `RERUN_REFUSED` for `continue` from another run than
 *   the root.
 */
export function planRerun(runs: readonly GraphRun[], request: RerunRequest): RerunPlan {
  throw new Error(`not yet: ${runs.length} ${request.target}`);
}
