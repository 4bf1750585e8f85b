import { chmodSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { loadSqlite } from "@reprise/store";

/**
 * Makes this process the only supervisor of a home, until it lets go or ends, however it ends: it is a lock of the system
 * on a file, which SQLite knows how to take everywhere.
 *
 * @returns lets go; undefined if another process has it.
 */
export function lockHome(home: string): (() => void) | undefined {
  const path = join(home, "supervisor.lock");
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
  const database = new (loadSqlite().DatabaseSync)(path);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => database.close();
}

function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  // The lower byte is SQLITE_BUSY, whatever made it so.
  return typeof errcode === "number" && (errcode & 0xff) === 5;
}
