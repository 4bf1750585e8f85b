import { isFinished } from "../states.ts";
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

/** The failure of a run, which is why others of its layer have ended, was delivered to somebody or is tolerated. */
export function markHandled<N extends RunNode<N>>(node: N): void {
  node.handled = true;
  const { parent, origin } = node;
  if (parent?.unhandled !== undefined) {
    const left = parent.unhandled.filter((child) => child !== node && child !== origin);
    parent.unhandled = left.length === 0 ? undefined : left;
  }
  if (origin !== undefined && origin.parent === parent) origin.handled = true;
}

/**
 * Lets go of children that have ended, once they are most of what is kept: a body that goes on calling would otherwise
 * hold all of them, and their values, until its own end.
 */
export function forgetEnded<N extends RunNode<N>>(parent: N): void {
  const { children, openChildren } = parent;
  if (children === undefined || children.length < 64 || children.length < 2 * openChildren) return;
  parent.children = children.filter((child) => !isFinished(child.state));
}
