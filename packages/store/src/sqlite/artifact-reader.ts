import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { ArtifactRequest, ArtifactRow } from "../backend.ts";
import { ArtifactKeys, type Meta } from "./artifact-keys.ts";
import { rollback } from "./connection.ts";
import { formatHex } from "./ids.ts";
import { metaQuery } from "./write-statements.ts";

type Row = Record<string, SQLOutputValue>;

/** From so many artifacts on, one statement for all is faster than one for each. */
const fewest = 8;

/** Reads artifacts in batches, by key where that is known: prepared statements, one snapshot of the database a batch. */
export class ArtifactReader {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #meta: StatementSync;
  readonly #select: StatementSync;
  readonly #selectOne: StatementSync;
  readonly #selectMany: StatementSync;
  readonly #selectBlobs: StatementSync;
  /** Only for artifacts whose key is not known. */
  #keys: ArtifactKeys | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#meta = database.prepare(metaQuery);
    const columns = `digest, size, document_size, document,
      EXISTS (SELECT 1 FROM artifact_blobs WHERE artifact_key = artifacts.key) AS has_blobs`;
    this.#select = database.prepare(`SELECT ${columns} FROM artifacts WHERE key = ?`);
    this.#selectOne = database.prepare(
      `SELECT ${columns}, (SELECT epoch FROM meta WHERE key = 1) AS epoch FROM artifacts WHERE key = ?`,
    );
    this.#selectMany = database.prepare(
      `SELECT key, ${columns} FROM artifacts WHERE key IN (SELECT value FROM json_each(?))`,
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
    const one = wanted.length === 1 ? this.#readOne(wanted[0] as ArtifactRequest) : undefined;
    if (one !== undefined) return one;
    this.#begin.run();
    try {
      const meta = this.#meta.get() as unknown as Meta;
      const hinted = wanted.length < fewest ? undefined : this.#readHinted(wanted);
      const rows = wanted.map(({ id, hint }) => {
        const row = hinted?.get(hint);
        return (row && this.#complete(id, hint, row)) ?? this.#find(id, hint, meta);
      });
      this.#commit.run();
      return { epoch: meta.epoch, rows };
    } catch (error) {
      rollback(this.#database);
      throw error;
    }
  }

  /** One artifact that is where the hint says and has no blobs: one statement, where a transaction would take four. */
  #readOne({ id, hint }: ArtifactRequest): ReturnType<ArtifactReader["read"]> | undefined {
    const row = hint === 0 ? undefined : this.#selectOne.get(hint);
    if (row === undefined || row["has_blobs"] !== 0) return undefined;
    const found = toRow(id, hint, row);
    return found === undefined ? undefined : { epoch: row["epoch"] as number, rows: [found] };
  }

  /** What is where the hints say, by key: one statement for all. */
  #readHinted(wanted: readonly ArtifactRequest[]): ReadonlyMap<number, Row> {
    const hints = wanted.map(({ hint }) => hint);
    return new Map(this.#selectMany.all(JSON.stringify(hints)).map((row) => [row["key"] as number, row]));
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
    return row && this.#complete(id, key, row);
  }

  /** A row with its blobs; undefined if it is that of another artifact. */
  #complete(id: string, key: number, row: Row): ArtifactRow | undefined {
    const found = toRow(id, key, row);
    if (found === undefined || row["has_blobs"] === 0) return found;
    const blobs = this.#selectBlobs.all(key).map((blob) => ({
      digest: formatHex(blob["digest"] as Uint8Array),
      size: blob["size"] as number,
    }));
    return { ...found, blobs };
  }
}

/** A row without its blobs; undefined if it is that of another artifact. */
function toRow(id: string, key: number, row: Row): ArtifactRow | undefined {
  if (formatHex(row["digest"] as Uint8Array) !== id) return undefined;
  return {
    ref: { digest: id, key },
    document: row["document"] as Uint8Array | null,
    documentSize: row["document_size"] as number,
    size: row["size"] as number,
    blobs: [],
  };
}
