import type { DatabaseSync } from "node:sqlite";

/** The statements of the hot path, prepared once per connection. Parameters are positional, in the order written. */
export type WriteStatements = ReturnType<typeof prepareWrites>;

/** Table `meta` with the highest keys in use. */
export const metaQuery = `SELECT epoch, run_floor, artifact_floor, indexed_artifact_key, indexed_artifacts,
    (SELECT max(key) FROM runs) AS last_run, (SELECT max(key) FROM pipeline_runs) AS last_pipeline_run,
    (SELECT max(key) FROM artifacts) AS last_artifact
  FROM meta WHERE key = 1`;

const runColumns = `key, uuid, root_key, parent_key, parent_attempt, func_key, kind, name, tags, position, options, created_at,
  awaited, state, attempt, scheduled_at, started_at, ran_at, finished_at, output_key, failure, reason, progress`;
const runChanges = `awaited = ?, state = ?, attempt = ?, scheduled_at = ?, started_at = ?, ran_at = ?, finished_at = ?,
  output_key = ?, failure = ?, reason = ?, progress = ?`;
const cacheColumns = "cache_status, cache_key, origin_run, saved, cache_note";
const cacheChanges = "cache_status = ?, cache_key = ?, origin_run = ?, saved = ?, cache_note = ?";

/** Prepares the statements with which batches are written. */
export function prepareWrites(database: DatabaseSync) {
  const insert = (table: string, columns: string, verb = "INSERT") =>
    database.prepare(`${verb} INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, "?")})`);
  const updateRun = (changes: string) =>
    database.prepare(`UPDATE runs SET ${changes} WHERE key = ? AND (1 << state) & ?`);
  return {
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
    meta: database.prepare(metaQuery),
    selectFunc: database.prepare("SELECT key FROM funcs WHERE digest = ?"),
    insertFunc: insert("funcs", "digest, id, name, description, source, file, line"),
    selectArtifact: database.prepare("SELECT digest FROM artifacts WHERE key = ?"),
    insertArtifact: insert(
      "artifacts",
      "key, digest, type_name, type, size, summary, document_size, created_at, document",
    ),
    insertArtifactBlob: insert("artifact_blobs", "artifact_key, number, digest, size"),
    selectPipelineRun: database.prepare("SELECT state, reason FROM pipeline_runs WHERE key = ?"),
    insertPipelineRun: insert(
      "pipeline_runs",
      "key, uuid, state, kind, func_id, name, tags, origin, git, code, rerun, created_at, started_at, finished_at",
    ),
    updatePipelineRun: database.prepare(
      `UPDATE pipeline_runs SET state = ?, name = ?, tags = ?, git = ifnull(?, git), code = ifnull(?, code), started_at = ?, finished_at = ?
       WHERE key = ? AND (1 << state) & ?`,
    ),
    addCounts: database.prepare(
      `UPDATE pipeline_runs SET runs = runs + ?, finished = finished + ?, failed = failed + ?, hits = hits + ?,
         saved = saved + ? WHERE key = ?`,
    ),
    selectRun: database.prepare("SELECT state FROM runs WHERE key = ?"),
    insertRun: insert("runs", runColumns),
    insertCachedRun: insert("runs", `${cacheColumns}, ${runColumns}`),
    updateRun: updateRun(runChanges),
    updateCachedRun: updateRun(`${cacheChanges}, ${runChanges}`),
    setAwaited: database.prepare("UPDATE runs SET awaited = 1 WHERE key = ?"),
    setCache: database.prepare(`UPDATE runs SET ${cacheChanges} WHERE key = ?`),
    lastEdge: database.prepare("SELECT max(number) AS number FROM edges WHERE run_key = ?"),
    insertEdge: insert(
      "edges",
      "run_key, number, kind, argument, name, argument_path, source_key, source_path, artifact_key",
    ),
    insertAttempt: insert("attempts", "run_key, attempt, started_at, ended_at, failure", "INSERT OR REPLACE"),
    insertEvent: insert("events", "root_key, run_key, time, kind, message"),
    insertLog: insert("logs", "run_key, attempt, time, stream, level, text, data"),
    insertMetric: insert("metrics", "run_key, time, name, type, value"),
  };
}
