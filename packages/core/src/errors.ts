/**
 * The errors of reprise. Every error has a stable `code` (documented in `docs/errors.md`), a message that says what
 * happened, where, and what to do, and the original error as `cause`.
 *
 * Errors are recognised by a symbol on the prototype, not by `instanceof` alone, so that they are known across
 * processes, realms and two copies of the library in one program.
 */

const errorBrand = Symbol.for("reprise.error");

/** Code of every error that reprise itself makes. */
export type ErrorCode =
  | "ACTOR_FAILED"
  | "ACTOR_NOT_FOUND"
  | "ACTOR_STARVED"
  | "ARTIFACT_DAMAGED"
  | "ARTIFACT_NOT_FOUND"
  | "BLOB_NOT_FOUND"
  | "CODE_NOT_KEPT"
  | "CYCLE"
  | "DRIVER_ALIVE"
  | "DRIVER_REPLACED"
  | "DUPLICATE_FUNC"
  | "DUPLICATE_TYPE"
  | "FILE_CHANGED"
  | "FILE_UNREADABLE"
  | "FUNC_DEFINITION"
  | "FUNC_NOT_FOUND"
  | "FUTURE_MISUSE"
  | "INPUT_INVALID"
  | "INVALID_OPTION"
  | "NOT_IN_FUNC"
  | "OUT_OF_MEMORY"
  | "OUTPUT_INVALID"
  | "PIPELINE_RUN_FAILED"
  | "RERUN_REFUSED"
  | "RESTORE_CONFLICT"
  | "RUN_CANCELED"
  | "RUN_FAILED"
  | "RUN_FINISHED"
  | "RUN_NOT_FOUND"
  | "SETTING_UNKNOWN"
  | "STORE_FAILED"
  | "STORE_FULL"
  | "STORE_READ_ONLY"
  | "STORE_TOO_NEW"
  | "TIMEOUT"
  | "TYPE_FAILED"
  | "TYPE_UNKNOWN"
  | "USAGE"
  | "VALUE_NOT_STORABLE"
  | "WORKER_FAILED"
  | "WORKER_LOST";

/** What the constructor of an error takes besides its message. */
export interface RepriseErrorOptions {
  readonly cause?: unknown;
}

/**
 * Base of every error that reprise makes.
 *
 * @example
 * ```ts
 * try {
 *   await new LocalRunner().run(pipeline());
 * } catch (error) {
 *   if (RepriseError.is(error, "PIPELINE_RUN_FAILED")) console.error(error.message, error.cause);
 * }
 * ```
 */
export class RepriseError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options: RepriseErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
  }

  /** Whether `value` is an error of reprise, of the given code if one is named; also from another copy of the library. */
  static is(value: unknown, code?: ErrorCode): value is RepriseError {
    if (typeof value !== "object" || value === null || !(errorBrand in value)) return false;
    return code === undefined || (value as { code?: unknown }).code === code;
  }
}

Object.defineProperty(RepriseError.prototype, errorBrand, { value: true });
nameErrorClass(RepriseError, "RepriseError");

/**
 * Gives a class of errors its name on the prototype, where minifiers cannot change it and where it does not count as the
 * error's own data.
 */
export function nameErrorClass(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}
