import { createHash, hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { CHUNK_SIZE, combineChunkDigests } from "@reprise/core";
import type { BlobName, TransferOptions } from "../blob-store.ts";
import { HashThreads } from "./hash-threads.ts";

/** A blob's name with the digests of its chunks; one chunk for a blob of up to 8 MiB. */
export interface HashedBlob extends BlobName {
  readonly chunks: readonly Uint8Array[];
}

// Below this, starting threads costs more than it saves.
const smallestForThreads = 3 * CHUNK_SIZE;

const threads = new HashThreads();

/**
 * Hashes `size` bytes of a file and, if `target` is given, copies them there on the way. Long files are shared by
 * threads; memory is constant.
 */
export async function hashFile(
  source: FileHandle,
  size: number,
  { target, signal, onProgress }: TransferOptions & { readonly target?: FileHandle } = {},
): Promise<HashedBlob> {
  const count = Math.max(1, Math.ceil(size / CHUNK_SIZE));
  const chunks = Array.from<Uint8Array>({ length: count });
  let next = 0;
  let moved = 0;
  const work = async (run: typeof threads.run) => {
    while (next < count) {
      signal?.throwIfAborted();
      const index = next++;
      const start = index * CHUNK_SIZE;
      const length = Math.min(CHUNK_SIZE, size - start);
      chunks[index] = await run({ source: source.fd, target: target?.fd, start, length });
      moved += length;
      onProgress?.(moved);
    }
  };
  const workers =
    size < smallestForThreads
      ? [work(({ start, length }) => hashHere(source, target, start, length))]
      : // Two tasks a thread: one is ready when the other is done.
        Array.from({ length: threads.size * 2 }, () => work((task) => threads.run(task)));
  await settle(workers);
  return { digest: combineChunkDigests(size, chunks), size, chunks };
}

/** Waits for all, also if one fails: whoever called may close the files only then. */
async function settle(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function hashHere(
  source: FileHandle,
  target: FileHandle | undefined,
  start: number,
  length: number,
): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(length);
  const read = await readFully(source, buffer, start);
  const bytes = buffer.subarray(0, read);
  if (target !== undefined) await writeFully(target, bytes, start);
  return hash("sha256", bytes, "buffer");
}

/** Reads until the buffer is full or the file ends; returns how many bytes were read. */
export async function readFully(file: FileHandle, buffer: Uint8Array, start: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Writes all bytes; the system may take them in pieces. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await file.write(bytes, done, bytes.length - done, start + done)).bytesWritten;
  }
}

/** Hashes content that arrives in pieces, and keeps the digests of its chunks. */
export class ChunkCollector {
  #current = createHash("sha256");
  #filled = 0;
  #size = 0;
  readonly #chunks: Uint8Array[] = [];

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds the next piece. */
  update(piece: Uint8Array): void {
    this.#size += piece.length;
    for (let start = 0; start < piece.length;) {
      if (this.#filled === CHUNK_SIZE) this.#close();
      const end = Math.min(piece.length, start + CHUNK_SIZE - this.#filled);
      this.#current.update(piece.subarray(start, end));
      this.#filled += end - start;
      start = end;
    }
  }

  /** Ends the content. */
  finish(): HashedBlob {
    this.#close();
    return { digest: combineChunkDigests(this.#size, this.#chunks), size: this.#size, chunks: this.#chunks };
  }

  #close(): void {
    this.#chunks.push(this.#current.digest());
    this.#current = createHash("sha256");
    this.#filled = 0;
  }
}
