import type { RunNode } from "./run-node.ts";

/** Wait before the first attempt after a lost one, in milliseconds; each further wait is twice as long. */
const firstDelay = 100;

/** How often, of how often at most, a run was tried again because what carried its body was lost. */
export interface InfrastructureRetry {
  readonly retry: number;
  readonly of: number;
}

/**
 * Whether an attempt that is being made is lost, or over, only now: its body executes, or was handed over and has not
 * begun as far as is known.
 */
export function isAtWork<N extends RunNode<N>>(node: N, attempt: number): boolean {
  return node.attempt === attempt && (node.state === "RUNNING" || isHandedOver(node));
}

/** Whether a run waits at whoever executes it for its body to begin. */
export function isHandedOver<N extends RunNode<N>>(node: N): boolean {
  return node.state === "SCHEDULED" && node.holdsSlot;
}

/** Attempts that count against the retries of a run's own. */
export function ownAttempts<N extends RunNode<N>>(node: N): number {
  return node.attempt - node.lost;
}

/**
 * Takes one from the attempts that a run has for lost ones; undefined if it has none left.
 *
 * @param budget how many attempts of a run are followed by another because they were lost.
 */
export function takeInfrastructureRetry<N extends RunNode<N>>(
  node: N,
  budget: number,
): { readonly delay: number; readonly infrastructure: InfrastructureRetry } | undefined {
  if (node.lost >= budget) return undefined;
  const delay = firstDelay * 2 ** node.lost;
  node.lost += 1;
  return { delay, infrastructure: { retry: node.lost, of: budget } };
}
