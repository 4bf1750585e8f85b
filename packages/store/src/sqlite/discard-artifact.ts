import type { DatabaseSync } from "node:sqlite";
import { rollback } from "./connection.ts";
import { prefixRange } from "./ids.ts";

/**
 * Takes an artifact out of the index by digest: it is not found any more, and the next one to store the value makes a
 * new row for it. The old row stays, because runs refer to it by key and it still tells them the artifact's id.
 */
export function discardArtifact(database: DatabaseSync, id: string): boolean {
  const digest = prefixRange(id, 32)?.from;
  if (digest === undefined) return false;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Artifacts above the mark would be read into memory again; below it, the index alone counts.
    database.exec(
      `INSERT INTO artifact_index SELECT digest, key FROM artifacts
         WHERE key > (SELECT indexed_artifact_key FROM meta) ORDER BY digest;
       UPDATE meta SET indexed_artifact_key = ifnull((SELECT max(key) FROM artifacts), 0), epoch = epoch + 1`,
    );
    const { changes } = database.prepare("DELETE FROM artifact_index WHERE digest = ?").run(digest);
    database.exec("UPDATE meta SET indexed_artifacts = (SELECT count(*) FROM artifact_index); COMMIT");
    return changes !== 0;
  } catch (error) {
    rollback(database);
    throw error;
  }
}
