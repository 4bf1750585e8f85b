import type { DatabaseSync, StatementSync } from "node:sqlite";

/** The row of table `meta`, and the highest keys in use, as a transaction finds them. */
export interface Meta {
  readonly epoch: number;
  readonly run_floor: number;
  readonly artifact_floor: number;
  readonly indexed_artifact_key: number;
  readonly indexed_artifacts: number;
  readonly last_run: number | null;
  readonly last_pipeline_run: number | null;
  readonly last_artifact: number | null;
}

const smallestMerge = 2048;
const largestMerge = 32 * 1024;

/**
 * Finds the key of an artifact by its digest.
 *
 * Digests are random: an index that is written with every artifact dirties one page per artifact, which at a million
 * artifacts costs more than everything else together. So the newest artifacts stand in memory alone (`#recent`), and
 * are merged into `artifact_index` in sorted runs that grow with the index. Every process sees what the others have
 * added, because it reads on from the highest key that it knows; and a removal of artifacts anywhere changes the epoch,
 * which makes it forget everything.
 *
 * All methods are called within a transaction, after `begin`; those that add, within one that holds the write lock.
 */
export class ArtifactKeys {
  readonly #selectIndexed: StatementSync;
  readonly #selectNewer: StatementSync;
  readonly #merge: StatementSync;
  readonly #setMerged: StatementSync;
  #epoch = -1;
  #indexed = -1;
  #indexedCount = 0;
  /** Every artifact above `#indexed`, up to `#seen`. */
  #recent = new Map<string, number>();
  #seen = 0;
  /** Some artifacts of the index that were asked for lately, in two generations. */
  #known = new Map<string, number>();
  #older = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#selectIndexed = database.prepare("SELECT artifact_key FROM artifact_index WHERE digest = ?");
    this.#selectNewer = database.prepare("SELECT key, digest FROM artifacts WHERE key > ?");
    this.#merge = database.prepare(
      "INSERT INTO artifact_index SELECT digest, key FROM artifacts WHERE key > ? ORDER BY digest",
    );
    this.#setMerged = database.prepare(
      "UPDATE meta SET indexed_artifact_key = ?, indexed_artifacts = indexed_artifacts + ? WHERE key = 1",
    );
  }

  /** Takes over what other processes did since the last transaction. */
  begin(meta: Meta): void {
    if (meta.epoch !== this.#epoch) this.forget();
    this.#epoch = meta.epoch;
    if (meta.indexed_artifact_key !== this.#indexed) {
      this.#recent.clear();
      this.#indexed = meta.indexed_artifact_key;
      this.#seen = meta.indexed_artifact_key;
    }
    this.#indexedCount = meta.indexed_artifacts;
    if ((meta.last_artifact ?? 0) <= this.#seen) return;
    for (const row of this.#selectNewer.iterate(this.#seen)) {
      this.add(Buffer.from(row["digest"] as Uint8Array).toString("hex"), row["key"] as number);
    }
  }

  /** The key of the artifact, or 0 if it is not stored. */
  find(digest: string, bytes: Uint8Array): number {
    const key = this.#recent.get(digest) ?? this.#known.get(digest) ?? this.#older.get(digest);
    if (key !== undefined) return key;
    if (this.#indexedCount === 0) return 0;
    const found = this.#selectIndexed.get(bytes)?.["artifact_key"] as number | undefined;
    if (found === undefined) return 0;
    this.#remember(digest, found);
    return found;
  }

  /** Takes note of an artifact that was inserted with the highest key so far. */
  add(digest: string, key: number): void {
    this.#recent.set(digest, key);
    this.#seen = key;
  }

  /** Merges the newest artifacts into the index once they are many enough for that to be cheap. */
  settle(): void {
    const enough = Math.min(Math.max(this.#indexedCount / 8, smallestMerge), largestMerge);
    if (this.#recent.size < enough) return;
    const merged = Number(this.#merge.run(this.#indexed).changes);
    this.#setMerged.run(this.#seen, merged);
    this.#indexed = this.#seen;
    this.#indexedCount += merged;
    this.#older = this.#known;
    this.#known = this.#recent;
    this.#recent = new Map();
  }

  /** Forgets everything: after a failed transaction, and when artifacts were removed. */
  forget(): void {
    this.#epoch = -1;
    this.#indexed = -1;
    this.#indexedCount = 0;
    this.#seen = 0;
    this.#recent = new Map();
    this.#known = new Map();
    this.#older = new Map();
  }

  #remember(digest: string, key: number): void {
    if (this.#known.size >= largestMerge) {
      this.#older = this.#known;
      this.#known = new Map();
    }
    this.#known.set(digest, key);
  }
}
