import { diffKeyRecords, type KeyRecord } from "@reprise/core";
import type { CacheEntryDetails } from "@reprise/store";

/** The entry that differs from a key in the fewest ingredients; of equals the newest. Undefined if there are none. */
export function nearestEntry(record: KeyRecord, entries: readonly CacheEntryDetails[]): CacheEntryDetails | undefined {
  let nearest: CacheEntryDetails | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const count = diffKeyRecords(entry.record, record).length;
    if (count > fewest || (count === fewest && entry.createdAt <= (nearest?.createdAt ?? 0))) continue;
    nearest = entry;
    fewest = count;
  }
  return nearest;
}
