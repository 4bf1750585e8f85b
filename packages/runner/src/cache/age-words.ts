import { formatDuration, parseDuration } from "@reprise/core";
import type { CacheOptions } from "../cache-options.ts";

/** By how much a result was too old to be reused, in words. */
export function ageWords(age: number, { maxAge }: CacheOptions): string {
  const limit = maxAge === undefined ? 0 : parseDuration(maxAge, "cache.maxAge");
  return `the earlier result was ${formatDuration(age)} old, ${formatDuration(age - limit)} more than maxAge allows`;
}
