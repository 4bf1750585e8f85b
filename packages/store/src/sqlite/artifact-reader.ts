import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ArtifactRequest, ArtifactRow } from "../backend.ts";
import { ArtifactKeys, type Meta } from "./artifact-keys.ts";
import { rollback } from "./connection.ts";
import { formatHex } from "./ids.ts";
import { metaQuery } from "./write-statements.ts";

/** Reads artifacts in batches, by key where that is known: prepared statements, one snapshot of the database a batch. */
export class ArtifactReader {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #meta: StatementSync;
  readonly #select: StatementSync;
  readonly #selectBlobs: StatementSync;
  /** Only for artifacts whose key is not known. */
  #keys: ArtifactKeys | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#meta = database.prepare(metaQuery);
    this.#select = database.prepare(
      `SELECT digest, size, document_size, document,
         EXISTS (SELECT 1 FROM artifact_blobs WHERE artifact_key = artifacts.key) AS has_blobs
       FROM artifacts WHERE key = ?`,
    );
    this.#selectBlobs = database.prepare(
      "SELECT digest, size FROM artifact_blobs WHERE artifact_key = ? ORDER BY number",
    );
  }

  /** The rows, and the epoch in which their keys are right. */
  read(wanted: readonly ArtifactRequest[]): {
    readonly epoch: number;
    readonly rows: readonly (ArtifactRow | undefined)[];
  } {
    this.#begin.run();
    try {
      const meta = this.#meta.get() as unknown as Meta;
      const rows = wanted.map(({ id, hint }) => this.#find(id, hint, meta));
      this.#commit.run();
      return { epoch: meta.epoch, rows };
    } catch (error) {
      rollback(this.#database);
      throw error;
    }
  }

  #find(id: string, hint: number, meta: Meta): ArtifactRow | undefined {
    const hinted = hint === 0 ? undefined : this.#row(id, hint);
    if (hinted !== undefined) return hinted;
    this.#keys ??= new ArtifactKeys(this.#database);
    this.#keys.begin(meta);
    const key = this.#keys.find(id, Buffer.from(id, "hex"));
    return key === 0 ? undefined : this.#row(id, key);
  }

  #row(id: string, key: number): ArtifactRow | undefined {
    const row = this.#select.get(key);
    if (row === undefined || formatHex(row["digest"] as Uint8Array) !== id) return undefined;
    const blobs = row["has_blobs"] === 0 ? [] : this.#selectBlobs.all(key);
    return {
      ref: { digest: id, key },
      document: row["document"] as Uint8Array | null,
      documentSize: row["document_size"] as number,
      size: row["size"] as number,
      blobs: blobs.map((blob) => ({ digest: formatHex(blob["digest"] as Uint8Array), size: blob["size"] as number })),
    };
  }
}
