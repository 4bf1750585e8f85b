import type { DatabaseSync, StatementSync } from "node:sqlite";
import { rollback } from "../sqlite/connection.ts";

/** The statements of transactions, prepared once: a lookup may be a transaction of one row. */
interface Bounds {
  readonly DEFERRED: StatementSync;
  readonly IMMEDIATE: StatementSync;
  readonly commit: StatementSync;
}

const prepared = new WeakMap<DatabaseSync, Bounds>();

function boundsOf(database: DatabaseSync): Bounds {
  let bounds = prepared.get(database);
  if (bounds === undefined) {
    bounds = {
      DEFERRED: database.prepare("BEGIN DEFERRED"),
      IMMEDIATE: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
    };
    prepared.set(database, bounds);
  }
  return bounds;
}

/** Does `work` as a whole or not at all. `DEFERRED`: reads one state of the database and writes nothing. */
export function transact<T>(database: DatabaseSync, kind: "DEFERRED" | "IMMEDIATE", work: () => T): T {
  const bounds = boundsOf(database);
  bounds[kind].run();
  try {
    const result = work();
    bounds.commit.run();
    return result;
  } catch (error) {
    rollback(database);
    throw error;
  }
}

/** The bytes of a key or digest. */
export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}
