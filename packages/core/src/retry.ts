import { type Duration, parseDuration } from "./duration.ts";
import { RepriseError } from "./errors.ts";
import { type Failure, toFailure } from "./failure.ts";

/** How often and when a failed body is executed again. From Sematic's `RetrySettings`, with backoff added. */
export interface RetryOptions {
  /** Executions after the first: N retries are up to N + 1 executions. */
  readonly retries: number;
  /**
   * Retry only these errors: classes or names. An error matches by its own class and by any class it extends, as
   * recorded, so this also works for bodies in other processes. Default: every error.
   */
  readonly exceptions?: readonly (string | ErrorClass)[] | undefined;
  /** Retry only if this returns true. It sees the recorded error. If it throws, there is no retry. Default: always. */
  readonly when?: ((failure: Failure, attempt: number) => boolean) | undefined;
  /** Wait before the first retry. Default: 0. */
  readonly delay?: Duration | undefined;
  /** Each further wait is this many times longer. Default: 2. */
  readonly factor?: number | undefined;
  /** Longest wait. Default: one hour. */
  readonly maxDelay?: Duration | undefined;
  /** Part of each wait that is random, 0 to 1, so that many runs do not come back at once. Default: 0. */
  readonly jitter?: number | undefined;
}

/** A class of errors; only its name is used. */
// oxlint-disable-next-line typescript/no-explicit-any -- any constructor will do, only its name is read
export type ErrorClass = abstract new (...args: any[]) => Error;

/** Validated retry settings: times in milliseconds, exceptions by name. */
export interface RetryPolicy {
  readonly retries: number;
  readonly exceptions: readonly string[] | undefined;
  readonly when: ((failure: Failure, attempt: number) => boolean) | undefined;
  readonly delay: number;
  readonly factor: number;
  readonly maxDelay: number;
  readonly jitter: number;
}

const defaultMaxDelay = 3_600_000;

/**
 * Validates retry options.
 *
 * @param what names the place in errors, e.g. `func "train"`.
 * @throws RepriseError `INVALID_OPTION` naming the field.
 */
export function parseRetry(options: RetryOptions, what: string): RetryPolicy {
  const place = `retry of ${what}`;
  if (typeof options !== "object" || options === null) fail(place, "give an object such as { retries: 3 }");
  for (const key of Object.keys(options)) {
    if (!retryFields.has(key)) fail(place, `unknown field "${key}"; known: ${[...retryFields].join(", ")}`);
  }
  const { retries, exceptions, when, delay = 0, factor = 2, maxDelay = defaultMaxDelay, jitter = 0 } = options;
  if (!Number.isSafeInteger(retries) || retries < 0)
    fail(place, `retries must be a whole number from 0, not ${retries}`);
  if (!Number.isFinite(factor) || factor < 1) fail(place, `factor must be at least 1, not ${factor}`);
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1))
    fail(place, `jitter must be from 0 to 1, not ${jitter}`);
  if (when !== undefined && typeof when !== "function") fail(place, "when must be a function");
  return {
    retries,
    exceptions: exceptions === undefined ? undefined : exceptionNames(exceptions, place),
    when,
    delay: delay === 0 ? 0 : parseDuration(delay, `delay in ${place}`),
    factor,
    maxDelay: parseDuration(maxDelay, `maxDelay in ${place}`),
    jitter,
  };
}

const retryFields = new Set(["retries", "exceptions", "when", "delay", "factor", "maxDelay", "jitter"]);

function exceptionNames(exceptions: readonly (string | ErrorClass)[], place: string): string[] {
  if (!Array.isArray(exceptions)) fail(place, "exceptions must be an array of classes or names");
  return exceptions.map((exception: unknown) => {
    const name = typeof exception === "string" ? exception : (exception as { name?: unknown } | null)?.name;
    if (typeof name !== "string" || name === "") fail(place, "exceptions must be an array of classes or names");
    return name;
  });
}

function fail(place: string, why: string): never {
  throw new RepriseError("INVALID_OPTION", `${place}: ${why}.`);
}

/** What to do after an attempt failed. `broken`: the policy's own `when` threw this. */
export type RetryDecision =
  { readonly retry: true; readonly delay: number } | { readonly retry: false; readonly broken?: Failure };

/**
 * Decides whether a failed attempt is followed by another.
 *
 * @param attempt number of the attempt that failed, from 1.
 * @param random a number from 0 up to 1, for the jitter.
 */
export function decideRetry(
  policy: RetryPolicy | undefined,
  attempt: number,
  failure: Failure,
  random: number,
): RetryDecision {
  if (policy === undefined || attempt > policy.retries) return { retry: false };
  if (policy.exceptions !== undefined && !policy.exceptions.some((name) => failure.classes.includes(name))) {
    return { retry: false };
  }
  try {
    if (policy.when !== undefined && !policy.when(failure, attempt)) return { retry: false };
  } catch (error) {
    return { retry: false, broken: toFailure(error) };
  }
  // A large factor becomes infinite after many attempts, and 0 times that would be no number.
  const wait = policy.delay === 0 ? 0 : Math.min(policy.delay * policy.factor ** (attempt - 1), policy.maxDelay);
  return { retry: true, delay: wait * (1 - policy.jitter * random) };
}
