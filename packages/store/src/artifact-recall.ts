import { blobRefs, digestBytes, RepriseError } from "@reprise/core";
import type { ArtifactRef, ArtifactRequest, ArtifactRow, Backend } from "./backend.ts";
import type { BlobCondition, BlobName, BlobStore, BlobToVerify } from "./blob-store.ts";
import type { MaybePromise } from "./cache/cache-store.ts";

/** Asks for an artifact that is to be used again. */
export interface RecallRequest extends ArtifactRequest {
  /** When the artifact was known to be whole, in milliseconds since 1970 UTC. */
  readonly since: number;
}

/** An artifact that is whole and undamaged, or why it is not. */
export type Recalled =
  | {
      readonly type: "found";
      readonly ref: ArtifactRef;
      /** The canonical bytes if they are in the database. */
      readonly bytes: Uint8Array | undefined;
      readonly hasBlobs: boolean;
      /** Bytes of the canonical document and of the blobs. */
      readonly size: number;
    }
  /** `why` is the end of a sentence for people. */
  | { readonly type: "lost"; readonly why: string };

/** A row whose blobs have to be looked at before it counts as found. */
interface Candidate {
  readonly index: number;
  readonly found: Recalled & { readonly type: "found" };
  readonly blobs: readonly BlobName[];
}

/** Reads artifacts and proves that each is whole; see `ArtifactStore.recall`. */
export class ArtifactRecall {
  readonly #backend: Backend;
  readonly #blobs: BlobStore;

  constructor(backend: Backend, blobs: BlobStore) {
    this.#backend = backend;
    this.#blobs = blobs;
  }

  /** One answer per request. */
  recall(wanted: readonly RecallRequest[]): MaybePromise<readonly Recalled[]> {
    const rows = this.#backend.readArtifacts(wanted);
    return rows instanceof Promise ? rows.then((read) => this.#judge(wanted, read)) : this.#judge(wanted, rows);
  }

  #judge(wanted: readonly RecallRequest[], rows: readonly (ArtifactRow | undefined)[]) {
    const answers: Recalled[] = [];
    const damaged: number[] = [];
    const candidates: Candidate[] = [];
    for (const [index, request] of wanted.entries()) {
      const row = rows[index];
      const blobs = row === undefined ? [] : blobsOf(row);
      if (row === undefined)
        answers.push(this.#lost(`artifact ${request.id} is not in ${this.#backend.place} any more`));
      else if (blobs === undefined) {
        damaged.push(index);
        answers.push(this.#lost(`artifact ${request.id} in ${this.#backend.place} is damaged`));
      } else {
        const { ref, document, size } = row;
        const found = {
          type: "found",
          ref,
          bytes: document ?? undefined,
          hasBlobs: blobs.length > (document === null ? 1 : 0),
          size,
        } as const;
        answers.push(found);
        if (blobs.length > 0) candidates.push({ index, found, blobs });
      }
    }
    return damaged.length + candidates.length === 0 ? answers : this.#finish(wanted, answers, damaged, candidates);
  }

  async #finish(
    wanted: readonly RecallRequest[],
    answers: Recalled[],
    damaged: readonly number[],
    candidates: readonly Candidate[],
  ): Promise<readonly Recalled[]> {
    for (const index of damaged) {
      const request = wanted[index] as RecallRequest;
      // A hint may lead to a row that was found damaged before, when a sound one has taken its place.
      const [again] = request.hint === 0 ? [] : await this.recall([{ ...request, hint: 0 }]);
      if (again !== undefined) answers[index] = again;
      // From now on it counts as not stored, so that whoever makes it again repairs it; a store that may only be read
      // stays as it is.
      else await this.#backend.discardArtifact(request.id).catch(() => undefined);
    }
    const conditions = await this.#conditions(wanted, candidates);
    for (const { index, blobs } of candidates) {
      const lost = blobs.find((blob) => conditions.get(nameOf(blob)) !== "sound");
      if (lost !== undefined) answers[index] = this.#lostBlob(wanted[index] as RecallRequest, lost, conditions);
    }
    return answers;
  }

  /** Each blob is looked at once, however many artifacts hold it. */
  async #conditions(
    wanted: readonly RecallRequest[],
    candidates: readonly Candidate[],
  ): Promise<ReadonlyMap<string, BlobCondition>> {
    const blobs = new Map<string, BlobToVerify>();
    for (const { index, blobs: needed } of candidates) {
      const { since } = wanted[index] as RecallRequest;
      for (const { digest, size } of needed) {
        const name = nameOf({ digest, size });
        blobs.set(name, { digest, size, since: Math.min(since, blobs.get(name)?.since ?? since) });
      }
    }
    const conditions = await this.#blobs.verify([...blobs.values()]);
    return new Map([...blobs.keys()].map((name, index) => [name, conditions[index] as BlobCondition]));
  }

  #lostBlob({ id }: RecallRequest, blob: BlobName, conditions: ReadonlyMap<string, BlobCondition>): Recalled {
    const what = blob.digest === id ? `artifact ${id}` : `blob ${blob.digest} (${blob.size} bytes) of artifact ${id}`;
    const { place } = this.#blobs;
    return this.#lost(
      conditions.get(nameOf(blob)) === "damaged"
        ? `${what} in ${place} was damaged`
        : `${what} is not in ${place} any more`,
    );
  }

  #lost(why: string): Recalled {
    return { type: "lost", why };
  }
}

/** The blobs without which the artifact is not whole, its document first if that is one; undefined if it is damaged. */
function blobsOf({ ref, document, documentSize, size, blobs }: ArtifactRow): readonly BlobName[] | undefined {
  if (document === null) {
    // Nothing else tells of a row that was lost with its blob's name but that the sizes no longer add up.
    const sum = blobs.reduce((total, blob) => total + blob.size, documentSize);
    return sum === size ? [{ digest: ref.digest, size: documentSize }, ...blobs] : undefined;
  }
  if (digestBytes(document) !== ref.digest) return undefined;
  try {
    const { loaded, lazy } = blobRefs(document);
    return loaded.length + lazy.length === 0 ? loaded : [...loaded, ...lazy];
  } catch (error) {
    // Its bytes are as they were written, but this release cannot read them.
    if (RepriseError.is(error, "ARTIFACT_DAMAGED")) return undefined;
    throw error;
  }
}

/** Up to 8 MiB and above, equal digests are different blobs. */
function nameOf({ digest, size }: BlobName): string {
  return `${digest} ${size}`;
}
