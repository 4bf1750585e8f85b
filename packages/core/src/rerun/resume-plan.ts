import { connect, type GraphNode } from "./graph.ts";
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
  const plan = new Map<string, ResumedRun>();
  const open: GraphNode[] = [];
  const put = (node: GraphNode, action: ResumeAction, ifCalled: boolean): void => {
    plan.set(node.run.id, { action, ifCalled });
    if (node.children !== undefined) open.push(node);
  };
  for (const node of connect(runs).values()) if (node.parent === undefined) put(node, decide(node), false);
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    const { action, ifCalled } = plan.get(parent.run.id) as ResumedRun;
    const goesOn = action === "wait" || action === "reexecute";
    for (const child of parent.children ?? []) {
      // Who has not begun its attempt yet has no calls of it either: what is there was called by the last one.
      const counts = !child.superseded && action !== "start";
      if (child.finished || (counts && goesOn))
        put(child, decide(child), counts && (ifCalled || action === "reexecute"));
      else put(child, "drop", false);
    }
  }
  return plan;
}

function decide(node: GraphNode): ResumeAction {
  const { state, returned } = node.run;
  if (node.finished) return "keep";
  // It was to execute again after an interruption, and another one came before its turn.
  if (state === "SCHEDULED" && node.calls().next().done === false) return "reexecute";
  if (state !== "RUNNING" && state !== "RAN") return "start";
  if (!returned) return "reexecute";
  for (const child of node.calls()) if (child.lacksItems && !child.finished) return "reexecute";
  return "wait";
}
