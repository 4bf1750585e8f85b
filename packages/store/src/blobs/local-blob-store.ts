import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, stat, utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CHUNK_SIZE, RepriseError } from "@reprise/core";
import type {
  BlobCondition,
  BlobName,
  BlobStore,
  BlobToVerify,
  DeleteOptions,
  TransferOptions,
} from "../blob-store.ts";
import { blobFailure } from "./blob-failure.ts";
import { BlobLayout, isTree } from "./blob-layout.ts";
import { BlobReader } from "./blob-reader.ts";
import { deleteBlobs, listBlobs, sweepBlobs } from "./blob-removal.ts";
import { BlobVerifier } from "./blob-verifier.ts";
import { ChunkCollector, type HashedBlob, hashFile, writeFully } from "./chunk-hasher.ts";
import { cloneFile, openNew, syncFolder } from "./durable-files.ts";
import { type FileFingerprint, fingerprint, isSameFile } from "./file-fingerprint.ts";

/** Moments of a write, in order; tests end the process at each. */
export type PutStep = "created" | "written" | "synced" | "chunks" | "renamed";

/** Options of a local blob store. */
export interface LocalBlobStoreOptions {
  /** Called at each step of a write, to try what a crash there leaves. Default: nothing. */
  readonly onStep?: (step: PutStep) => void;
}

/**
 * Blobs as files of a folder, named by their content.
 *
 * A blob is written to a temporary file, flushed to the disk and renamed, so that under its name stands the whole blob
 * or nothing whenever the process or the machine stops. What is read is verified; what is damaged is moved aside.
 *
 * @example
 * ```ts
 * await using blobs = new LocalBlobStore("/data/blobs");
 * const name = await blobs.putFile("genome.fasta", { onProgress: (bytes) => console.log(bytes) });
 * for await (const chunk of blobs.stream(name)) process.stdout.write(chunk);
 * ```
 */
export class LocalBlobStore implements BlobStore {
  readonly place: string;
  readonly #layout: BlobLayout;
  readonly #reader: BlobReader;
  readonly #verifier: BlobVerifier;
  readonly #onStep: (step: PutStep) => void;

  constructor(folder: string, options: LocalBlobStoreOptions = {}) {
    this.place = resolve(folder);
    this.#layout = new BlobLayout(this.place);
    this.#reader = new BlobReader(this.#layout);
    this.#verifier = new BlobVerifier(this.#layout, this.#reader);
    this.#onStep = options.onStep ?? (() => undefined);
  }

  async put(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: TransferOptions & { readonly known?: BlobName } = {},
  ): Promise<BlobName> {
    const { known } = options;
    if (known !== undefined && (await this.#touch(known))) return known;
    const collector = new ChunkCollector();
    const pieces = content instanceof Uint8Array ? slices(content) : content;
    const blob = await this.#write(async (file) => {
      for await (const piece of pieces) {
        options.signal?.throwIfAborted();
        const start = collector.size;
        const written = writeFully(file, piece, start);
        collector.update(piece);
        await written;
        options.onProgress?.(collector.size);
      }
      options.signal?.throwIfAborted();
      return collector.finish();
    });
    if (known !== undefined && known.digest !== blob.digest) {
      throw new RepriseError(
        "VALUE_NOT_STORABLE",
        `The bytes of blob ${known.digest} changed while they were stored. ` +
          `A value must not be changed after it was returned or passed to a func.`,
      );
    }
    return { digest: blob.digest, size: blob.size };
  }

  async putFile(path: string, options: TransferOptions = {}): Promise<BlobName> {
    return (
      (await this.#tryPutFile(path, options)) ??
      (await this.#tryPutFile(path, options)) ??
      Promise.reject(
        new RepriseError(
          "FILE_CHANGED",
          `${path} was changed while it was being stored, twice. Store it when nobody writes it any more.`,
        ),
      )
    );
  }

  read(blob: BlobName): Promise<Uint8Array> {
    return this.#wrap(this.#reader.read(blob));
  }

  async *stream(
    blob: BlobName,
    range?: { readonly start: number; readonly end: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#reader.stream(blob, range);
    } catch (error) {
      throw blobFailure(error, this.place);
    }
  }

  copyTo(blob: BlobName, path: string, options: TransferOptions = {}): Promise<void> {
    return this.#reader.copyTo(blob, path, options);
  }

  has(blobs: readonly BlobName[]): Promise<readonly boolean[]> {
    return this.#wrap(Promise.all(blobs.map((blob) => this.#reader.has(blob))));
  }

  verify(blobs: readonly BlobToVerify[]): Promise<readonly BlobCondition[]> {
    return this.#wrap(this.#verifier.verify(blobs));
  }

  delete(blobs: readonly BlobName[], options: DeleteOptions = {}): Promise<readonly BlobName[]> {
    return this.#wrap(deleteBlobs(this.#layout, blobs, options));
  }

  list(): AsyncIterable<BlobName & { readonly modifiedAt: number }> {
    return listBlobs(this.#layout);
  }

  /** Removes what crashes have left and nobody has written to since `before` (milliseconds since 1970). */
  sweep(before: number, options: { readonly dryRun?: boolean } = {}): Promise<{ files: number; bytes: number }> {
    return this.#wrap(sweepBlobs(this.#layout, before, options.dryRun === true));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Stores the file's content; undefined if somebody changed the file meanwhile. */
  async #tryPutFile(path: string, options: TransferOptions): Promise<BlobName | undefined> {
    options.signal?.throwIfAborted();
    await using source = await open(path, "r");
    const before = await fingerprint(path);
    const size = Number(before.size);
    if (size <= CHUNK_SIZE) return await this.#putSmallFile(source, path, before, options);

    const half = halves(size, options.onProgress);
    const hashed = await hashFile(source, size, { signal: options.signal, onProgress: half.first });
    if (!(await isSameFile(path, before))) return undefined;
    if (await this.#touch(hashed)) {
      options.onProgress?.(size);
      return { digest: hashed.digest, size };
    }
    // Hashed first, because what is there already (the usual case of a system that stores everything once) then costs
    // no writing; hashed again while it is copied, so that the name is that of the very bytes that were written.
    let changed = false;
    const blob = await this.#write(async (target, cloned) => {
      const transfer = { signal: options.signal, onProgress: half.second };
      const copy = await (cloned ? hashFile(target, size, transfer) : hashFile(source, size, { ...transfer, target }));
      changed = copy.digest !== hashed.digest || !(await isSameFile(path, before));
      return changed ? undefined : copy;
    }, path);
    return changed || blob === undefined ? undefined : { digest: blob.digest, size };
  }

  async #putSmallFile(
    source: FileHandle,
    path: string,
    before: FileFingerprint,
    options: TransferOptions,
  ): Promise<BlobName | undefined> {
    const bytes = await source.readFile();
    if (bytes.length > CHUNK_SIZE || !(await isSameFile(path, before))) return undefined;
    return this.put(bytes, options);
  }

  /**
   * Writes a blob through a temporary file, which begins as a clone of `like` where the file system can do that; `fill`
   * says what the blob is, or undefined to leave it.
   */
  async #write<T extends HashedBlob | undefined>(
    fill: (file: FileHandle, cloned: boolean) => Promise<T>,
    like?: string,
  ): Promise<T> {
    const temporary = join(this.#layout.temporary, `${process.pid}-${randomUUID()}`);
    try {
      const cloned = like !== undefined && (await cloneFile(like, temporary));
      const file = cloned ? await open(temporary, "r+") : await openNew(temporary, this.#layout.temporary);
      let blob: T;
      try {
        this.#onStep("created");
        if (cloned) await file.chmod(0o600);
        blob = await fill(file, cloned);
        if (blob === undefined) return blob;
        this.#onStep("written");
        await file.datasync();
        this.#onStep("synced");
      } finally {
        await file.close();
      }
      await this.#publish(temporary, blob);
      return blob;
    } catch (error) {
      throw blobFailure(error, this.place);
    } finally {
      // What cannot be removed now is swept later, and must not hide why it is there.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async #publish(temporary: string, blob: HashedBlob): Promise<void> {
    if (await this.#touch(blob)) return;
    const folder = this.#layout.folder(blob);
    if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await syncFolder(this.#layout.root);
    if (isTree(blob)) {
      await this.#reader.writeChunks(blob);
      this.#onStep("chunks");
    }
    await rename(temporary, this.#layout.file(blob));
    this.#onStep("renamed");
    await syncFolder(folder);
  }

  /**
   * Marks a blob that is there as used now, so that a garbage collection that is going on leaves it; false if it is not
   * there. First the mark, then the look: a collector looks for the mark after it has moved the blob away.
   */
  async #touch(blob: BlobName): Promise<boolean> {
    const now = Date.now() / 1000;
    const file = this.#layout.file(blob);
    try {
      await utimes(file, now, now);
      return (await stat(file)).size === blob.size;
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return false;
      throw blobFailure(error, this.place);
    }
  }

  async #wrap<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw blobFailure(error, this.place);
    }
  }
}

/** A long array in pieces, so that hashing one and writing it overlap and the event loop has its turns. */
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += CHUNK_SIZE) yield bytes.subarray(start, start + CHUNK_SIZE);
}

/** Progress of two passes over `size` bytes as that of one. */
function halves(size: number, onProgress: ((bytes: number) => void) | undefined) {
  return {
    first: (bytes: number) => onProgress?.(Math.floor(bytes / 2)),
    second: (bytes: number) => onProgress?.(Math.floor((size + bytes) / 2)),
  };
}
