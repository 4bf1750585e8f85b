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
