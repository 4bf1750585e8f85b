import { RepriseError } from "@reprise/core";
import type { BlobCondition, BlobToVerify } from "../blob-store.ts";
import type { BlobLayout } from "./blob-layout.ts";
import type { BlobReader } from "./blob-reader.ts";
import { equalFingerprints, type FileFingerprint, fingerprintIfThere, isSameFile } from "./file-fingerprint.ts";

/** So many blobs are looked at together: enough to keep a disk busy, few enough for the limit of open files. */
const atOnce = 16;
/** The last so many blobs that were read to their end are remembered. */
const remembered = 10_000;
const nanosecondsPerMillisecond = 1_000_000n;

/** Tells whether blobs are sound, without reading what cannot have changed. */
export class BlobVerifier {
  readonly #layout: BlobLayout;
  readonly #reader: BlobReader;
  /** Files whose content was found right, as they were then. */
  readonly #sound = new Map<string, FileFingerprint>();

  constructor(layout: BlobLayout, reader: BlobReader) {
    this.#layout = layout;
    this.#reader = reader;
  }

  /** The condition of each blob. */
  async verify(blobs: readonly BlobToVerify[]): Promise<readonly BlobCondition[]> {
    const conditions = Array.from<BlobCondition>({ length: blobs.length });
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < blobs.length) {
        const index = next++;
        conditions[index] = await this.#condition(blobs[index] as BlobToVerify);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, blobs.length) }, work));
    return conditions;
  }

  async #condition(blob: BlobToVerify): Promise<BlobCondition> {
    const path = this.#layout.file(blob);
    const before = await fingerprintIfThere(path);
    if (before !== undefined && Number(before.size) === blob.size) {
      if (blob.since !== undefined && isUnchangedSince(before, blob.since)) return "sound";
      const known = this.#sound.get(path);
      if (known !== undefined && equalFingerprints(known, before)) return "sound";
    }
    try {
      await this.#reader.check(blob);
    } catch (error) {
      if (RepriseError.is(error, "BLOB_NOT_FOUND")) return "missing";
      if (RepriseError.is(error, "ARTIFACT_DAMAGED")) return "damaged";
      throw error;
    }
    if (before !== undefined && (await isSameFile(path, before))) this.#remember(path, before);
    return "sound";
  }

  #remember(path: string, found: FileFingerprint): void {
    this.#sound.delete(path);
    this.#sound.set(path, found);
    if (this.#sound.size <= remembered) return;
    for (const oldest of this.#sound.keys()) {
      this.#sound.delete(oldest);
      return;
    }
  }
}

/** A program can set the time of modification back, but the system stamps that very change with the time it has. */
function isUnchangedSince({ modified, changed }: FileFingerprint, since: number): boolean {
  const limit = BigInt(Math.floor(since)) * nanosecondsPerMillisecond;
  return modified <= limit && changed <= limit;
}
