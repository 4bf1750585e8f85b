import {
  type Failure,
  fromFailure,
  PipelineRunError,
  RunCanceledError,
  RunFailedError,
  TimeoutError,
} from "@reprise/core";
import type { Call } from "./call.ts";
import type { Body } from "./context.ts";

const callsOfErrors = new WeakMap<object, Call>();

/** The error for whoever waits for a run that failed; its cause is the error that began it. */
export function runFailed(call: Call): RunFailedError {
  const origin = call.origin ?? call;
  const cause = causeOf(origin);
  const why = whyOf(origin, cause);
  const place = `Run ${call.id} of func "${call.definition.id}"`;
  const message =
    origin === call
      ? `${place} ${call.state === "CANCELED" ? "was canceled" : "failed"}: ${why}`
      : `${place} failed, because run ${origin.id} of func "${origin.definition.id}" ${origin.state === "CANCELED" ? "was canceled" : "failed"}: ${why}`;
  const error = new RunFailedError(call.id, call.definition.id, message, cause);
  callsOfErrors.set(error, call);
  return error;
}

/** As {@link runFailed}, where the failure of a call was told by the driver. */
export function childFailed(call: Call, message: string, cause: Failure | null): RunFailedError {
  const error = new RunFailedError(
    call.id,
    call.definition.id,
    message,
    cause === null ? undefined : told(call, cause),
  );
  callsOfErrors.set(error, call);
  return error;
}

/** Bodies look for these by their classes. */
function told(call: Call, failure: Failure): Error {
  const { name, code, message } = failure;
  if (name !== "RunCanceledError" || code !== "RUN_CANCELED") return fromFailure(failure);
  return Object.assign(new RunCanceledError(call.id, call.definition.id, ""), { message });
}

/** The error of a pipeline run that did not succeed. */
export function pipelineFailed(root: Call): PipelineRunError {
  const origin = root.origin ?? root;
  if (root.state === "CANCELED") {
    const message = `Pipeline run ${root.id} of func "${root.definition.id}" was canceled: ${root.reason ?? ""}`;
    return new PipelineRunError(root.id, root.definition.id, "CANCELED", message, undefined);
  }
  const cause = runFailed(origin);
  // The root's own failure is told once.
  const why = origin === root ? whyOf(root) : cause.message;
  const message = `Pipeline run ${root.id} of func "${root.definition.id}" failed: ${why}`;
  return new PipelineRunError(root.id, root.definition.id, "FAILED", message, cause);
}

/** The child of a body whose failure an error is, if the body passed on what `$value()` gave it. */
export function childOfError(error: unknown, body: Body): Call | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const call = callsOfErrors.get(error);
  return call?.maker === body ? call : undefined;
}

/** As it was recorded: a thrown value need not be an error, nor let itself be turned into text. */
function whyOf(origin: Call, cause: unknown = causeOf(origin)): string {
  return origin.failure?.message ?? (cause as Error | undefined)?.message ?? "";
}

function causeOf(origin: Call): unknown {
  if (origin.state === "CANCELED") return new RunCanceledError(origin.id, origin.definition.id, origin.reason ?? "");
  if (origin.error !== undefined) return origin.error;
  if (origin.failure?.code === "TIMEOUT") return new TimeoutError(origin.failure.message);
  return origin.failure === undefined ? undefined : fromFailure(origin.failure);
}
