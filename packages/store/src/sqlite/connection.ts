import { accessSync, chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type * as Sqlite from "node:sqlite";
import { pathToFileURL } from "node:url";
import { RepriseError } from "@reprise/core";
import { loadSqlite } from "./load-sqlite.ts";
import { migrations } from "./migrations.ts";
import { isBusy, readOnly, sqliteCode, storeFailure } from "./sqlite-failure.ts";

/** How to open a database file. */
export interface ConnectionOptions {
  /** Open for reading alone: nothing is created, changed or migrated. Default: false. */
  readonly readOnly?: boolean;
  /** How long to wait for other processes' writes, in milliseconds. Default: 20,000. */
  readonly busyTimeout?: number;
  /** Upper bound of the file's size in pages of 4 KiB, to try what a full disk does. Default: none. */
  readonly maxPages?: number;
}

/** What a database file holds, and how much of it a power cut may take. */
export interface Schema {
  /** Steps that only go forward: step `n` is at position `n - 1`. */
  readonly migrations: readonly string[];
  /** `FULL`: every commit is on disk when it returns. `NORMAL`: a power cut may take the last ones, as a whole. */
  readonly synchronous: "FULL" | "NORMAL";
}

type DatabaseSync = Sqlite.DatabaseSync;
let Database: typeof Sqlite.DatabaseSync | undefined;

/** Not before it is needed: whoever uses only the files of a home does without. */
function openDatabase(...args: ConstructorParameters<typeof Sqlite.DatabaseSync>): DatabaseSync {
  Database ??= loadSqlite().DatabaseSync;
  return new Database(...args);
}

/** The schema of the records. */
const records: Schema = { migrations, synchronous: "FULL" };

const waiting = new Int32Array(new SharedArrayBuffer(4));

/**
 * Opens the database file, creating or upgrading it if needed, ready for use, with a write-ahead log. Default schema: that
 * of the records.
 *
 * Errors: `STORE_READ_ONLY`, `STORE_TOO_NEW`, `STORE_FULL`, `STORE_FAILED`.
 */
export function openConnection(path: string, options: ConnectionOptions = {}, schema: Schema = records): DatabaseSync {
  const place = resolve(path);
  try {
    return options.readOnly === true ? openReader(place, options, schema) : openWriter(place, options, schema);
  } catch (error) {
    throw failureToOpen(error, place, options);
  }
}

/** A database in memory that holds nothing. */
export function openEmpty(schema: Schema = records): DatabaseSync {
  const database = openDatabase(":memory:");
  for (const step of schema.migrations) database.exec(step);
  return database;
}

function openWriter(path: string, options: ConnectionOptions, schema: Schema): DatabaseSync {
  if (!existsSync(path)) createFile(path);
  else accessSync(path, constants.R_OK | constants.W_OK);
  const database = openDatabase(path, { enableForeignKeyConstraints: false });
  try {
    tune(database, options, schema);
    const version = userVersion(database);
    const known = schema.migrations.length;
    if (version > known) throw tooNew(path, version, known);
    if (version < known) migrate(database, path, schema, options.busyTimeout);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function openReader(path: string, options: ConnectionOptions, schema: Schema): DatabaseSync {
  const database = openUnchanged(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeout(options)}; PRAGMA cache_size = -32768`);
    const version = userVersion(database);
    const known = schema.migrations.length;
    if (version === known) return database;
    if (version > known) throw tooNew(path, version, known);
    if (version > 0) throw tooOld(path, version, known);
  } catch (error) {
    database.close();
    throw error;
  }
  // Whoever created the file was stopped before there was anything in it.
  database.close();
  return openEmpty(schema);
}

function openUnchanged(path: string): DatabaseSync {
  const database = openDatabase(path, { readOnly: true });
  try {
    userVersion(database);
    return database;
  } catch (error) {
    database.close();
    // On a medium that nobody can write, SQLite cannot make the files that readers of a write-ahead log share. Without
    // such a log the file alone is the whole truth.
    if (!isFrozen(path)) throw error;
    return openDatabase(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  }
}

function isFrozen(path: string): boolean {
  if (existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0) return false;
  try {
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** Made by us and not by SQLite, so that nobody else may read it from its first moment on. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600));
  chmodSync(path, 0o600);
}

function tune(database: DatabaseSync, options: ConnectionOptions, { synchronous }: Schema): void {
  // Where every commit is on disk when it returns, batches make that nearly free. Checkpoints are rare, because each page
  // that changed many times since the last one is then written once.
  const limit = options.maxPages === undefined ? "" : `PRAGMA max_page_count = ${options.maxPages};`;
  database.exec(
    `PRAGMA busy_timeout = ${busyTimeout(options)}; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = 8000; ` +
      `PRAGMA cache_size = -32768; ${limit}`,
  );
}

function migrate(database: DatabaseSync, path: string, { migrations }: Schema, timeout = 20_000): void {
  // Another process may be opening the same fresh file: whoever is second waits for the write lock, then finds the work
  // done. SQLite refuses some of these meetings at once instead of waiting, hence the loop.
  persist(timeout, () => {
    database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
    try {
      const version = userVersion(database);
      if (version > migrations.length) throw tooNew(path, version, migrations.length);
      for (const step of migrations.slice(version)) database.exec(step);
      database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
    } catch (error) {
      rollback(database);
      throw error;
    }
  });
}

function persist(timeout: number, attempt: () => void): void {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      attempt();
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      Atomics.wait(waiting, 0, 0, 5);
    }
  }
}

/** Ends a transaction that failed; SQLite has ended some of them by itself. */
export function rollback(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // Nothing was open any more.
  }
}

function userVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}

function busyTimeout(options: ConnectionOptions): number {
  return options.busyTimeout ?? 20_000;
}

function tooNew(path: string, version: number, known: number): RepriseError {
  return new RepriseError(
    "STORE_TOO_NEW",
    `${path} was written by a newer reprise (its format is ${version}, this release knows up to ${known}). ` +
      `Upgrade reprise, or choose another home with REPRISE_HOME.`,
  );
}

function tooOld(path: string, version: number, known: number): RepriseError {
  return new RepriseError(
    "STORE_FAILED",
    `${path} was written by an older reprise (its format is ${version}, this release reads ${known}) and may ` +
      `not be changed now. Open it once with a command that writes, such as \`reprise gc\` or a run.`,
  );
}

function failureToOpen(error: unknown, path: string, options: ConnectionOptions): RepriseError {
  const { code } = error as { code?: unknown };
  if (code === "EROFS" || ((code === "EACCES" || code === "EPERM") && options.readOnly !== true)) {
    return readOnly(path, { cause: error });
  }
  if (code === "ENOSPC" || code === "EDQUOT")
    return storeFailure(Object.assign(new Error(code), { errcode: 13 }), path);
  // SQLite says "cannot open" when it may not make its own files beside the database.
  if (sqliteCode(error) === 14 && options.readOnly !== true && !isWritable(dirname(path))) {
    return readOnly(path, { cause: error });
  }
  return storeFailure(error, path);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
