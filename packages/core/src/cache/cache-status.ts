/**
 * How a run came by its result, as far as the cache is concerned.
 *
 * | status | |
 * |---|---|
 * | `DISABLED` | not asked: no cache on func and call, the runner's cache is off, or no key could be made |
 * | `MISS` | nothing to reuse was there: the body executed, and what it gave was stored if it may be |
 * | `HIT` | the body did not execute: the result is that of an earlier run |
 * | `WAITING` | another run computes the same at this moment, and this one waits for it |
 * | `REFRESHED` | the body executed although something may have been there, and what it gave replaces it |
 * | `EXPIRED` | what was there was older than `maxAge`: the body executed, and what it gave replaces it |
 * | `LOOKUP_FAILED` | the cache could not be read: the body executed, nothing was stored |
 * | `PUT_FAILED` | the body executed, but the cache could not be written |
 * | `CLONED` | a re-run took the run over from the pipeline run before |
 * | `RESUMED` | a resumed pipeline run had finished the run before it was interrupted |
 */
export type CacheStatus =
  | "DISABLED"
  | "MISS"
  | "HIT"
  | "WAITING"
  | "REFRESHED"
  | "EXPIRED"
  | "LOOKUP_FAILED"
  | "PUT_FAILED"
  | "CLONED"
  | "RESUMED";

/** All statuses; the position of a status is its number in the database and never changes. */
export const cacheStatuses: readonly CacheStatus[] = [
  "DISABLED",
  "MISS",
  "HIT",
  "WAITING",
  "REFRESHED",
  "EXPIRED",
  "LOOKUP_FAILED",
  "PUT_FAILED",
  "CLONED",
  "RESUMED",
];

/** What is recorded with a run of what the cache did for it. */
export interface RunCache {
  readonly status: CacheStatus;
  /** The cache key, 64 hexadecimal characters; null if none was made. */
  readonly key: string | null;
  /** The run that computed the result first; null unless the result was reused. */
  readonly originRunId: string | null;
  /** How long that run took, in milliseconds: the time that was saved; null unless the result was reused. */
  readonly saved: number | null;
  /** More for people: why no key could be made, what the run waits for, why nothing was stored. */
  readonly note: string | null;
}
