import type { RunNode } from "./run-node.ts";

/** Whether a run may go through its gate, if it has one; else it queues there. */
export function passGate<N extends RunNode<N>>(node: N): boolean {
  const { gate } = node;
  if (gate === undefined || node.holdsGate) return true;
  if (gate.active >= gate.limit) {
    gate.queue.push(node);
    return false;
  }
  gate.active += 1;
  node.holdsGate = true;
  return true;
}

/** A run that was behind its gate before its pipeline run was interrupted is there again, whoever else is. */
export function holdGate<N extends RunNode<N>>(node: N): void {
  if (node.gate === undefined) return;
  node.gate.active += 1;
  node.holdsGate = true;
}

/** A run that has ended gives its place behind the gate back; gives the run that may now try to go through. */
export function leaveGate<N extends RunNode<N>>(node: N): N | undefined {
  const { gate } = node;
  if (gate === undefined || !node.holdsGate) return undefined;
  node.holdsGate = false;
  gate.active -= 1;
  for (let next = gate.queue.take(); next !== undefined; next = gate.queue.take()) {
    if (next.state === "CREATED") return next;
  }
  return undefined;
}
