import { type Kysely, sql } from "kysely";
import type { StoredArtifact } from "../backend.ts";
import { formatHex, prefixRange } from "./ids.ts";
import { toArtifact } from "./records.ts";
import type { Tables } from "./tables.ts";

type Database = Kysely<Tables>;

const pageSize = 1000;

/** Keys and digests of artifacts in a range: those of the index, and the newest, which are not in it yet. */
async function keysBetween(database: Database, from: Uint8Array, to: Uint8Array, limit: number) {
  return database
    .selectFrom("artifact_index")
    .select(["digest", "artifact_key as key"])
    .where("digest", ">=", from)
    .where("digest", "<=", to)
    .unionAll(
      database
        .selectFrom("artifacts")
        .select(["digest", "key"])
        .where("key", ">", (part) => part.selectFrom("meta").select("indexed_artifact_key"))
        .where("digest", ">=", from)
        .where("digest", "<=", to),
    )
    .orderBy("digest")
    .limit(limit)
    .execute();
}

/** Ids of artifacts that begin with `prefix`. */
export async function findArtifacts(database: Database, prefix: string, limit: number): Promise<readonly string[]> {
  const range = prefixRange(prefix, 32);
  if (range === undefined) return [];
  return (await keysBetween(database, range.from, range.to, limit)).map((row) => formatHex(row.digest));
}

/** An artifact with its bytes. */
export async function getArtifact(database: Database, id: string): Promise<StoredArtifact | undefined> {
  const range = id.length === 64 ? prefixRange(id, 32) : undefined;
  if (range === undefined) return undefined;
  const [found] = await keysBetween(database, range.from, range.to, 1);
  if (found === undefined) return undefined;
  const row = await database.selectFrom("artifacts").selectAll().where("key", "=", found.key).executeTakeFirst();
  if (row === undefined) return undefined;
  const blobs = await database
    .selectFrom("artifact_blobs")
    .select(["digest", "size"])
    .where("artifact_key", "=", found.key)
    .orderBy("number")
    .execute();
  return {
    artifact: toArtifact(row),
    document: row.document,
    blobs: blobs.map((blob) => ({ digest: formatHex(blob.digest), size: blob.size })),
  };
}

/** Every blob that some artifact needs: those that it holds, and its document if that is a blob. May repeat itself. */
export async function* referencedBlobs(database: Database): AsyncGenerator<{ digest: string; size: number }> {
  // In pages by key, so that a writer is never kept waiting by a long read.
  for (let last = 0; ;) {
    const rows = await database
      .selectFrom("artifacts")
      .select(["key", "digest", "document_size", sql<number>`document IS NULL`.as("is_blob")])
      .where("key", ">", last)
      .orderBy("key")
      .limit(pageSize)
      .execute();
    const end = rows.at(-1)?.key;
    if (end === undefined) return;
    for (const row of rows) {
      if (row.is_blob === 1) yield { digest: formatHex(row.digest), size: row.document_size };
    }
    const blobs = await database
      .selectFrom("artifact_blobs")
      .select(["digest", "size"])
      .where("artifact_key", ">", last)
      .where("artifact_key", "<=", end)
      .execute();
    for (const blob of blobs) yield { digest: formatHex(blob.digest), size: blob.size };
    last = end;
  }
}
