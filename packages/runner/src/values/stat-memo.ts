import { createHash, hash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type BlobName, type BlobStore, loadSqlite } from "@reprise/store";
import { statFields } from "./file-tasks.ts";

/** What the files of one directory were when they were last hashed. */
export interface KnownFiles {
  readonly names: readonly string[];
  /** Six numbers for each file, as a `ReadTask` takes them. */
  readonly stats: Float64Array;
  /** 32 bytes for each file. */
  readonly digests: Uint8Array;
}

// The coarsest clocks of file systems tick every two seconds.
const defaultSettling = 2_500;
const keptFor = 90 * 24 * 3_600_000;

/** Options of a memo. */
export interface StatMemoOptions {
  /** A file is remembered only if it was left alone for so long, in ms, when it was hashed. Default: 2,500. */
  readonly settling?: number;
  /** The time in ms since 1970. Default: that of the system. */
  readonly now?: () => number;
}

/**
 * Remembers the digests of files by path, size, times, inode and device, so that unchanged files need not be read again.
 *
 * It is never the identity of anything, only a short cut to it, and it forgets rather than err: what was changed shortly
 * before it was hashed is not remembered, because a second change within one tick of the file system's clock would not
 * show; the time of the last change of the inode counts, which no program can set back; whatever goes wrong with the
 * memo itself means that it knows nothing; and everything is forgotten after 90 days.
 */
export class StatMemo {
  readonly #database: DatabaseSync | undefined;
  readonly #settling: number;
  readonly #now: () => number;
  readonly #read: StatementSync | undefined;
  readonly #pending = new Map<string, Uint8Array>();

  private constructor(database: DatabaseSync | undefined, options: StatMemoOptions) {
    this.#settling = options.settling ?? defaultSettling;
    this.#now = options.now ?? Date.now;
    this.#database = database;
    this.#read = database?.prepare("SELECT value FROM memo WHERE key = ? AND written > ?");
  }

  /** The memo in a database file of its own; one that knows nothing if that cannot be opened. */
  static async open(path: string, options: StatMemoOptions = {}): Promise<StatMemo> {
    try {
      const { DatabaseSync } = loadSqlite();
      const database = new DatabaseSync(path, { timeout: 100 });
      try {
        database.exec(
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" +
            "CREATE TABLE IF NOT EXISTS memo (key BLOB PRIMARY KEY, written INTEGER NOT NULL, value BLOB NOT NULL);" +
            "CREATE INDEX IF NOT EXISTS memo_written ON memo (written)",
        );
        return new StatMemo(database, options);
      } catch (error) {
        database.close();
        throw error;
      }
    } catch {
      return new StatMemo(undefined, options);
    }
  }

  /** Now, for the time of hashing that the `remember…` methods take. */
  now(): number {
    return this.#now();
  }

  /** The blob that a file is, if it was hashed when it was as `stats` (the six numbers of a `ReadTask`) says. */
  file(path: string, stats: Float64Array): BlobName | undefined {
    const known = this.#get("file", path) as { stats: Float64Array; digest: string } | undefined;
    if (known === undefined) return undefined;
    for (let field = 0; field < statFields - 1; field += 1) if (known.stats[field] !== stats[field]) return undefined;
    return { digest: known.digest, size: stats[0] ?? 0 };
  }

  /** Remembers a file that was as `stats` says from `hashedAt`, when hashing began, to its end. */
  rememberFile(path: string, stats: Float64Array, hashedAt: number, { digest }: BlobName): void {
    if (this.isSettled(stats, hashedAt)) this.#set("file", path, { stats: stats.slice(0, statFields), digest });
  }

  /** The files of a directory when they were last hashed. */
  directory(path: string): KnownFiles | undefined {
    return this.#get("directory", path) as KnownFiles | undefined;
  }

  /** Remembers the files of a directory. Those with NaN for numbers are not known. */
  rememberDirectory(path: string, files: KnownFiles): void {
    this.#set("directory", path, files);
  }

  /** The blob that holds files of these digests one after the other, if it was ever made. */
  pack(digests: readonly string[]): BlobName | undefined {
    return this.#get("pack", digests.join()) as BlobName | undefined;
  }

  rememberPack(digests: readonly string[], { digest, size }: BlobName): void {
    this.#set("pack", digests.join(), { digest, size });
  }

  /** Whether the file with these numbers was left alone long enough before it was hashed. */
  isSettled(stats: Float64Array, hashedAt: number): boolean {
    const changed = Math.max(stats[1] ?? Infinity, stats[2] ?? Infinity);
    return changed < hashedAt - this.#settling;
  }

  /** Writes down what was remembered since the last time. */
  save(): void {
    const pending = [...this.#pending];
    this.#pending.clear();
    if (this.#database === undefined || pending.length === 0) return;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      this.#database.prepare("DELETE FROM memo WHERE written < ?").run(this.#now() - keptFor);
      const write = this.#database.prepare("INSERT OR REPLACE INTO memo (key, written, value) VALUES (?, ?, ?)");
      for (const [key, value] of pending) write.run(Buffer.from(key, "hex"), Math.floor(this.#now()), value);
      this.#database.exec("COMMIT");
    } catch {
      // Another process writes, or the disk is full: the files will be hashed again. That is all.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    }
  }

  #get(kind: string, name: string): unknown {
    try {
      const row = this.#read?.get(Buffer.from(keyOf(kind, name), "hex"), this.#now() - keptFor);
      if (row === undefined) return undefined;
      const { value } = row as { value: Uint8Array };
      const content = value.subarray(32);
      // A wrong digest would be a wrong result of somebody's pipeline; a flipped bit on the disk must not be one.
      if (Buffer.compare(hash("sha256", content, "buffer"), value.subarray(0, 32)) !== 0) return undefined;
      return process.getBuiltinModule("node:v8").deserialize(content);
    } catch {
      return undefined;
    }
  }

  #set(kind: string, name: string, content: unknown): void {
    if (this.#database === undefined) return;
    const bytes = process.getBuiltinModule("node:v8").serialize(content);
    this.#pending.set(keyOf(kind, name), Buffer.concat([hash("sha256", bytes, "buffer"), bytes]));
  }
}

function keyOf(kind: string, name: string): string {
  return createHash("sha256").update(`${kind}\0${name}`).digest("hex");
}

const memos = new Map<string, Promise<StatMemo>>();

/** The memo that belongs to a blob store: beside a local one, otherwise in the default home if there is one. */
export async function memoFor(blobs: BlobStore): Promise<StatMemo> {
  const { homePath, LocalBlobStore } = await import("@reprise/store");
  const home = blobs instanceof LocalBlobStore ? dirname(blobs.place) : homePath();
  const path = join(home, "stat-memo.db");
  let memo = memos.get(path);
  if (memo === undefined || !existsSync(path)) {
    memo = StatMemo.open(path);
    memos.set(path, memo);
  }
  return memo;
}
