import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { KeyRecord } from "@reprise/core";
import { formatHex, prefixRange } from "../sqlite/ids.ts";
import { databaseTime } from "../sqlite/database-time.ts";
import type { CacheEntryDetails, CacheFilter, CacheGroup } from "./cache-store.ts";
import { type EntryRow, toEntry } from "./claims.ts";
import { removeForgotten } from "./own-leases.ts";
import { bytesOf, transact } from "./transaction.ts";

interface DetailsRow extends EntryRow {
  readonly key: Uint8Array;
  readonly record: string;
  readonly used_at: number;
  readonly hits: number;
}

/** Milliseconds for which explanations of runs without an entry are kept: 30 days. */
const keepRecords = 30 * 86_400_000;

/** The entry of a key. */
export function getEntry(database: DatabaseSync, key: string): CacheEntryDetails | undefined {
  const row = database
    .prepare("SELECT e.*, r.record FROM entries AS e JOIN key_records AS r USING (key) WHERE key = ?")
    .get(bytesOf(key));
  return row === undefined ? undefined : toDetails(row as unknown as DetailsRow);
}

/** What a key was made of. */
export function recordOf(database: DatabaseSync, key: string): KeyRecord | undefined {
  const row = database.prepare("SELECT record FROM key_records WHERE key = ?").get(bytesOf(key));
  return row === undefined ? undefined : (JSON.parse(row["record"] as string) as KeyRecord);
}

/** The parts of the code behind a digest. */
export function codeOf(database: DatabaseSync, digest: string): string | undefined {
  return database.prepare("SELECT closure FROM code WHERE digest = ?").get(digest)?.["closure"] as string | undefined;
}

/** Entries that match, newest first. */
export function listEntries(database: DatabaseSync, filter: CacheFilter, limit: number): readonly CacheEntryDetails[] {
  const { where, values } = conditions(filter);
  const rows = database
    .prepare(
      `SELECT e.*, r.record FROM entries AS e JOIN key_records AS r USING (key) WHERE ${where}
       ORDER BY e.created_at DESC, e.key LIMIT ?`,
    )
    .all(...values, Number.isFinite(limit) ? limit : -1) as unknown as DetailsRow[];
  return rows.map(toDetails);
}

/** Sums by func and namespace. */
export function groupEntries(database: DatabaseSync): readonly CacheGroup[] {
  return database
    .prepare(
      `SELECT func, namespace, count(*) AS entries, sum(size) AS bytes, sum(hits) AS hits,
         sum(hits * duration) AS saved, max(created_at) AS newest
       FROM entries GROUP BY func, namespace ORDER BY func, namespace`,
    )
    .all() as unknown as readonly CacheGroup[];
}

/** Ids of the artifacts that entries name. */
export function listArtifacts(database: DatabaseSync): readonly string[] {
  const rows = database.prepare("SELECT DISTINCT artifact FROM entries").all();
  return rows.map((row) => formatHex(row["artifact"] as Uint8Array));
}

/** What a clearing removes, or would. */
export interface Cleared {
  readonly entries: number;
  readonly bytes: number;
  readonly keys: readonly string[];
}

/** The entries that match, in the order in which they were used last, which is that in which they go. */
export function matching(database: DatabaseSync, filter: CacheFilter): Cleared {
  const { where, values } = conditions(filter);
  const rows = database
    .prepare(`SELECT e.key, e.size FROM entries AS e WHERE ${where} ORDER BY e.used_at, e.created_at, e.key`)
    .all(...values) as unknown as { key: Uint8Array; size: number }[];
  return {
    entries: rows.length,
    bytes: rows.reduce((sum, { size }) => sum + size, 0),
    keys: rows.map(({ key }) => formatHex(key)),
  };
}

/** Removes the entries that match; their artifacts stay until garbage is collected. */
export function clearEntries(database: DatabaseSync, filter: CacheFilter): Cleared {
  return transact(database, "IMMEDIATE", () => {
    const cleared = matching(database, filter);
    // A run that reused an entry yesterday can be explained for as long as one that missed yesterday.
    const keepRecord = database.prepare(
      `UPDATE key_records SET used_at = max(used_at, (SELECT used_at FROM entries WHERE key = ?)) WHERE key = ?`,
    );
    const remove = database.prepare("DELETE FROM entries WHERE key = ?");
    for (const key of cleared.keys) {
      const bytes = bytesOf(key);
      keepRecord.run(bytes, bytes);
      remove.run(bytes);
    }
    removeOrphans(database);
    return cleared;
  });
}

/** Removes what explains nothing any more, and what processes have left. */
export function sweep(database: DatabaseSync): void {
  transact(database, "IMMEDIATE", () => {
    removeOrphans(database);
    removeForgotten(database);
  });
}

function removeOrphans(database: DatabaseSync): void {
  database.exec(
    `DELETE FROM key_records WHERE used_at < ${databaseTime} - ${keepRecords} AND key NOT IN (SELECT key FROM entries);
     DELETE FROM code WHERE used_at < ${databaseTime} - ${keepRecords}
       AND digest NOT IN (SELECT version FROM key_records);
     -- Without entries nothing can come back to life: a clock that once was wrong by years is forgotten with them.
     UPDATE meta SET clock = 0 WHERE NOT EXISTS (SELECT 1 FROM entries)`,
  );
}

/** Conditions on `entries AS e`, and what stands for their question marks. */
function conditions(filter: CacheFilter): { readonly where: string; readonly values: readonly SQLInputValue[] } {
  const { keepBytes, ...others } = filter;
  const { where, values } = simpleConditions(others);
  if (keepBytes === undefined) return { where, values };
  // Those that were used last stay as long as they fit together.
  const where_ = `e.key IN (SELECT key FROM (
      SELECT key, sum(size) OVER (ORDER BY used_at DESC, created_at DESC, key DESC ROWS UNBOUNDED PRECEDING) AS total
      FROM entries AS e WHERE ${where}) WHERE total > ?)`;
  return { where: where_, values: [...values, keepBytes] };
}

function simpleConditions(filter: Omit<CacheFilter, "keepBytes">) {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (term: string, ...bound: SQLInputValue[]) => {
    terms.push(term);
    values.push(...bound);
  };
  const { func, version, namespace, runId, key, olderThan, unusedFor, largerThan } = filter;
  if (func !== undefined) add("e.func = ?", func.normalize("NFC"));
  if (namespace !== undefined) add("e.namespace = ?", namespace.normalize("NFC"));
  if (version !== undefined) {
    const digest = version.toLowerCase();
    const isBeginning = "substr(e.version, 1, length(?)) = ?";
    add(`(e.version = ? OR e.version_kind <> 'given' AND ? <> '' AND ${isBeginning})`, version, digest, digest, digest);
  }
  if (runId !== undefined) add("(e.origin_run = ? OR e.origin_root = ?)", runId, runId);
  if (key !== undefined) {
    const range = prefixRange(key, 32);
    if (range === undefined) add("0");
    else add("e.key BETWEEN ? AND ?", range.from, range.to);
  }
  const clock = `(SELECT max(clock, ${databaseTime}) FROM meta)`;
  if (olderThan !== undefined) add(`e.created_at <= ${clock} - ?`, olderThan);
  if (unusedFor !== undefined) add(`e.used_at <= ${clock} - ?`, unusedFor);
  if (largerThan !== undefined) add("e.size >= ?", largerThan);
  return { where: terms.length === 0 ? "1" : terms.join(" AND "), values };
}

function toDetails(row: DetailsRow): CacheEntryDetails {
  return {
    ...toEntry(formatHex(row.key), row),
    record: JSON.parse(row.record) as KeyRecord,
    usedAt: row.used_at,
    hits: row.hits,
  };
}
