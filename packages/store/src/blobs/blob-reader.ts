import { hash, randomUUID } from "node:crypto";
import { chmod, type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_SIZE, combineChunkDigests, RepriseError } from "@reprise/core";
import type { BlobName, TransferOptions } from "../blob-store.ts";
import { blobDamaged, blobNotFound } from "./blob-failure.ts";
import { type BlobLayout, isTree } from "./blob-layout.ts";
import { type HashedBlob, hashFile, readFully } from "./chunk-hasher.ts";
import { cloneFile, openNew } from "./durable-files.ts";

const digestLength = 32;

/** Reads blobs and verifies each byte before it is given out. */
export class BlobReader {
  readonly #layout: BlobLayout;

  constructor(layout: BlobLayout) {
    this.#layout = layout;
  }

  /** The whole blob. */
  async read(blob: BlobName): Promise<Uint8Array> {
    await using file = await this.#open(blob);
    const bytes = Buffer.allocUnsafeSlow(blob.size);
    const digests = isTree(blob) ? await this.#chunks(blob, file) : undefined;
    for (let start = 0, index = 0; start === 0 || start < blob.size; start += CHUNK_SIZE, index++) {
      const chunk = bytes.subarray(start, start + CHUNK_SIZE);
      await readFully(file, chunk, start);
      await this.#verify(blob, chunk, start, digests?.[index]);
    }
    return bytes;
  }

  /** The blob, or the bytes from `start` up to `end`, chunk by chunk; the next chunk is read while one is in use. */
  async *stream(blob: BlobName, range?: { readonly start: number; readonly end: number }): AsyncGenerator<Uint8Array> {
    const { start: from, end: to } = checkRange(blob, range);
    await using file = await this.#open(blob);
    const digests = isTree(blob) ? await this.#chunks(blob, file) : undefined;
    const load = async (start: number) => {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, blob.size - start));
      await readFully(file, chunk, start);
      await this.#verify(blob, chunk, start, digests?.[start / CHUNK_SIZE]);
      return chunk.subarray(Math.max(0, from - start), Math.min(chunk.length, to - start));
    };
    let start = Math.floor(from / CHUNK_SIZE) * CHUNK_SIZE;
    let next = from < to || blob.size === 0 ? load(start) : undefined;
    try {
      while (next !== undefined) {
        const chunk = await next;
        start += CHUNK_SIZE;
        next = start < to ? load(start) : undefined;
        if (chunk.length > 0) yield chunk;
      }
    } finally {
      // The file may be closed only when nobody reads it any more, also if the consumer has had enough.
      await Promise.allSettled([next]);
    }
  }

  /** Writes the blob to a file that must not exist yet. */
  async copyTo(blob: BlobName, path: string, options: TransferOptions): Promise<void> {
    await using source = await this.#open(blob);
    options.signal?.throwIfAborted();
    // A failure here is the destination's: its owner has to see it as it is.
    let copied: BlobName;
    try {
      copied = await copy(source, this.#layout.file(blob), path, blob.size, options);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EEXIST") await rm(path, { force: true });
      throw error;
    }
    if (copied.digest === blob.digest) return;
    await rm(path, { force: true });
    throw await this.#damaged(blob, "its bytes do not have its hash");
  }

  /** Reads the blob to its end and gives nothing; throws as {@link read} does. */
  async check(blob: BlobName): Promise<void> {
    await using file = await this.#open(blob);
    const { digest } = await hashFile(file, blob.size);
    if (digest !== blob.digest) throw await this.#damaged(blob, "its bytes do not have its hash");
  }

  /** Whether the blob is there, whole by its size. */
  async has(blob: BlobName): Promise<boolean> {
    return (
      (await sizeOf(this.#layout.file(blob))) === blob.size || (await sizeOf(this.#layout.trashed(blob))) === blob.size
    );
  }

  /** Puts the digests of a long blob's chunks in their place. */
  async writeChunks({ digest, size, chunks }: HashedBlob): Promise<void> {
    const temporary = join(this.#layout.temporary, `${process.pid}-${randomUUID()}`);
    try {
      {
        await using file = await openNew(temporary, this.#layout.temporary);
        await file.writeFile(Buffer.concat(chunks));
        await file.datasync();
      }
      await rename(temporary, this.#layout.chunks({ digest, size }));
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async #open(blob: BlobName): Promise<FileHandle> {
    const path = this.#layout.file(blob);
    const file = (await openIfThere(path)) ?? (await this.#rescue(blob, path));
    if (file === undefined) throw blobNotFound(blob, this.#layout.root);
    const { size } = await file.stat();
    if (size === blob.size) return file;
    await file.close();
    throw await this.#damaged(blob, `it has ${size} bytes`);
  }

  /** Takes a blob back that a garbage collection is removing at this moment, or was when it ended. */
  async #rescue(blob: BlobName, path: string): Promise<FileHandle | undefined> {
    try {
      await rename(this.#layout.trashed(blob), path);
    } catch (error) {
      // Another reader may have been faster; then the blob is in its place.
      if (!["ENOENT", "EROFS", "EACCES"].includes(String((error as { code?: unknown }).code))) throw error;
    }
    return openIfThere(path);
  }

  /** The digests of a long blob's chunks; computed again where their file is missing or wrong. */
  async #chunks(blob: BlobName, file: FileHandle): Promise<readonly Uint8Array[]> {
    const stored = await readIfThere(this.#layout.chunks(blob));
    if (stored !== undefined && stored.length === Math.ceil(blob.size / CHUNK_SIZE) * digestLength) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stored.length; at += digestLength) chunks.push(stored.subarray(at, at + digestLength));
      if (combineChunkDigests(blob.size, chunks) === blob.digest) return chunks;
    }
    const hashed = await hashFile(file, blob.size);
    if (hashed.digest !== blob.digest) throw await this.#damaged(blob, "its bytes do not have its hash");
    // For the next reader; where the store may not be written, that one computes them again.
    await this.writeChunks(hashed).catch(() => undefined);
    return hashed.chunks;
  }

  async #verify(blob: BlobName, chunk: Uint8Array, start: number, expected: Uint8Array | undefined): Promise<void> {
    const found = hash("sha256", chunk, "hex");
    if (found === (expected === undefined ? blob.digest : Buffer.from(expected).toString("hex"))) return;
    throw await this.#damaged(blob, `the bytes from ${start} to ${start + chunk.length} do not have their hash`);
  }

  async #damaged(blob: BlobName, what: string): Promise<RepriseError> {
    try {
      await mkdir(this.#layout.quarantine, { recursive: true, mode: 0o700 });
      await rename(this.#layout.file(blob), this.#layout.quarantined(blob, Date.now()));
      await rm(this.#layout.chunks(blob), { force: true });
    } catch {
      // Where it cannot be moved (a read-only store, or another reader was faster) it is reported all the same.
    }
    return blobDamaged(blob, this.#layout.root, what);
  }
}

/** Copies a file to a new one and returns what the copy holds. */
async function copy(
  source: FileHandle,
  sourcePath: string,
  path: string,
  size: number,
  options: TransferOptions,
): Promise<BlobName> {
  if (size > CHUNK_SIZE && (await cloneFile(sourcePath, path))) {
    // The clone has the mode of the store's file, which others may not read.
    await chmod(path, 0o644);
    await using clone = await open(path, "r");
    return await hashFile(clone, size, options);
  }
  await using target = await open(path, "wx");
  return await hashFile(source, size, { ...options, target });
}

function checkRange({ size }: BlobName, range: { readonly start: number; readonly end: number } | undefined) {
  const { start, end } = range ?? { start: 0, end: size };
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size) {
    return { start, end };
  }
  throw new RepriseError(
    "INVALID_OPTION",
    `A range of a blob of ${size} bytes has 0 ≤ start ≤ end ≤ ${size}; this one is ${start} to ${end}.`,
  );
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}
