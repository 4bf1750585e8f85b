import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type KeyRecord, RepriseError } from "@reprise/core";
import { type ConnectionOptions, openConnection, openEmpty } from "../sqlite/connection.ts";
import type { LeaseTimes } from "../sqlite/heartbeat.ts";
import { readOnly, storeFailure } from "../sqlite/sqlite-failure.ts";
import * as queries from "./cache-queries.ts";
import { cacheSchema } from "./cache-schema.ts";
import type {
  CacheEntryDetails,
  CacheFilter,
  CacheGroup,
  CacheStore,
  CacheWriteResult,
  CacheWrites,
  Claim,
  ClaimRequest,
  Lease,
  LeaseHolder,
} from "./cache-store.ts";
import { CacheWriter, leasesOf } from "./cache-writer.ts";
import { Claims } from "./claims.ts";
import { OwnLeases } from "./own-leases.ts";
import { transact } from "./transaction.ts";

/** How to open the file of a cache. Default of `busyTimeout` here: 10,000 milliseconds. */
export interface CacheStoreOptions extends ConnectionOptions {
  readonly lease?: LeaseTimes;
}

/** The open file and what works on it. */
interface Connection {
  readonly database: DatabaseSync;
  /** Which file it is, to notice that somebody has removed or replaced it; undefined if it is none. */
  readonly file: number | undefined;
  readonly own: OwnLeases;
  readonly claims: Claims;
  readonly writer: CacheWriter;
}

/**
 * The cache in one SQLite file, by the database that comes with Node.
 *
 * The file is opened, and made, at first use; making the object never fails. A file that was removed or replaced
 * meanwhile is opened anew. Any number of processes may have it open.
 *
 * @example
 * ```ts
 * await using cache = new SqliteCacheStore("/data/cache.db");
 * console.log(await cache.list({ func: "train" }, 10));
 * ```
 */
export class SqliteCacheStore implements CacheStore {
  readonly place: string;
  readonly account = "local";
  readonly #options: CacheStoreOptions;
  #connection: Connection | undefined;
  #isDisposed = false;
  /** Leases that could not be given back, because the write failed: given back with the next one. */
  #owed: readonly Lease[] = [];
  #retry: NodeJS.Timeout | undefined;

  constructor(path: string, options: CacheStoreOptions = {}) {
    this.place = resolve(path);
    this.#options = { ...options, busyTimeout: options.busyTimeout ?? 10_000 };
  }

  claim(requests: readonly ClaimRequest[]): readonly Claim[] {
    return this.#attempt(() => {
      if (requests.length === 0) return [];
      const wantsLease = requests.some(({ lease }) => lease);
      return (wantsLease ? this.#writable() : this.#readable()).claims.claim(requests);
    });
  }

  stopWaiting(runIds: readonly string[]): void {
    // Who has never waited has said so to nobody, and needs no file for it.
    if (this.#connection === undefined) return;
    this.#attempt(() => this.#connection?.writer.stopWaiting(runIds));
  }

  write(writes: CacheWrites): CacheWriteResult {
    if (this.#owed.length === 0 && Object.values(writes).every(({ length }: readonly unknown[]) => length === 0)) {
      return { fenced: [] };
    }
    try {
      const result = this.#attempt(() => this.#writable().writer.write(writes, this.#owed));
      this.#owe([]);
      return result;
    } catch (error) {
      this.#owe([...this.#owed, ...leasesOf(writes)]);
      throw error;
    }
  }

  get(key: string): Promise<CacheEntryDetails | undefined> {
    return this.#read((database) => queries.getEntry(database, key));
  }

  recordOf(key: string): Promise<KeyRecord | undefined> {
    return this.#read((database) => queries.recordOf(database, key));
  }

  codeOf(digest: string): Promise<string | undefined> {
    return this.#read((database) => queries.codeOf(database, digest));
  }

  list(filter: CacheFilter = {}, limit = Number.POSITIVE_INFINITY): Promise<readonly CacheEntryDetails[]> {
    return this.#read((database) => queries.listEntries(database, filter, limit));
  }

  groups(): Promise<readonly CacheGroup[]> {
    return this.#read((database) => queries.groupEntries(database));
  }

  async leases(): Promise<readonly (LeaseHolder & { readonly key: string; readonly since: number })[]> {
    return this.#attempt(() => this.#readable().claims.holders());
  }

  async clear(filter: CacheFilter, { dryRun }: { readonly dryRun: boolean }) {
    return this.#attempt(() => {
      // Where nothing is, nothing has to be made to be cleared.
      if (dryRun || this.#fileNow() === undefined) return queries.matching(this.#readable().database, filter);
      return queries.clearEntries(this.#writable().database, filter);
    });
  }

  async sweep(): Promise<void> {
    this.#attempt(() => {
      if (this.#fileNow() !== undefined) queries.sweep(this.#writable().database);
    });
  }

  artifacts(): Promise<readonly string[]> {
    return this.#read((database) => queries.listArtifacts(database));
  }

  /** Gives all leases back and closes the file. Never fails: whoever comes next finds that this process is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#retry);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) await close(connection);
  }

  #owe(leases: readonly Lease[]): void {
    this.#owed = leases;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (leases.length === 0) return;
    // While this process lives nobody else takes them, so they must not wait for a next write that may never come.
    this.#retry = setTimeout(() => {
      try {
        this.write({ puts: [], releases: [], hits: [], records: [], code: [] });
      } catch {
        // Tried again later, by the failed write itself.
      }
    }, this.#options.lease?.heartbeat ?? 10_000).unref();
  }

  /** For reading alone: a file that is not there is not made, and looks empty. */
  #readable(): Connection {
    return this.#connect(false);
  }

  #writable(): Connection {
    if (this.#options.readOnly === true) throw readOnly(this.place);
    return this.#connect(true);
  }

  #connect(create: boolean): Connection {
    if (this.#isDisposed) {
      throw new RepriseError("STORE_FAILED", `The cache ${this.place} was closed. Use it before its home is closed.`);
    }
    const file = this.#fileNow();
    const current = this.#connection;
    if (current !== undefined && current.file === file && (file !== undefined || !create)) return current;
    this.#connection = undefined;
    if (current !== undefined) void close(current);
    const database =
      file === undefined && !create ? openEmpty(cacheSchema) : openConnection(this.place, this.#options, cacheSchema);
    try {
      const own = new OwnLeases(database, this.place, this.#options.lease ?? {});
      const claims = new Claims(database, own);
      const writer = new CacheWriter(database, own);
      this.#connection = { database, file: this.#fileNow(), own, claims, writer };
      return this.#connection;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #fileNow(): number | undefined {
    return statSync(this.place, { throwIfNoEntry: false })?.ino;
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  /** What throws here has to reject. */
  async #read<T>(work: (database: DatabaseSync) => T): Promise<T> {
    return this.#attempt(() => work(this.#readable().database));
  }
}

async function close({ database, own }: Connection): Promise<void> {
  const { key } = own;
  await own.close();
  try {
    if (key !== undefined) removeOwner(database, key);
  } catch {
    // The rows stay; others find by them that this process is gone.
  } finally {
    database.close();
  }
}

function removeOwner(database: DatabaseSync, key: number): void {
  transact(database, "IMMEDIATE", () => {
    database.prepare("DELETE FROM waits WHERE owner = ?").run(key);
    database.prepare("DELETE FROM leases WHERE owner = ?").run(key);
    database.prepare("DELETE FROM owners WHERE key = ?").run(key);
  });
}
