import type { AffectedRuns } from "./affected-runs.ts";
import type { GraphNode } from "./graph.ts";
import type { PlannedRun, RerunAction, RerunPlan, RerunReason } from "./rerun-plan.ts";

type Decision = Pick<PlannedRun, "action" | "reason">;

/** Says for every run of a graph what becomes of it, from the outside to the inside. */
export function decideActions(graph: ReadonlyMap<string, GraphNode>, affected: AffectedRuns): RerunPlan {
  const plan = new Map<string, PlannedRun>();
  const open: GraphNode[] = [];
  const put = (node: GraphNode, { action, reason }: Decision, ifCalled: boolean): void => {
    plan.set(node.run.id, { action, reason, ifCalled: ifCalled && action !== "drop" });
    if (node.children !== undefined) open.push(node);
  };
  for (const node of graph.values()) if (node.parent === undefined) put(node, decideRoot(node, affected), false);
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    const planned = plan.get(parent.run.id) as PlannedRun;
    const ifCalled = planned.ifCalled || planned.action === "reexecute";
    const decide = decisionsBelow(parent, planned, affected);
    for (const child of parent.children ?? []) put(child, decide(child), ifCalled);
  }
  return plan;
}

function decideRoot(root: GraphNode, affected: AffectedRuns): Decision {
  if (affected.has(root)) return decideAffected(root, affected);
  return root.resolved ? independent : { action: "drop", reason: { type: "unfinished" } };
}

/** What becomes of the children of a run, given what becomes of itself. */
function decisionsBelow(
  parent: GraphNode,
  planned: PlannedRun,
  affected: AffectedRuns,
): (child: GraphNode) => Decision {
  const { id } = parent.run;
  const { action, reason } = planned;
  if (action === "drop") return () => ({ action, reason });
  const retried = drop({ type: "retried", run: id });
  const handled = drop({ type: "handled", run: id });
  const nested = drop({ type: "nested", run: id });
  return (child) => {
    if (child.superseded) return retried;
    if (action === "reset" && (!parent.itemsInElements || parent.lacksItems)) return nested;
    if (affected.has(child)) return decideAffected(child, affected);
    return child.resolved ? independent : handled;
  };
}

const independent: Decision = { action: "clone", reason: { type: "independent" } };

function drop(reason: RerunReason): Decision {
  return { action: "drop", reason };
}

/** What becomes of a run that is not taken over. */
function decideAffected(node: GraphNode, affected: AffectedRuns): Decision {
  const fresh = affected.whyFresh(node);
  if (fresh !== undefined) return { action: "reset", reason: fresh };
  return node.run.returned ? decideReturned(node, affected) : decideUnreturned(node);
}

/** Its result still holds, unless what the body waited for, and so what it did, may be different now. */
function decideReturned(node: GraphNode, affected: AffectedRuns): Decision {
  let inside: GraphNode | undefined;
  for (const child of node.calls()) {
    if (!affected.has(child)) continue;
    if (child.run.awaited) {
      return { action: "reexecute", reason: { type: "waited", run: child.run.id } };
    }
    if (child.lacksItems) return { action: "reexecute", reason: { type: "items", run: child.run.id } };
    inside ??= child;
  }
  const reason: RerunReason = inside === undefined ? { type: "unfinished" } : { type: "contains", run: inside.run.id };
  return { action: "wait", reason };
}

function decideUnreturned(node: GraphNode): Decision {
  const answers = !node.isMap && node.calls().next().done !== true;
  const action: RerunAction = answers ? "reexecute" : "reset";
  return { action, reason: { type: "unfinished" } };
}
