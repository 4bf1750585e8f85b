import { type ErrorCode, RepriseError } from "./errors.ts";
import { OutOfMemoryError, TimeoutError, WorkerLostError } from "./run-errors.ts";

/**
 * An error as it is recorded and as it crosses processes. Decisions (may this be retried?) are made on this form, never
 * on `instanceof`, so that they are the same wherever the body ran.
 */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** Names of the error's classes, from its own to `Error`. */
  readonly classes: readonly string[];
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: Failure | undefined;
  /** The run that failed, if this is told of a run above it; not before it is recorded. */
  readonly runId?: string | undefined;
}

const maxCauses = 8;
const maxText = 32 * 1024;

/** The recorded form of anything that was thrown. Never throws itself, whatever getters and proxies it meets. */
export function toFailure(thrown: unknown): Failure {
  return recorded(thrown, 0);
}

function recorded(thrown: unknown, depth: number): Failure {
  try {
    return record(thrown, depth);
  } catch (error) {
    const why = error instanceof Error ? error.message : typeof error;
    return { name: "Error", message: cut(`thrown value that cannot be read: ${why}`), classes: ["Error"] };
  }
}

function record(thrown: unknown, depth: number): Failure {
  if (!isErrorLike(thrown)) {
    return { name: "Error", message: `thrown value: ${describe(thrown)}`, classes: ["Error"] };
  }
  const { code, cause } = thrown as { code?: unknown; cause?: unknown };
  return {
    name: text(thrown.name, "Error"),
    message: cut(text(thrown.message, "")),
    classes: classNames(thrown),
    ...(typeof thrown.stack === "string" ? { stack: cut(thrown.stack) } : {}),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(cause === undefined || depth >= maxCauses ? {} : { cause: recorded(cause, depth + 1) }),
  };
}

/** Names of the classes of errors that were made of failures: they are thrown again, and then recorded as before. */
const recordedClasses = new WeakMap<Error, readonly string[]>();

/** Errors of reprise that bodies look for by their class. */
const known: Readonly<Record<string, new (message: string) => RepriseError>> = {
  OutOfMemoryError,
  TimeoutError,
  WorkerLostError,
};

/**
 * An error with the name, message, stack, code and cause of a recorded failure. Its class is `Error`, or that of reprise; by
 * names it is of all classes that it had.
 */
export function fromFailure(failure: Failure): Error {
  const error = errorOf(failure);
  const define = (key: string, value: unknown): void => {
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  };
  if (failure.cause !== undefined) define("cause", fromFailure(failure.cause));
  if (error.name !== failure.name) define("name", failure.name);
  if (failure.stack !== undefined) error.stack = failure.stack;
  if (failure.code !== undefined && !(error instanceof RepriseError)) Object.assign(error, { code: failure.code });
  recordedClasses.set(error, failure.classes);
  return error;
}

function errorOf({ name, message, code, classes }: Failure): Error {
  if (code === undefined || !classes.includes("RepriseError")) return new Error(message);
  const type = Object.hasOwn(known, name) ? known[name] : undefined;
  return type === undefined ? new RepriseError(code as ErrorCode, message) : new type(message);
}

function isErrorLike(thrown: unknown): thrown is Error {
  if (thrown instanceof Error || RepriseError.is(thrown)) return true;
  return typeof thrown === "object" && thrown !== null && "message" in thrown && "name" in thrown;
}

function classNames(error: Error): readonly string[] {
  const recorded = recordedClasses.get(error);
  if (recorded !== undefined) return recorded;
  const names = new Set<string>();
  const ownName: unknown = (error as { name?: unknown }).name;
  if (typeof ownName === "string") names.add(ownName);
  let proto: object | null = Object.getPrototypeOf(error);
  while (proto !== null) {
    const above: object | null = Object.getPrototypeOf(proto);
    // The root of all objects, of whichever realm, is no class of errors.
    if (above === null) break;
    const { constructor, name } = proto as { constructor?: { name?: unknown }; name?: unknown };
    if (typeof constructor?.name === "string" && constructor.name !== "") names.add(constructor.name);
    if (Object.hasOwn(proto, "name") && typeof name === "string") names.add(name);
    proto = above;
  }
  return [...names];
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function cut(value: string): string {
  return value.length <= maxText ? value : `${value.slice(0, maxText)}… (${value.length} characters)`;
}

function describe(value: unknown): string {
  if (typeof value === "bigint" || typeof value === "symbol") return value.toString();
  try {
    return cut(typeof value === "string" ? value : (JSON.stringify(value) ?? typeof value));
  } catch {
    return typeof value;
  }
}
