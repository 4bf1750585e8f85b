import type { DatabaseSync } from "node:sqlite";
import type { PruneOptions, PruneResult } from "../backend.ts";
import { rollback } from "./connection.ts";
import { formatHex } from "./ids.ts";
import { unfinishedPipelineRuns } from "./state-masks.ts";

/**
 * Removes old pipeline runs and the artifacts that nothing needs any more, in one transaction. With `dryRun` the same
 * transaction is rolled back, so that what is told is what would happen.
 */
export function prune(database: DatabaseSync, options: PruneOptions): PruneResult {
  return transact(database, options.dryRun, () => remove(database, options));
}

/** The blobs that some artifact would still need after a prune. */
export function referencedAfter(
  database: DatabaseSync,
  options: Omit<PruneOptions, "dryRun">,
): readonly { readonly digest: string; readonly size: number }[] {
  return afterPrune(database, options, () => {
    const rows = database
      .prepare(
        `SELECT digest, document_size AS size FROM artifacts WHERE document IS NULL
         UNION SELECT digest, size FROM artifact_blobs`,
      )
      .all();
    return rows.map((row) => ({ digest: formatHex(row["digest"] as Uint8Array), size: row["size"] as number }));
  });
}

/** What would be read after a prune. */
export function afterPrune<T>(database: DatabaseSync, options: Omit<PruneOptions, "dryRun">, read: () => T): T {
  return transact(database, true, () => {
    remove(database, { ...options, dryRun: true });
    return read();
  });
}

function transact<T>(database: DatabaseSync, dryRun: boolean, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec(dryRun ? "ROLLBACK" : "COMMIT");
    return result;
  } catch (error) {
    rollback(database);
    throw error;
  }
}

function remove(database: DatabaseSync, { endedBefore, unusedBefore, keep = [] }: PruneOptions): PruneResult {
  // Keys that were in use must never come again: somebody may still hold one.
  database.exec(
    `UPDATE meta SET run_floor = max(run_floor, ifnull((SELECT max(key) FROM runs), 0)),
       artifact_floor = max(artifact_floor, ifnull((SELECT max(key) FROM artifacts), 0));
     CREATE TEMP TABLE IF NOT EXISTS doomed_roots (key INTEGER PRIMARY KEY);
     CREATE TEMP TABLE IF NOT EXISTS doomed_runs (key INTEGER PRIMARY KEY);
     CREATE TEMP TABLE IF NOT EXISTS doomed_artifacts (key INTEGER PRIMARY KEY);
     CREATE TEMP TABLE IF NOT EXISTS kept_artifacts (digest BLOB PRIMARY KEY) WITHOUT ROWID;
     DELETE FROM kept_artifacts; DELETE FROM doomed_roots; DELETE FROM doomed_runs; DELETE FROM doomed_artifacts;`,
  );
  const insertKept = database.prepare("INSERT OR IGNORE INTO kept_artifacts VALUES (?)");
  for (const id of keep) insertKept.run(Buffer.from(id, "hex"));
  if (endedBefore !== undefined) selectRuns(database, endedBefore);
  const runs = removeRuns(database);
  const artifacts = removeArtifacts(database, unusedBefore);
  return { ...runs, ...artifacts };
}

function selectRuns(database: DatabaseSync, endedBefore: number): void {
  database
    .prepare("INSERT INTO doomed_roots SELECT key FROM pipeline_runs WHERE finished_at < ? AND NOT (1 << state) & ?")
    .run(endedBefore, unfinishedPipelineRuns);
  // A pipeline run that another one refers to stays until that one goes.
  const release = database.prepare(
    `DELETE FROM doomed_roots WHERE key IN (
       SELECT source.root_key FROM edges
       JOIN runs AS source ON source.key = edges.source_key JOIN runs AS user ON user.key = edges.run_key
       WHERE source.root_key <> user.root_key AND user.root_key NOT IN (SELECT key FROM doomed_roots))`,
  );
  while (release.run().changes !== 0);
  database.exec("INSERT INTO doomed_runs SELECT key FROM runs WHERE root_key IN (SELECT key FROM doomed_roots)");
}

function removeRuns(database: DatabaseSync): Pick<PruneResult, "pipelineRuns" | "runs"> {
  for (const table of ["edges", "attempts", "logs", "metrics"]) {
    database.exec(`DELETE FROM ${table} WHERE run_key IN (SELECT key FROM doomed_runs)`);
  }
  database.exec("DELETE FROM events WHERE root_key IN (SELECT key FROM doomed_roots)");
  const runs = database.prepare("DELETE FROM runs WHERE key IN (SELECT key FROM doomed_runs)").run().changes;
  const roots = database.prepare("DELETE FROM pipeline_runs WHERE key IN (SELECT key FROM doomed_roots)").run().changes;
  return { pipelineRuns: Number(roots), runs: Number(runs) };
}

function removeArtifacts(database: DatabaseSync, unusedBefore: number): Pick<PruneResult, "artifacts" | "bytes"> {
  const unused = database
    .prepare(
      `INSERT INTO doomed_artifacts SELECT key FROM artifacts WHERE created_at < ? AND key NOT IN (
         SELECT output_key FROM runs WHERE output_key IS NOT NULL
         UNION ALL SELECT artifact_key FROM edges WHERE artifact_key IS NOT NULL)
       AND digest NOT IN (SELECT digest FROM kept_artifacts)`,
    )
    .run(unusedBefore).changes;
  if (unused === 0) return { artifacts: 0, bytes: 0 };
  const doomed = "IN (SELECT key FROM doomed_artifacts)";
  const { bytes } = database.prepare(`SELECT sum(size) AS bytes FROM artifacts WHERE key ${doomed}`).get() as {
    bytes: number;
  };
  const indexed = database
    .prepare(
      `DELETE FROM artifact_index WHERE digest IN (SELECT digest FROM artifacts WHERE key ${doomed})
         AND artifact_key ${doomed}`,
    )
    .run().changes;
  database.exec(`DELETE FROM artifact_blobs WHERE artifact_key ${doomed}; DELETE FROM artifacts WHERE key ${doomed}`);
  database
    .prepare("UPDATE meta SET epoch = epoch + 1, indexed_artifacts = indexed_artifacts - ? WHERE key = 1")
    .run(indexed);
  return { artifacts: Number(unused), bytes };
}
