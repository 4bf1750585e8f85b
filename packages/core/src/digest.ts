/**
 * Names of content: SHA-256, and for long content a tree of SHA-256 over fixed chunks.
 *
 * The tree lets threads share the work and lets a reader verify a range alone. Its root is the SHA-256 of a header that
 * names the algorithm, the chunk size and the total size, followed by the digests of the chunks. Content that happens to
 * spell such a header is told from a tree by its size, which always accompanies a digest.
 */
import { createHash, hash } from "node:crypto";
import { RepriseError } from "./errors.ts";

/** A SHA-256 digest: 64 lowercase hexadecimal characters. */
export type Digest = string;

/** Bytes in a chunk of a tree: 8 MiB. Content up to this length is hashed as it is. */
export const CHUNK_SIZE: number = 8 * 1024 * 1024;

/**
 * Digest of `bytes`: plain SHA-256 up to 8 MiB, the root of a tree of chunks above.
 *
 * @example
 * ```ts
 * digestBytes(new TextEncoder().encode("abc")); // "ba7816bf…", what sha256sum prints
 * ```
 */
export function digestBytes(bytes: Uint8Array): Digest {
  if (bytes.length <= CHUNK_SIZE) return hash("sha256", bytes, "hex");
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_SIZE) {
    chunks.push(hash("sha256", bytes.subarray(start, start + CHUNK_SIZE), "buffer"));
  }
  return combineChunkDigests(bytes.length, chunks);
}

/**
 * Digest of content from the SHA-256 digests of its chunks of {@link CHUNK_SIZE}, whoever computed them.
 *
 * @param size bytes in the whole content.
 * @param chunks one 32-byte digest a chunk, in order; the last chunk may be short. Empty content has one empty chunk.
 * @throws RepriseError `INVALID_OPTION` if there are not exactly as many digests as `size` needs.
 */
export function combineChunkDigests(size: number, chunks: readonly Uint8Array[]): Digest {
  const expected = Math.max(1, Math.ceil(size / CHUNK_SIZE));
  const [first] = chunks;
  if (!Number.isSafeInteger(size) || chunks.length !== expected || first === undefined) {
    throw new RepriseError(
      "INVALID_OPTION",
      `combineChunkDigests: ${size} bytes have ${expected} chunks of ${CHUNK_SIZE}, but ${chunks.length} digests were given.`,
    );
  }
  if (chunks.length === 1) return Buffer.from(first).toString("hex");
  const root = createHash("sha256").update(`reprise tree sha256 chunk ${CHUNK_SIZE} size ${size}\n`);
  for (const chunk of chunks) root.update(chunk);
  return root.digest("hex");
}

/**
 * Digest of content that arrives in pieces of any length; the same result as {@link digestBytes} over all of it, in
 * constant memory (32 bytes for each 8 MiB).
 *
 * @example
 * ```ts
 * const hasher = new BlobHasher();
 * for await (const piece of createReadStream("data.bin")) hasher.update(piece);
 * const { digest, size } = hasher.digest();
 * ```
 */
export class BlobHasher {
  #current = createHash("sha256");
  #filled = 0;
  #size = 0;
  readonly #chunks: Uint8Array[] = [];

  /** Adds the next piece. */
  update(chunk: Uint8Array): this {
    this.#size += chunk.length;
    let start = 0;
    while (start < chunk.length) {
      // A full chunk is closed only when more follows, so that content of exactly one chunk stays a plain hash.
      if (this.#filled === CHUNK_SIZE) this.#close();
      const end = Math.min(chunk.length, start + CHUNK_SIZE - this.#filled);
      this.#current.update(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
      this.#filled += end - start;
      start = end;
    }
    return this;
  }

  /** Ends the content. The hasher cannot be used afterwards. */
  digest(): { readonly digest: Digest; readonly size: number } {
    this.#chunks.push(this.#current.digest());
    return { digest: combineChunkDigests(this.#size, this.#chunks), size: this.#size };
  }

  #close(): void {
    this.#chunks.push(this.#current.digest());
    this.#current = createHash("sha256");
    this.#filled = 0;
  }
}
