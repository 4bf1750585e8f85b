import type { DatabaseSync } from "node:sqlite";
import { rollback } from "../sqlite/connection.ts";

/** Does `work` as a whole or not at all. `DEFERRED`: reads one state of the database and writes nothing. */
export function transact<T>(database: DatabaseSync, kind: "DEFERRED" | "IMMEDIATE", work: () => T): T {
  database.exec(`BEGIN ${kind}`);
  try {
    const result = work();
    database.exec("COMMIT");
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
