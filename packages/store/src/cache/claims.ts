import { hostname } from "node:os";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isProcessGone } from "../process-gone.ts";
import { formatHex } from "../sqlite/ids.ts";
import { databaseTime } from "../sqlite/database-time.ts";
import type { CacheEntry, Claim, ClaimRequest, LeaseHolder } from "./cache-store.ts";
import type { NotedWait, OwnLeases } from "./own-leases.ts";
import { bytesOf, transact } from "./transaction.ts";

/** A row of `owners`, with the columns of its key named `owner`. */
interface OwnerRow {
  readonly owner: number;
  readonly host: string;
  readonly pid: number;
  readonly process_started_at: number;
  readonly heartbeat_at: number;
  readonly grace: number;
}

interface LeaseRow extends OwnerRow {
  readonly run_id: string;
  readonly label: string;
  readonly fence: number;
}

/** A row of `entries`, as far as a reuse needs it; the key is known to whoever asks. */
export interface EntryRow {
  readonly artifact: Uint8Array;
  readonly artifact_key: number;
  readonly origin_run: string;
  readonly origin_root: string;
  readonly duration: number;
  readonly size: number;
  readonly created_at: number;
  readonly rechecks: number;
}

/** What one transaction sees and has done. */
interface Step {
  /** Whether it holds the write lock. */
  readonly writes: boolean;
  /** The database's time. */
  readonly now: number;
  /** The highest time that anybody has written, or now if that is later. */
  readonly clock: number;
  /** The number of the last lease that was given. */
  fence: number;
  /** Who is alive; looked at once for each of them. */
  readonly gone: Map<number, boolean>;
  /** The key of this process, once it had to be written. */
  owner: number | undefined;
  /** Fences of the leases that were given, by key. */
  readonly given: Map<string, number>;
  readonly waits: Map<string, NotedWait | undefined>;
}

const ownerColumns = "o.key AS owner, o.host, o.pid, o.process_started_at, o.heartbeat_at, o.grace";

/** Answers who may reuse, who computes and who waits. */
export class Claims {
  readonly #database: DatabaseSync;
  readonly #own: OwnLeases;
  readonly #selectMoment: StatementSync;
  readonly #selectEntry: StatementSync;
  readonly #selectLease: StatementSync;
  readonly #selectWaits: StatementSync;
  readonly #giveLease: StatementSync;
  readonly #insertWait: StatementSync;
  readonly #deleteWaits: StatementSync;
  readonly #deleteWaitsOfHolder: StatementSync;
  readonly #updateMoment: StatementSync;

  constructor(database: DatabaseSync, own: OwnLeases) {
    this.#database = database;
    this.#own = own;
    this.#selectMoment = database.prepare(
      `SELECT ${databaseTime} AS now, max(clock, ${databaseTime}) AS clock, fence FROM meta`,
    );
    this.#selectEntry = database.prepare(
      `SELECT artifact, artifact_key, origin_run, origin_root, duration, size, created_at, rechecks
       FROM entries WHERE key = ?`,
    );
    this.#selectLease = database.prepare(
      `SELECT l.run_id, l.label, l.fence, ${ownerColumns} FROM leases AS l JOIN owners AS o ON o.key = l.owner
       WHERE l.key = ?`,
    );
    this.#selectWaits = database.prepare(
      `SELECT w.key, ${ownerColumns} FROM waits AS w JOIN owners AS o ON o.key = w.owner WHERE w.held_key = ?`,
    );
    this.#giveLease = database.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)");
    this.#insertWait = database.prepare(
      `INSERT OR REPLACE INTO waits (held_key, key, run_id, owner)
       SELECT key, ?, ?, owner FROM leases WHERE key = ? AND owner = ?`,
    );
    this.#deleteWaits = database.prepare("DELETE FROM waits WHERE run_id = ?");
    this.#deleteWaitsOfHolder = database.prepare("DELETE FROM waits WHERE held_key = ?");
    this.#updateMoment = database.prepare("UPDATE meta SET fence = ?, clock = max(clock, ?)");
  }

  /** Answers all requests in order, in one transaction that writes only if some answer has to be written down. */
  claim(requests: readonly ClaimRequest[]): readonly Claim[] {
    const found = requests.length === 1 ? this.#findOne(requests[0] as ClaimRequest) : undefined;
    if (found !== undefined) return [{ type: "entry", entry: found }];
    const gone = new Map<number, boolean>();
    const answers = transact(this.#database, "DEFERRED", () => {
      const step = this.#begin(false, gone);
      return requests.map((request) => this.#answer(request, step));
    });
    if (!answers.includes(undefined)) return answers as Claim[];
    const step = transact(this.#database, "IMMEDIATE", () => {
      const step = this.#begin(true, gone);
      for (const [index, request] of requests.entries()) answers[index] ??= this.#answer(request, step);
      this.#updateMoment.run(step.fence, step.now);
      return step;
    });
    this.#own.waits(step.waits);
    if (step.owner !== undefined) this.#own.took(step.owner, step.given);
    return answers as Claim[];
  }

  /** Who computes what now. */
  holders(): readonly (LeaseHolder & { readonly key: string; readonly since: number })[] {
    const rows = this.#database
      .prepare(
        `SELECT l.key, l.run_id, l.label, l.since, ${ownerColumns}, ${databaseTime} AS now
         FROM leases AS l JOIN owners AS o ON o.key = l.owner ORDER BY l.since, l.fence`,
      )
      .all() as unknown as (LeaseRow & { key: Uint8Array; since: number; now: number })[];
    const gone = new Map<number, boolean>();
    return rows
      .filter((row) => !this.#isGone(row, row.now, gone))
      .map((row) => Object.assign(toHolder(row), { key: formatHex(row.key), since: row.since }));
  }

  /** The entry of a request that needs nothing else: one statement, where a transaction would take four. */
  #findOne(request: ClaimRequest): CacheEntry | undefined {
    if (request.maxAge !== undefined || this.#own.waitOf(request.runId) !== undefined) return undefined;
    const row = this.#selectEntry.get(bytesOf(request.key)) as EntryRow | undefined;
    const entry = row === undefined ? undefined : toEntry(request.key, row);
    return entry === undefined || isUseless(entry, request) ? undefined : entry;
  }

  #begin(writes: boolean, gone: Map<number, boolean>): Step {
    const moment = this.#selectMoment.get() as { now: number; clock: number; fence: number };
    return { writes, ...moment, gone, owner: undefined, given: new Map(), waits: new Map() };
  }

  /** Undefined if the answer has to be written down and the step may not write. */
  #answer(request: ClaimRequest, step: Step): Claim | undefined {
    const key = bytesOf(request.key);
    const { entry, ...nothing } = this.#find(request, key, step);
    if (entry !== undefined) return this.#settle(request, step, { type: "entry", entry });
    if (!request.lease) return this.#settle(request, step, { type: "free", ...nothing });
    const found = this.#selectLease.get(key) as LeaseRow | undefined;
    if (found === undefined || this.#isGone(found, step.now, step.gone)) {
      return step.writes ? this.#give(request, key, step, { ...nothing, takenOver: found !== undefined }) : undefined;
    }
    if (found.run_id === request.runId && this.#isOwn(found.owner, step)) {
      const lease = { key: request.key, fence: found.fence };
      return this.#settle(request, step, { type: "lease", lease, ...nothing, takenOver: false });
    }
    const holder = toHolder(found);
    if (this.#leadsToOwn(request, step)) return this.#settle(request, step, { type: "cycle", holder });
    return this.#noteWait(request, key, step) ? { type: "held", holder } : undefined;
  }

  #find(request: ClaimRequest, key: Uint8Array, step: Step): { entry?: CacheEntry; expired: boolean; age?: number } {
    const row = this.#selectEntry.get(key) as EntryRow | undefined;
    if (row === undefined) return { expired: false };
    const entry = toEntry(request.key, row);
    if (isUseless(entry, request)) return { expired: false };
    const { maxAge } = request;
    const age = step.clock - entry.createdAt;
    if (maxAge !== undefined && (maxAge <= 0 || age > maxAge)) return { expired: true, age };
    return { entry, expired: false };
  }

  #give(
    request: ClaimRequest,
    key: Uint8Array,
    step: Step,
    found: { readonly expired: boolean; readonly age?: number; readonly takenOver: boolean },
  ): Claim {
    step.owner ??= this.#own.sayAlive(step.now);
    step.fence += 1;
    const lease = { key: request.key, fence: step.fence };
    if (found.takenOver) this.#deleteWaitsOfHolder.run(key);
    this.#giveLease.run(key, step.owner, request.runId, request.label, lease.fence, step.now);
    step.given.set(lease.key, lease.fence);
    return this.#settle(request, step, { type: "lease", lease, ...found }) as Claim;
  }

  /** The answer, once nothing says any more that the run waits. */
  #settle(request: ClaimRequest, step: Step, answer: Claim): Claim | undefined {
    if (!this.#isWaiting(request, step)) return answer;
    if (!step.writes) return undefined;
    this.#deleteWaits.run(request.runId);
    step.waits.set(request.runId, undefined);
    return answer;
  }

  /** Says, where it matters to others, that the run waits; false if the step may not write that. */
  #noteWait(request: ClaimRequest, key: Uint8Array, step: Step): boolean {
    const owner = step.owner ?? this.#own.key;
    const held = request.holds.filter((held) => this.#own.holds(held) || step.given.has(held));
    const noted = step.waits.has(request.runId) ? step.waits.get(request.runId) : this.#own.waitOf(request.runId);
    if (owner === undefined || (held.length === 0 && noted === undefined)) return true;
    if (noted !== undefined && noted.key === request.key && isSameList(noted.held, held)) return true;
    if (!step.writes) return false;
    this.#deleteWaits.run(request.runId);
    for (const each of held) this.#insertWait.run(key, request.runId, bytesOf(each), owner);
    step.waits.set(request.runId, held.length === 0 ? undefined : { key: request.key, held });
    return true;
  }

  #isWaiting({ runId }: ClaimRequest, step: Step): boolean {
    return (step.waits.has(runId) ? step.waits.get(runId) : this.#own.waitOf(runId)) !== undefined;
  }

  /** Whether the holder of the key waits, directly or not, for a key that the asking run's ancestors hold. */
  #leadsToOwn({ key, holds }: ClaimRequest, step: Step): boolean {
    if (holds.length === 0) return false;
    const own = new Set(holds);
    const seen = new Set([key]);
    for (const each of seen) {
      if (own.has(each)) return true;
      const waits = this.#selectWaits.all(bytesOf(each)) as unknown as (OwnerRow & { key: Uint8Array })[];
      for (const wait of waits) if (!this.#isGone(wait, step.now, step.gone)) seen.add(formatHex(wait.key));
    }
    return false;
  }

  #isOwn(owner: number, step: Step): boolean {
    return owner === (step.owner ?? this.#own.key);
  }

  /**
   * Whether nobody will ever hear of the owner again. A sign of life from the future counts as none: whoever is alive
   * gives one by the clock that was set back.
   */
  #isGone(row: OwnerRow, now: number, known: Map<number, boolean>): boolean {
    if (row.owner === this.#own.key) return false;
    let gone = known.get(row.owner);
    if (gone === undefined) {
      const { host, pid, process_started_at: processStartedAt } = row;
      gone =
        Math.abs(now - row.heartbeat_at) > row.grace ||
        (host === hostname() && isProcessGone({ host, pid, processStartedAt }));
      known.set(row.owner, gone);
    }
    return gone;
  }
}

function isUseless({ artifact, createdAt }: CacheEntry, { useless }: ClaimRequest): boolean {
  return artifact === useless?.artifact && createdAt === useless.createdAt;
}

function isSameList(list: readonly string[], other: readonly string[]): boolean {
  return list.length === other.length && list.every((item, at) => item === other[at]);
}

/** An entry as its row says. */
export function toEntry(key: string, row: EntryRow): CacheEntry {
  return {
    key,
    artifact: formatHex(row.artifact),
    artifactKey: row.artifact_key,
    originRunId: row.origin_run,
    originRootId: row.origin_root,
    duration: row.duration,
    size: row.size,
    createdAt: row.created_at,
    rechecks: row.rechecks === 1,
  };
}

function toHolder({ run_id: runId, label, host, pid }: LeaseRow): LeaseHolder {
  return { runId, label, host, pid };
}
