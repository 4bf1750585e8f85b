import { type BlobPart, blobRefs, decode, digestBytes, type Encoded, RepriseError } from "@reprise/core";
import type { ArtifactRef, ArtifactRequest, ArtifactRow, ArtifactWrite, Backend, StoredArtifact } from "./backend.ts";
import { ArtifactRecall, type Recalled, type RecallRequest } from "./artifact-recall.ts";
import { summaryOf } from "./artifact-summary.ts";
import type { BlobName, BlobStore } from "./blob-store.ts";
import type { MaybePromise } from "./cache/cache-store.ts";

/** Documents up to this length are rows of the database, 50 to 100 times cheaper than a file each. */
export const INLINE_LIMIT: number = 64 * 1024;

/** An artifact on its way into the store. */
export interface PreparedArtifact {
  /** What to commit, once `blobsWritten` has resolved. */
  readonly write: ArtifactWrite;
  /** Resolves when all blobs that the row needs are on disk; absent if there are none. */
  readonly blobsWritten?: Promise<void>;
}

/** An artifact's bytes, as `decode` takes them. */
export interface LoadedArtifact {
  readonly bytes: Uint8Array;
  /** The parts of the value that were split out of its document, by digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** Joins the metadata store and the blob store: values in, values out, each verified against its name. */
export class ArtifactStore {
  readonly #backend: Backend;
  readonly #blobs: BlobStore;
  readonly #now: () => number;
  readonly #recall: ArtifactRecall;

  /** @param now clock for the time of creation, in milliseconds since 1970 UTC. Default: `Date.now`. */
  constructor(backend: Backend, blobs: BlobStore, now: () => number = Date.now) {
    this.#backend = backend;
    this.#blobs = blobs;
    this.#now = now;
    this.#recall = new ArtifactRecall(backend, blobs);
  }

  /** Whether a document of so many bytes is part of its row; any other is a blob of the artifact's name. */
  isInline(size: number): boolean {
    return size <= INLINE_LIMIT;
  }

  /**
   * The row of an encoded value. Its large parts begin to be written at once; the row may be committed only when they are
   * on disk, so that a crash leaves a whole artifact or none.
   *
   * @param ref the reference that the row gets. Default: a new one.
   * @param value the value itself, if it is still at hand and unchanged; saves decoding it where it is summarised.
   */
  prepare(encoded: Encoded, ref: ArtifactRef = { digest: encoded.digest, key: 0 }, value?: unknown): PreparedArtifact {
    const { bytes, blobs, references } = encoded;
    const inline = this.isInline(bytes.length);
    const held = blobs.length === 0 ? references : [...blobs, ...references].map(nameOf);
    let size = bytes.length;
    for (const blob of held) size += blob.size;
    const { type, summary } = summaryOf(encoded, inline, value);
    const write: ArtifactWrite = {
      ref,
      typeName: encoded.typeName,
      type,
      size,
      summary,
      documentSize: bytes.length,
      document: inline ? bytes : null,
      blobs: held,
      createdAt: this.#now(),
    };
    if (inline && held.length === 0) return { write };
    return { write, blobsWritten: this.#writeBlobs(encoded, inline) };
  }

  /**
   * The value of an artifact, a new one at each call.
   *
   * Rejects with `ARTIFACT_NOT_FOUND` if it, or a blob of it, is not there; `ARTIFACT_DAMAGED` if its bytes do not have
   * its hash; `TYPE_UNKNOWN` if it holds a type that this program has not registered.
   */
  async read(id: string): Promise<unknown> {
    const { bytes, blobs } = await this.load(id);
    return decode(bytes, { blob: ({ digest }) => blobs.get(digest) as Uint8Array });
  }

  /** As {@link read}, but not decoded: the canonical bytes, and the blobs that belong to them, all verified. */
  async load(id: string): Promise<LoadedArtifact> {
    const stored = await this.#stored(id);
    return this.#filled(id, stored.document === null ? await this.#documentBlob(stored) : await this.#verified(stored));
  }

  /** As {@link load} for an artifact that somebody has made, and whose row may not be committed yet. */
  async loadMade({ ref: { digest }, document, documentSize }: ArtifactWrite): Promise<LoadedArtifact> {
    return this.#filled(digest, document ?? (await this.#blob(digest, { digest, size: documentSize })));
  }

  /**
   * What whoever reaches the blobs needs besides, to read the artifact: its canonical bytes, verified, or null if they are
   * a blob of their own.
   *
   * Rejects as {@link read}.
   */
  async document(id: string): Promise<{ readonly bytes: Uint8Array | null; readonly size: number }> {
    const stored = await this.#stored(id);
    const bytes = stored.document === null ? null : await this.#verified(stored);
    return { bytes, size: stored.artifact.documentSize };
  }

  /**
   * The canonical bytes of artifacts, verified; undefined for one that holds blobs, is not there or is damaged, which
   * {@link load} reads, or says. Synchronous where the metadata store is: some microseconds each.
   *
   * Throws or rejects with `STORE_…` if the store cannot be read.
   */
  documents(wanted: readonly ArtifactRequest[]): MaybePromise<readonly (Uint8Array | undefined)[]> {
    const rows = this.#backend.readArtifacts(wanted);
    return rows instanceof Promise ? rows.then(documentsOf) : documentsOf(rows);
  }

  /**
   * Artifacts that are to be used again without being computed: for each, whether all of it is there and undamaged, its
   * document and every blob that it holds at any depth, those included that are loaded only when somebody asks.
   *
   * What is damaged is dealt with as {@link read} does, so that the next to store the value mends it. A blob that has not
   * been changed since `since` is not read; any other is, once per process. Synchronous where the metadata store is and no
   * blobs are involved: some microseconds each.
   *
   * Throws or rejects with `STORE_…` if the stores cannot be read.
   *
   * @example
   * ```ts
   * const [answer] = await artifacts.recall([{ id, hint: 0, since: Date.now() }]);
   * if (answer?.type === "lost") console.warn(`It has to be computed again: ${answer.why}`);
   * ```
   */
  recall(wanted: readonly RecallRequest[]): MaybePromise<readonly Recalled[]> {
    return this.#recall.recall(wanted);
  }

  async #stored(id: string): Promise<StoredArtifact> {
    const stored = await this.#backend.getArtifact(id);
    if (stored !== undefined) return stored;
    throw new RepriseError(
      "ARTIFACT_NOT_FOUND",
      `Artifact ${id} is not in ${this.#backend.place}. Run what made it again; it will be stored again.`,
    );
  }

  /** The bytes with the blobs that belong to them. */
  async #filled(id: string, bytes: Uint8Array): Promise<LoadedArtifact> {
    const { loaded } = blobRefs(bytes);
    const contents = await Promise.all(loaded.map((blob) => this.#blob(id, blob)));
    return { bytes, blobs: new Map(loaded.map(({ digest }, index) => [digest, contents[index] as Uint8Array])) };
  }

  async #writeBlobs({ digest, bytes, blobs, references }: Encoded, inline: boolean): Promise<void> {
    const parts: readonly BlobPart[] = inline ? blobs : [...blobs, { digest, size: bytes.length, bytes }];
    await Promise.all(parts.map((part) => this.#blobs.put(part.bytes, { known: nameOf(part) })));
    const there = await this.#blobs.has(references);
    const missing = references.filter((_, index) => there[index] !== true);
    if (missing.length === 0) return;
    throw new RepriseError(
      "BLOB_NOT_FOUND",
      `A value names ${missing.length} file(s) that are not in ${this.#blobs.place}, e.g. ${missing[0]?.digest}. ` +
        `Make file values with FileArtifact.from or DirectoryArtifact.from, in the same home.`,
    );
  }

  async #verified({ artifact, document }: StoredArtifact): Promise<Uint8Array> {
    const bytes = document as Uint8Array;
    if (digestBytes(bytes) === artifact.id) return bytes;
    // From now on it counts as not stored, so that whoever makes it again repairs it. A store that may only be read
    // stays as it is.
    await this.#backend.discardArtifact(artifact.id).catch(() => undefined);
    throw new RepriseError(
      "ARTIFACT_DAMAGED",
      `Artifact ${artifact.id} (${artifact.typeName}) in ${this.#backend.place} is damaged: its bytes do not have its ` +
        `hash. Run what made it again; it will be stored again.`,
    );
  }

  #documentBlob({ artifact }: StoredArtifact): Promise<Uint8Array> {
    return this.#blob(artifact.id, { digest: artifact.id, size: artifact.documentSize });
  }

  async #blob(id: string, blob: BlobName): Promise<Uint8Array> {
    try {
      return await this.#blobs.read(blob);
    } catch (error) {
      if (RepriseError.is(error, "BLOB_NOT_FOUND")) {
        throw new RepriseError("ARTIFACT_NOT_FOUND", `Artifact ${id} cannot be read. ${error.message}`, {
          cause: error,
        });
      }
      if (RepriseError.is(error, "ARTIFACT_DAMAGED")) {
        throw new RepriseError("ARTIFACT_DAMAGED", `Artifact ${id} cannot be read. ${error.message}`, { cause: error });
      }
      throw error;
    }
  }
}

function documentsOf(rows: readonly (ArtifactRow | undefined)[]): readonly (Uint8Array | undefined)[] {
  return rows.map((row) => {
    if (row === undefined || row.document === null || row.blobs.length > 0) return undefined;
    return digestBytes(row.document) === row.ref.digest ? row.document : undefined;
  });
}

function nameOf({ digest, size }: BlobName): BlobName {
  return { digest, size };
}
