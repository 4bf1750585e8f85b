import { formatDuration } from "@reprise/core";
import type { CacheGroup, CacheStore } from "@reprise/store";
import { formatAge, shortKey } from "../cache/entry-texts.ts";
import type { Command } from "../host.ts";
import { type Output, outputOf } from "../output.ts";
import { openStore } from "../store-access.ts";
import { tableLines } from "../values/table.ts";
import { formatBytes } from "../when.ts";

/** Counts of a group, or of all. */
type Counts = Pick<CacheGroup, "entries" | "bytes" | "hits" | "saved">;
type Leases = Awaited<ReturnType<CacheStore["leases"]>>;

/** `reprise cache stats`: counts by func and namespace, and who computes what now. */
export const cacheStats: Command = async (invocation) => {
  const { host, json } = invocation;
  await using store = await openStore(invocation);
  const [groups, leases] = await Promise.all([store.cache.groups(), store.cache.leases()]);
  const total = sumOf(groups);
  const output = outputOf(host);
  if (json) {
    output.json({
      groups: groups.map((group) => ({ ...group, hitRate: hitRate(group) })),
      total: { ...total, hitRate: hitRate(total) },
      running: leases,
    });
    return 0;
  }
  const lines =
    groups.length === 0 ? [`No entries yet in ${store.cache.place}.`] : groupLines(groups, total, Date.now(), output);
  output.lines([...lines, ...leaseLines(leases, Date.now(), output)]);
  return 0;
};

/** Part of the lookups that were answered: each entry was a miss once. Null where nothing was looked up. */
function hitRate({ hits, entries }: Counts): number | null {
  return hits + entries === 0 ? null : hits / (hits + entries);
}

function sumOf(groups: readonly CacheGroup[]): Counts {
  const total = { entries: 0, bytes: 0, hits: 0, saved: 0 };
  for (const { entries, bytes, hits, saved } of groups) {
    total.entries += entries;
    total.bytes += bytes;
    total.hits += hits;
    total.saved += saved;
  }
  return total;
}

function groupLines(groups: readonly CacheGroup[], total: Counts, now: number, { paint, width }: Output): string[] {
  const row = (func: string, namespace: string, counts: Counts, age: string) => [
    func,
    namespace,
    counts.entries.toLocaleString("en-US"),
    formatBytes(counts.bytes),
    counts.hits.toLocaleString("en-US"),
    `${Math.round((hitRate(counts) ?? 0) * 100)} %`,
    counts.hits === 0 ? "" : formatDuration(counts.saved),
    age,
  ];
  const rows = groups.map((group) => row(group.func, group.namespace, group, formatAge(group.newest, now)));
  if (groups.length > 1) rows.push(row("all", "", total, ""));
  const titles = ["func", "namespace", "entries", "size", "hits", "hit rate", "saved", "newest"];
  const columns = titles.map((title, at) => ({
    title,
    align: at > 1 && at < 7 ? ("right" as const) : ("left" as const),
  }));
  return tableLines({ columns, rows }, width, paint);
}

function leaseLines(leases: Leases, now: number, { paint }: Output): string[] {
  if (leases.length === 0) return [];
  return [
    "",
    paint("bold", "Computing now"),
    ...leases.map(
      ({ label, host, pid, since, key }) =>
        `  ${label}  for ${formatAge(since, now)}, process ${pid} on ${host}  ${paint("dim", shortKey(key))}`,
    ),
  ];
}
