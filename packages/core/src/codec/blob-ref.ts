import type { Digest } from "../digest.ts";
import { RepriseError } from "../errors.ts";

/**
 * Stands in a value for bytes that are stored elsewhere: a codec puts one where it does not want the bytes to be loaded
 * together with the value (files do). It is restored as a `BlobRef`; whoever holds it reads the bytes from the store.
 *
 * @example
 * ```ts
 * new BlobRef("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3);
 * ```
 */
export class BlobRef {
  /** Digest of the bytes, as `digestBytes` gives it. */
  readonly digest: Digest;
  /** How many bytes there are. */
  readonly size: number;

  /** @throws RepriseError `INVALID_OPTION` if `digest` is not 64 lowercase hexadecimal characters or `size` not a count. */
  constructor(digest: Digest, size: number) {
    if (!/^[0-9a-f]{64}$/.test(digest) || !Number.isSafeInteger(size) || size < 0) {
      throw new RepriseError(
        "INVALID_OPTION",
        `BlobRef: ${JSON.stringify(digest)} with ${size} bytes names no blob. Give 64 lowercase hexadecimal characters and a size.`,
      );
    }
    this.digest = digest;
    this.size = size === 0 ? 0 : size;
  }
}

/** Bytes that were split out of a document. Store them before the document. */
export interface BlobPart {
  readonly digest: Digest;
  readonly size: number;
  readonly bytes: Uint8Array;
}
