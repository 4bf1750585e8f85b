import type { DatabaseSync, StatementSync } from "node:sqlite";
import { thisProcess } from "../process-gone.ts";
import { databaseTime } from "../sqlite/database-time.ts";
import { defaultLease, Heartbeat, type LeaseTimes } from "../sqlite/heartbeat.ts";
import type { Lease } from "./cache-store.ts";

/** What `waits` says of a run: the key that it waits for, and the keys that nobody gets before. */
export interface NotedWait {
  readonly key: string;
  readonly held: readonly string[];
}

const day = 86_400_000;

/** The leases that this process holds through one open file, and what it said that its runs wait for. */
export class OwnLeases {
  readonly #database: DatabaseSync;
  readonly #place: string;
  readonly #heartbeatEvery: number;
  readonly #grace: number;
  readonly #held = new Map<string, number>();
  /** Of each run that has rows in `waits`, what they say. */
  readonly #waiting = new Map<string, NotedWait>();
  #key: number | undefined;
  #say: StatementSync | undefined;
  /** When this process last said that it is alive, and when it said so in a transaction that may not be committed. */
  #saidAt = Number.NEGATIVE_INFINITY;
  #sayingAt = Number.NEGATIVE_INFINITY;
  #heartbeat: Heartbeat | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(database: DatabaseSync, place: string, { heartbeat, grace }: LeaseTimes) {
    this.#database = database;
    this.#place = place;
    this.#heartbeatEvery = heartbeat ?? defaultLease.heartbeat;
    this.#grace = grace ?? defaultLease.grace;
  }

  /** Key of this process in `owners`; undefined before its first lease. */
  get key(): number | undefined {
    return this.#key;
  }

  /** Whether this process holds the lease of a key. */
  holds(key: string): boolean {
    return this.#held.has(key);
  }

  /** What a run was last said to wait for. */
  waitOf(runId: string): NotedWait | undefined {
    return this.#waiting.get(runId);
  }

  /**
   * Says in the transaction that is open that this process is alive now, unless it has just said so; gives its key.
   *
   * @param now the database's time.
   */
  sayAlive(now: number): number {
    // With half a beat at most until the thread's next one, nobody's patience ends.
    if (this.#key !== undefined && Math.abs(now - this.#saidAt) < this.#heartbeatEvery / 2) return this.#key;
    const { host, pid, processStartedAt } = thisProcess();
    if (this.#key === undefined) removeForgotten(this.#database);
    this.#say ??= this.#database.prepare(
      `INSERT INTO owners (key, host, pid, process_started_at, heartbeat_at, grace) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET heartbeat_at = excluded.heartbeat_at RETURNING key`,
    );
    this.#sayingAt = now;
    const said = this.#say.get(this.#key ?? null, host, pid, processStartedAt, now, this.#grace);
    return (said as { key: number }).key;
  }

  /** Takes note, after the commit, of leases that this process was given under its key: their fences by key. */
  took(owner: number, fences: ReadonlyMap<string, number>): void {
    for (const [key, fence] of fences) this.#held.set(key, fence);
    this.#key = owner;
    this.#saidAt = this.#sayingAt;
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#heartbeat ??= new Heartbeat({
      place: this.#place,
      statement: `UPDATE owners SET heartbeat_at = ${databaseTime} WHERE key = ?`,
      parameters: [owner],
      interval: this.#heartbeatEvery,
      atOnce: false,
    });
    this.#heartbeat.start();
  }

  /** Takes note, after the commit, of leases that were given back or lost. */
  dropped(leases: readonly Lease[]): void {
    for (const { key, fence } of leases) if (this.#held.get(key) === fence) this.#held.delete(key);
    if (this.#held.size > 0 || this.#heartbeat === undefined || this.#idle !== undefined) return;
    // Pipelines take leases again and again: a thread that ended after each would be started anew all the time.
    this.#idle = setTimeout(() => {
      void this.#endHeartbeat();
    }, this.#grace).unref();
  }

  /** Takes note, after the commit, of what runs wait for; undefined: for nothing any more. */
  waits(runs: ReadonlyMap<string, NotedWait | undefined>): void {
    for (const [runId, wait] of runs) {
      if (wait === undefined) this.#waiting.delete(runId);
      else this.#waiting.set(runId, wait);
    }
  }

  /** Ends the signs of life. The rows are left to whoever calls. */
  async close(): Promise<void> {
    this.#held.clear();
    await this.#endHeartbeat();
  }

  async #endHeartbeat(): Promise<void> {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    const heartbeat = this.#heartbeat;
    this.#heartbeat = undefined;
    await heartbeat?.stop();
  }
}

/** Removes what processes have left that were last heard of so long ago that nobody asks any more. */
export function removeForgotten(database: DatabaseSync): void {
  const forgotten = `(SELECT key FROM owners WHERE abs(${databaseTime} - heartbeat_at) > ${day})`;
  database.exec(
    `DELETE FROM waits WHERE owner IN ${forgotten};
     DELETE FROM leases WHERE owner IN ${forgotten};
     DELETE FROM owners WHERE key IN ${forgotten}`,
  );
}
