import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { KeyRecord } from "@reprise/core";
import { databaseTime } from "../sqlite/database-time.ts";
import type { CachePut, CacheWriteResult, CacheWrites, Lease } from "./cache-store.ts";
import type { OwnLeases } from "./own-leases.ts";
import { bytesOf, transact } from "./transaction.ts";

/** Writes entries and gives leases back. */
export class CacheWriter {
  readonly #database: DatabaseSync;
  readonly #own: OwnLeases;
  readonly #selectNow: StatementSync;
  readonly #selectFence: StatementSync;
  readonly #insertEntry: StatementSync;
  readonly #replaceEntry: StatementSync;
  readonly #insertRecord: StatementSync;
  readonly #insertCode: StatementSync;
  readonly #countHits: StatementSync;
  readonly #deleteLease: StatementSync;
  readonly #deleteWaitsOfHolder: StatementSync;
  readonly #deleteWaits: StatementSync;
  readonly #updateClock: StatementSync;

  constructor(database: DatabaseSync, own: OwnLeases) {
    this.#database = database;
    this.#own = own;
    const values = "INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)";
    this.#selectNow = database.prepare(`SELECT ${databaseTime} AS now`);
    this.#selectFence = database.prepare("SELECT fence FROM leases WHERE key = ?");
    this.#insertEntry = database.prepare(`INSERT OR IGNORE ${values}`);
    this.#replaceEntry = database.prepare(`INSERT OR REPLACE ${values}`);
    this.#insertRecord = database.prepare(
      "INSERT INTO key_records VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET used_at = max(used_at, excluded.used_at)",
    );
    this.#insertCode = database.prepare(
      "INSERT INTO code VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET used_at = max(used_at, excluded.used_at)",
    );
    this.#countHits = database.prepare("UPDATE entries SET hits = hits + ?, used_at = max(used_at, ?) WHERE key = ?");
    this.#deleteLease = database.prepare("DELETE FROM leases WHERE key = ? AND fence = ?");
    this.#deleteWaitsOfHolder = database.prepare("DELETE FROM waits WHERE held_key = ?");
    this.#deleteWaits = database.prepare("DELETE FROM waits WHERE run_id = ?");
    this.#updateClock = database.prepare("UPDATE meta SET clock = max(clock, ?)");
  }

  /** Writes everything in one transaction, then gives `owed` back as well: leases that an earlier write could not. */
  write(writes: CacheWrites, owed: readonly Lease[]): CacheWriteResult {
    const fenced = transact(this.#database, "IMMEDIATE", () => {
      const { now } = this.#selectNow.get() as { now: number };
      const fenced = writes.puts.filter((put) => !this.#put(put, now)).map(({ entry }) => entry.key);
      for (const lease of [...writes.releases, ...owed]) this.#release(lease);
      for (const { key, record } of writes.records) this.#writeRecord(key, record, now);
      for (const { digest, func, closure } of writes.code) this.#insertCode.run(digest, func, closure, now);
      for (const [key, hits] of countEach(writes.hits)) this.#countHits.run(hits, now, bytesOf(key));
      this.#updateClock.run(now);
      return fenced;
    });
    this.#own.dropped([...leasesOf(writes), ...owed]);
    return { fenced };
  }

  /** Says that runs no longer wait. Those that were never said to wait cost nothing. */
  stopWaiting(runIds: readonly string[]): void {
    const waiting = runIds.filter((runId) => this.#own.waitOf(runId) !== undefined);
    if (waiting.length === 0) return;
    transact(this.#database, "IMMEDIATE", () => {
      for (const runId of waiting) this.#deleteWaits.run(runId);
    });
    this.#own.waits(new Map(waiting.map((runId) => [runId, undefined])));
  }

  /** False if somebody else holds the lease by now: nothing is written then, and nothing given back. */
  #put({ entry, record, lease, mode }: CachePut, now: number): boolean {
    const key = bytesOf(entry.key);
    if (lease !== null && this.#selectFence.get(bytesOf(lease.key))?.["fence"] !== lease.fence) return false;
    // A writer whose clock is ahead must not give its entries a longer life.
    const createdAt = Math.min(entry.createdAt, now);
    (mode === "replace" ? this.#replaceEntry : this.#insertEntry).run(
      key,
      bytesOf(entry.artifact),
      entry.artifactKey,
      entry.originRunId,
      entry.originRootId,
      record.func.normalize("NFC"),
      record.namespace.normalize("NFC"),
      record.version.kind,
      record.version.value,
      entry.duration,
      entry.size,
      entry.rechecks ? 1 : 0,
      createdAt,
      createdAt,
    );
    this.#writeRecord(entry.key, record, now);
    if (lease !== null) this.#release(lease);
    return true;
  }

  #release({ key, fence }: Lease): void {
    const bytes = bytesOf(key);
    if (this.#deleteLease.run(bytes, fence).changes !== 0) this.#deleteWaitsOfHolder.run(bytes);
  }

  #writeRecord(key: string, record: KeyRecord, now: number): void {
    this.#insertRecord.run(bytesOf(key), record.version.value, JSON.stringify(record), now);
  }
}

/** All leases that a write gives back. */
export function leasesOf({ puts, releases }: CacheWrites): readonly Lease[] {
  return [...puts.flatMap(({ lease }) => lease ?? []), ...releases];
}

function countEach(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
