import { type CacheStatus, cacheStatuses, formatDuration, type Run, type RunCache, shortId } from "@reprise/core";
import type { Paint, Style } from "../terminal/paint.ts";

const styles: { readonly [Status in CacheStatus]: Style } = {
  DISABLED: "yellow",
  MISS: "dim",
  HIT: "green",
  WAITING: "yellow",
  REFRESHED: "blue",
  EXPIRED: "blue",
  LOOKUP_FAILED: "red",
  PUT_FAILED: "red",
  CLONED: "green",
  RESUMED: "green",
};

/** Whether there is anything to tell: a run for which the cache was never asked has no word of it. */
export function wasCacheAsked({ status, note }: RunCache): boolean {
  return status !== "DISABLED" || note !== null;
}

/** Whether a result was there before, so that its body did not execute and took no time. */
export function wasThere({ status }: RunCache): boolean {
  return status === "HIT" || status === "CLONED" || status === "RESUMED";
}

/** Whether a run has executed no body of its own, but only waited for runs below it: what it took is what they took. */
export function onlyWaited({
  startedAt,
  state,
  cache,
}: Pick<Run, "startedAt" | "state"> & { readonly cache: RunCache | null }): boolean {
  if (startedAt !== null || (cache !== null && wasThere(cache))) return false;
  return state === "RAN" || state === "RESOLVED" || state === "NESTED_FAILED";
}

/** How many runs a re-run or a resumed pipeline run found finished, and how many bodies it executed. */
export interface TakeOverCounts {
  /** Taken over from another pipeline run. */
  readonly cloned: number;
  /** Finished before the interruption. */
  readonly resumed: number;
  readonly executed: number;
}

/**
 * `9 taken over, 3 executed`; empty if nothing was taken over.
 *
 * @param below what to say of runs below those that were taken over, where they are not counted.
 */
export function takeOverWords({ cloned, resumed, executed }: TakeOverCounts, below = ""): string {
  const parts: string[] = [];
  if (cloned > 0) parts.push(`${cloned.toLocaleString("en-US")} taken over${below}`);
  if (resumed > 0) parts.push(`${resumed.toLocaleString("en-US")} finished before${below}`);
  return parts.length === 0 ? "" : [...parts, `${executed.toLocaleString("en-US")} executed`].join(", ");
}

/** `HIT from 3f2a8c21 (saved 12.3 s)`: what the cache did for a run, for its line in a tree; empty if nothing. */
export function cacheMark(cache: RunCache, paint: Paint): string {
  return wasCacheAsked(cache) ? paint(styles[cache.status], cacheWords(cache)) : "";
}

/** As {@link cacheMark}, without colors and for any run. */
export function cacheWords({ status, originRunId, saved }: RunCache): string {
  const from = originRunId === null ? "" : ` from ${shortId(originRunId)}`;
  return `${status}${from}${savedWords(saved)}`;
}

/** `10 HIT (saved 2 min 5 s), 2 MISS`: of many runs; empty if the cache was asked for none. */
export function cacheCountWords(counts: ReadonlyMap<CacheStatus, number>, saved: number): string {
  const parts: string[] = [];
  for (const status of cacheStatuses) {
    const count = counts.get(status) ?? 0;
    if (count > 0) parts.push(`${count.toLocaleString("en-US")} ${status}${status === "HIT" ? savedWords(saved) : ""}`);
  }
  return parts.join(", ");
}

/** `3 results reused, 12.3 s saved`; empty if there were none. */
export function reuseWords(hits: number, saved: number): string {
  if (hits === 0) return "";
  const results = `${hits.toLocaleString("en-US")} ${hits === 1 ? "result" : "results"} reused`;
  return saved > 0 ? `${results}, ${formatDuration(saved)} saved` : results;
}

function savedWords(saved: number | null): string {
  return saved === null || saved <= 0 ? "" : ` (saved ${formatDuration(saved)})`;
}
