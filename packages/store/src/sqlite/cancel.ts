import { pipelineStates, runStates, parseRunId } from "@reprise/core";
import type { DatabaseSync } from "node:sqlite";
import type { DriverLease } from "../backend.ts";
import { rollback } from "./connection.ts";
import { DriverFence } from "./driver-leases.ts";
import { unfinishedPipelineRuns, unfinishedRuns } from "./state-masks.ts";

/**
 * Ends a pipeline run and its unfinished runs from outside its driver, or by the driver that holds the lease; false if it
 * is finished or not there.
 */
export function cancelPipelineRun(
  database: DatabaseSync,
  id: string,
  reason: string,
  now: number,
  driver?: DriverLease,
): boolean {
  const uuid = parseRunId(id);
  if (uuid === undefined) return false;
  database.exec("BEGIN IMMEDIATE");
  try {
    if (driver !== undefined) new DriverFence(database).check(driver);
    const canceled = cancel(database, uuid, reason, now);
    database.exec(canceled ? "COMMIT" : "ROLLBACK");
    return canceled;
  } catch (error) {
    rollback(database);
    throw error;
  }
}

function cancel(database: DatabaseSync, uuid: Uint8Array, reason: string, now: number): boolean {
  const row = database
    .prepare("SELECT key FROM pipeline_runs WHERE uuid = ? AND (1 << state) & ?")
    .get(uuid, unfinishedPipelineRuns);
  if (row === undefined) return false;
  const key = row["key"] as number;
  const { changes } = database
    .prepare("UPDATE runs SET state = ?, finished_at = ?, reason = ? WHERE root_key = ? AND (1 << state) & ?")
    .run(runStates.indexOf("CANCELED"), now, reason, key, unfinishedRuns);
  database
    .prepare("UPDATE pipeline_runs SET state = ?, finished_at = ?, reason = ?, finished = finished + ? WHERE key = ?")
    .run(pipelineStates.indexOf("CANCELED"), now, reason, changes, key);
  const root = database.prepare("SELECT key FROM runs WHERE key = ?").get(key);
  database
    .prepare("INSERT INTO events (root_key, run_key, time, kind, message) VALUES (?, ?, ?, 'cancel', ?)")
    .run(key, root === undefined ? null : key, now, reason);
  return true;
}
