import { RepriseError } from "./errors.ts";

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

/** An error with the name, message, stack, code and cause of a recorded failure. */
export function fromFailure(failure: Failure): Error {
  const cause = failure.cause === undefined ? undefined : { cause: fromFailure(failure.cause) };
  const error = new Error(failure.message, cause);
  Object.defineProperty(error, "name", { value: failure.name, configurable: true, writable: true });
  if (failure.stack !== undefined) error.stack = failure.stack;
  if (failure.code !== undefined) Object.assign(error, { code: failure.code });
  return error;
}

function isErrorLike(thrown: unknown): thrown is Error {
  if (thrown instanceof Error || RepriseError.is(thrown)) return true;
  return typeof thrown === "object" && thrown !== null && "message" in thrown && "name" in thrown;
}

function classNames(error: object): string[] {
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
