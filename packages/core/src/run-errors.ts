/** Errors that tell of runs and of the use of funcs and futures. */
import { nameErrorClass, RepriseError } from "./errors.ts";
import type { Failure } from "./failure.ts";

/** Two funcs with one id in one program. The message names both places. */
export class DuplicateFuncError extends RepriseError {
  constructor(funcId: string, first: string, second: string) {
    super(
      "DUPLICATE_FUNC",
      `Two funcs have the id "${funcId}": one at ${first}, one at ${second}. Ids must be unique in a program: rename one. If both are one place, the func is defined more than once: define funcs at the top of a module.`,
    );
  }
}

/** Something that only works inside a func's body was used outside of one. */
export class NotInFuncError extends RepriseError {
  constructor(what: string, remedy: string) {
    super("NOT_IN_FUNC", `${what} works only inside the body of a func. ${remedy}`);
  }
}

/** A run did not finish within its timeout. Retries can name it: `exceptions: ["TimeoutError"]`. */
export class TimeoutError extends RepriseError {
  constructor(message: string) {
    super("TIMEOUT", message);
  }
}

/**
 * The process that executed a body is gone, or stopped answering: the body did not fail, what carried it did. It is
 * tried again without counting as one of the retries of the func. Retries can name it, for when that was not enough.
 */
export class WorkerLostError extends RepriseError {
  constructor(message: string) {
    super("WORKER_LOST", message);
  }
}

/** The process that executed a body used more memory than it may, or than there was. As {@link WorkerLostError}. */
export class OutOfMemoryError extends RepriseError {
  constructor(message: string) {
    super("OUT_OF_MEMORY", message);
  }
}

/** Whether what failed was not a body, but what carried it. */
export function isInfrastructureFailure({ classes }: Failure): boolean {
  return classes.includes("WorkerLostError") || classes.includes("OutOfMemoryError");
}

/** A run was canceled: its body is to stop. It is the reason of `context().signal`. */
export class RunCanceledError extends RepriseError {
  readonly runId: string;
  readonly funcId: string;

  constructor(runId: string, funcId: string, reason: string) {
    super("RUN_CANCELED", `Run ${shortId(runId)} of func "${funcId}" was canceled: ${reason}`);
    this.runId = runId;
    this.funcId = funcId;
  }
}

/** A run failed. `cause` is the user's own error. */
export class RunFailedError extends RepriseError {
  readonly runId: string;
  readonly funcId: string;

  constructor(runId: string, funcId: string, message: string, cause: unknown) {
    super("RUN_FAILED", message, { cause });
    this.runId = runId;
    this.funcId = funcId;
  }
}

/** A pipeline run did not succeed. `cause` is the error of the run where it began, whose cause is the user's own error. */
export class PipelineRunError extends RepriseError {
  readonly runId: string;
  readonly funcId: string;
  readonly state: "FAILED" | "CANCELED";

  constructor(runId: string, funcId: string, state: "FAILED" | "CANCELED", message: string, cause: unknown) {
    super("PIPELINE_RUN_FAILED", message, cause === undefined ? {} : { cause });
    this.runId = runId;
    this.funcId = funcId;
    this.state = state;
  }
}

nameErrorClass(DuplicateFuncError, "DuplicateFuncError");
nameErrorClass(NotInFuncError, "NotInFuncError");
nameErrorClass(TimeoutError, "TimeoutError");
nameErrorClass(WorkerLostError, "WorkerLostError");
nameErrorClass(OutOfMemoryError, "OutOfMemoryError");
nameErrorClass(RunCanceledError, "RunCanceledError");
nameErrorClass(RunFailedError, "RunFailedError");
nameErrorClass(PipelineRunError, "PipelineRunError");

/** The part of an id that people read: its last eight characters, which differ even for runs of one millisecond. */
export function shortId(id: string): string {
  return id.slice(-8);
}
