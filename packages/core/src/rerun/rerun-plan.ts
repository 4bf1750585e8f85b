import { RepriseError } from "../errors.ts";
import type { RerunMode } from "../records.ts";
import { AffectedRuns } from "./affected-runs.ts";
import { connect, type GraphNode } from "./graph.ts";
import type { GraphRun } from "./graph-run.ts";
import { decideActions } from "./rerun-actions.ts";

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
  /** The items of `run`, a map that it called and that never began, are known from its body alone. */
  | { readonly type: "items"; readonly run: string }
  /** It did not succeed. */
  | { readonly type: "unfinished" }
  /** `run` executes its body, which calls it again or does not. */
  | { readonly type: "nested"; readonly run: string }
  /** An earlier attempt of `run` had called it, or what it is nested in. */
  | { readonly type: "retried"; readonly run: string }
  /** It, or what it is nested in, did not succeed, but `run`, which had called that, succeeded without it. */
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
 * A target that an earlier attempt of a run had called is not part of the graph any more: the run that was retried, or
 * whose ancestor was, stands for it and has the reason `target`. Takes O(runs + sources) time.
 *
 * @param runs all runs of the pipeline run, in order of creation.
 * @throws RepriseError `RUN_NOT_FOUND` if the target is none of them; `RERUN_REFUSED` for `continue` from another run than
 *   the root.
 * @example
 * ```ts
 * const plan = planRerun(runs, { mode: "from", target: train.id });
 * const executed = runs.filter(({ id }) => plan.get(id)?.action === "reset");
 * ```
 */
export function planRerun(runs: readonly GraphRun[], request: RerunRequest): RerunPlan {
  const { mode, target } = request;
  const graph = connect(runs);
  const node = graph.get(target);
  if (node === undefined) throw unknownTarget(runs, target);
  const affected = new AffectedRuns();
  if (mode === "from") affected.execute(standIn(node));
  else if (node.run.parentId === null) affected.complete(node);
  else throw innerTarget(runs, target);
  return decideActions(graph, affected);
}

/** The innermost run around `target`, or itself, that the attempts that count have called. */
function standIn(target: GraphNode): GraphNode {
  let counts = target;
  for (let node: GraphNode = target; node.parent !== undefined; node = node.parent) {
    if (node.superseded) counts = node.parent;
  }
  return counts;
}

function unknownTarget(runs: readonly GraphRun[], target: string): RepriseError {
  const root = rootOf(runs);
  const where = root === undefined ? "a pipeline run without runs" : `pipeline run ${root}`;
  return new RepriseError(
    "RUN_NOT_FOUND",
    `${where} has no run ${target}, so it cannot be re-run from there. Name one of its runs: "reprise show <pipeline run>" lists them.`,
  );
}

function innerTarget(runs: readonly GraphRun[], target: string): RepriseError {
  const root = rootOf(runs) ?? "its root";
  return new RepriseError(
    "RERUN_REFUSED",
    `Only a whole pipeline run can be continued, and run ${target} is one inside pipeline run ${root}. Continue ${root}, or re-run from ${target} without continuing.`,
  );
}

function rootOf(runs: readonly GraphRun[]): string | undefined {
  return runs.find(({ parentId }) => parentId === null)?.id;
}
