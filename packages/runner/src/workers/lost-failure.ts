import { type Failure, toFailure, WorkerLostError } from "@reprise/core";

/** The failure of a body whose process is gone, or stopped answering. */
export function lostFailure(message: string): Failure {
  // Where in the library this was noticed helps nobody.
  const { stack: _, ...failure } = toFailure(new WorkerLostError(message));
  return failure;
}
