/**
 * What a store of cache entries must do. It holds which key leads to which artifact, and who computes a key right now; the
 * artifacts themselves are elsewhere. SQLite implements it now, in a file of its own beside the records, so that a full,
 * damaged or read-only cache never harms a run; the interface says nothing that PostgreSQL could not do.
 */
import type { KeyRecord } from "@reprise/core";

/** A value, or a promise of it where the store is not in this process. */
export type MaybePromise<T> = T | Promise<T>;

/** A result that may be reused. */
export interface CacheEntry {
  /** The cache key, 64 hexadecimal characters. */
  readonly key: string;
  /** Id of the artifact of the result. */
  readonly artifact: string;
  /** The artifact's key in the metadata store when the entry was written: a hint that saves a search; 0 if not known. */
  readonly artifactKey: number;
  /** The run that computed the result. */
  readonly originRunId: string;
  /** The pipeline run that it belonged to. */
  readonly originRootId: string;
  /** How long that run took, in milliseconds. */
  readonly duration: number;
  /** Bytes of the artifact. */
  readonly size: number;
  /** When the entry was written or refreshed, in milliseconds since 1970 UTC. */
  readonly createdAt: number;
  /** Whether the output schema accepts the stored value as it is, so that it can be checked again when reused. */
  readonly rechecks: boolean;
}

/** An entry with all that is kept for people. */
export interface CacheEntryDetails extends CacheEntry {
  readonly record: KeyRecord;
  /** When the entry was last reused; its creation if never. */
  readonly usedAt: number;
  /** How often it was reused. */
  readonly hits: number;
}

/** Who computes a key, or wants to. */
export interface LeaseHolder {
  readonly runId: string;
  /** Name and short id of the run, for people. */
  readonly label: string;
  readonly host: string;
  readonly pid: number;
}

/** A permission to compute a key, as long as its holder's process is heard of. */
export interface Lease {
  readonly key: string;
  /** Grows with every lease that is given; a write with the number of an older lease is refused. */
  readonly fence: number;
}

/** Asks for an entry or, failing that, for the lease to compute it. */
export interface ClaimRequest {
  readonly key: string;
  readonly runId: string;
  readonly label: string;
  /**
   * Keys whose leases runs hold that cannot end before this one has: waiting for whoever waits for one of them would never
   * end. Need not be told before the run has once been answered by `held`.
   */
  readonly holds: readonly string[];
  /** An entry older than so many milliseconds counts as expired; exactly that age is valid. 0: any. Absent: no limit. */
  readonly maxAge?: number | undefined;
  /** Whether to take a lease. Without, a missing entry is answered by `free` alone. */
  readonly lease: boolean;
  /** This entry was found useless (gone, damaged): it counts as missing until another, be it an equal one, is written. */
  readonly useless?: Pick<CacheEntry, "artifact" | "createdAt"> | undefined;
}

/** That nothing may be reused. `expired` says that there was an entry, but too old: so many milliseconds. */
interface NoEntry {
  readonly expired: boolean;
  readonly age?: number;
}

/** The answer to a {@link ClaimRequest}. */
export type Claim =
  | { readonly type: "entry"; readonly entry: CacheEntry }
  | ({ readonly type: "lease"; readonly lease: Lease; readonly takenOver: boolean } & NoEntry)
  /** Somebody else computes it: ask again later. */
  | { readonly type: "held"; readonly holder: LeaseHolder }
  /** Waiting for `holder` would never end, because it waits, directly or not, for the one who asks. */
  | { readonly type: "cycle"; readonly holder: LeaseHolder }
  /** Nothing is there, and no lease was wanted. */
  | ({ readonly type: "free" } & NoEntry);

/** An entry to write. */
export interface CachePut {
  readonly entry: CacheEntry;
  readonly record: KeyRecord;
  /** The lease under which it was computed; null if none was taken. An entry whose lease was lost is not written. */
  readonly lease: Lease | null;
  /** `keep`: an entry that is there stays (first write wins). `replace`: it goes. */
  readonly mode: "keep" | "replace";
}

/** What one write to the cache does, in one transaction. */
export interface CacheWrites {
  /** Each also gives its lease back. */
  readonly puts: readonly CachePut[];
  /** Leases to give back without an entry. Those that were lost are left alone. */
  readonly releases: readonly Lease[];
  /** Keys that were reused. */
  readonly hits: readonly string[];
  /** Key records of runs that stored nothing, for explanations. */
  readonly records: readonly { readonly key: string; readonly record: KeyRecord }[];
  /** The parts of the code behind the digests that records name; each digest is kept once. JSON for `diffClosures`. */
  readonly code: readonly { readonly digest: string; readonly func: string; readonly closure: string }[];
}

/** What a write could not do. */
export interface CacheWriteResult {
  /** Keys whose lease was lost before the entry came: another run has taken over. */
  readonly fenced: readonly string[];
}

/** Which entries; all fields must match. */
export interface CacheFilter {
  readonly func?: string;
  /** The text of a given version, or the beginning of a code digest. */
  readonly version?: string;
  readonly namespace?: string;
  /** Entries computed by this run or in this pipeline run (full id). */
  readonly runId?: string;
  /** The beginning of a key. */
  readonly key?: string;
  /** Not written for so many milliseconds. */
  readonly olderThan?: number;
  /** Not reused (nor written) for so many milliseconds. */
  readonly unusedFor?: number;
  /** Bytes of the artifact at least. */
  readonly largerThan?: number;
  /**
   * Of the entries that match all else, only those that must go, least recently used first, so that those left have at
   * most so many bytes in all.
   */
  readonly keepBytes?: number;
}

/** Entries of one func and namespace, in sum. */
export interface CacheGroup {
  readonly func: string;
  readonly namespace: string;
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  /** Milliseconds that hits saved. */
  readonly saved: number;
  readonly newest: number;
}

/** Entries and leases. Methods reject or throw `RepriseError` `STORE_…` that names the place. */
export interface CacheStore extends AsyncDisposable {
  /** Where it is, for messages. */
  readonly place: string;
  /** Whose entries these are: one account exists until there is a server. Part of every key. */
  readonly account: string;
  /**
   * The entry of each key or, in the same transaction, the lease to compute it; a run that holds the lease is given it
   * again. From the first lease on, a heartbeat that does not live on this thread's event loop says that this process is
   * alive.
   */
  claim(requests: readonly ClaimRequest[]): MaybePromise<readonly Claim[]>;
  /** Says that a run no longer waits for a key. */
  stopWaiting(runIds: readonly string[]): MaybePromise<void>;
  write(writes: CacheWrites): MaybePromise<CacheWriteResult>;
  get(key: string): Promise<CacheEntryDetails | undefined>;
  /** The record of a key, also where no entry was stored. */
  recordOf(key: string): Promise<KeyRecord | undefined>;
  /** What was stored of the code behind a digest. */
  codeOf(digest: string): Promise<string | undefined>;
  /** Newest first. */
  list(filter?: CacheFilter, limit?: number): Promise<readonly CacheEntryDetails[]>;
  /** By func and namespace. */
  groups(): Promise<readonly CacheGroup[]>;
  /** Who computes what now. */
  leases(): Promise<readonly (LeaseHolder & { readonly key: string; readonly since: number })[]>;
  /** Removes entries; with `dryRun` says what would go. */
  clear(
    filter: CacheFilter,
    options: { readonly dryRun: boolean },
  ): Promise<{ readonly entries: number; readonly bytes: number; readonly keys: readonly string[] }>;
  /** Removes key records and code that no entry has named for 30 days, and what processes left that are gone. */
  sweep(): Promise<void>;
  /** Ids of the artifacts that entries name; garbage collection keeps them. */
  artifacts(): Promise<readonly string[]>;
}
