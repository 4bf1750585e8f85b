import type { RunNode } from "./run-node.ts";

/** Whether a body waits for a run, so that its failure will be delivered to somebody. */
export function isAwaited<N extends RunNode<N>>(node: N): boolean {
  return node.waiters?.some((wait) => wait.open && !wait.waiter.bodyDone) === true;
}

/** How many runs are above a run. */
export function depth<N extends RunNode<N>>(node: N): number {
  let levels = 0;
  for (let above = node.parent; above !== null; above = above.parent) levels += 1;
  return levels;
}
