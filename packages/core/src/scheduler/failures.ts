import { formatDuration } from "../duration.ts";
import type { Failure } from "../failure.ts";
import type { RunNode } from "./run-node.ts";

/** What a run fails with whose timeout of so many milliseconds ran out. */
export function timeoutFailure(label: string, timeout: number): Failure {
  const limit = formatDuration(timeout);
  return {
    name: "TimeoutError",
    message: `${label} did not finish within its timeout of ${limit}. Raise the timeout or make the run faster; queueing and children count.`,
    classes: ["TimeoutError", "RepriseError", "Error"],
    code: "TIMEOUT",
  };
}

/** What a run fails with because `origin`, somewhere below it, failed. */
export function nestedFailure<N extends RunNode<N>>(origin: N): Failure {
  const why =
    origin.state === "CANCELED" ? `was canceled: ${origin.reason ?? ""}` : `failed: ${origin.failure?.message ?? ""}`;
  return {
    name: "NestedFailure",
    message: `its child ${origin.label} ${why}`,
    classes: ["NestedFailure", "Error"],
  };
}

/** A failure that was not retried because the policy itself threw. */
export function withBrokenPolicy(failure: Failure, broken: Failure): Failure {
  return {
    ...failure,
    message: `${failure.message} (not retried: retry.when threw ${broken.name}: ${broken.message})`,
  };
}

/**
 * What a run fails with that needs a place which it can never have.
 *
 * @param lane whose places are all held.
 * @param holders who holds them.
 */
export function starvedFailure(label: string, lane: string, places: number, holders: readonly string[]): Failure {
  const named = holders.slice(0, 5).join(", ");
  const who = holders.length > 5 ? `${named} and ${holders.length - 5} more` : named;
  const which =
    places === 1 ? `the only place of ${lane} is held by a body` : `all ${places} places of ${lane} are held by bodies`;
  return {
    name: "RepriseError",
    message: `${label} can never begin: ${which} that can only go on when such a place is free (${who}). Raise replicas.max or concurrency, return the future of the inner call instead of waiting for it, or give the inner func another environment.`,
    classes: ["RepriseError", "Error"],
    code: "ACTOR_STARVED",
  };
}
