import type { BlobRef } from "./blob-ref.ts";
import { ByteReader } from "./byte-reader.ts";
import { errorPart, tag } from "./format.ts";

/** The blobs that a document names. */
export interface BlobRefs {
  /** Content that was split out of the document and is loaded together with it. */
  readonly loaded: BlobRef[];
  /** `BlobRef`s in the value, whose content is loaded only when somebody asks. */
  readonly lazy: BlobRef[];
}

/**
 * The blobs that a document names, each once, without decoding it: those to fetch before decoding, and all that must not
 * be collected while the document is needed.
 *
 * @throws RepriseError `ARTIFACT_DAMAGED` if the bytes are not a document.
 */
export function blobRefs(bytes: Uint8Array): BlobRefs {
  const scanner = new BlobScanner(bytes);
  // Documents without blobs, which are most, say so in their header.
  if (scanner.header() !== 0) {
    scanner.skip();
    scanner.finish();
  }
  return { loaded: [...scanner.loaded.values()], lazy: [...scanner.lazy.values()] };
}

class BlobScanner extends ByteReader {
  readonly loaded = new Map<string, BlobRef>();
  readonly lazy = new Map<string, BlobRef>();

  /** Passes over a node. */
  skip(): void {
    const tagByte = this.byte();
    if (tagByte >= tag.smallInteger || tagByte <= tag.true) return;
    if (tagByte >= tag.shortString) this.#pass(tagByte - tag.shortString);
    else if (tagByte <= tag.negative) this.varint();
    else if (tagByte === tag.float) this.#pass(8);
    else if (tagByte <= tag.utf16) this.#pass(this.count(1));
    else {
      this.enter();
      this.#skipContent(tagByte);
      this.leave();
    }
  }

  #skipContent(tagByte: number): void {
    switch (tagByte) {
      case tag.date:
        return this.#pass(8);
      case tag.numbers:
        return this.#pass(this.count(8) * 8);
      case tag.array:
      case tag.set:
        return this.#nodes(this.count(1));
      case tag.object:
      case tag.bare:
      case tag.map:
        return this.#nodes(this.count(2) * 2);
      case tag.regexp:
      case tag.registered:
        return this.#nodes(2);
      case tag.url:
        return this.skip();
      default:
        return this.#skipRare(tagByte);
    }
  }

  #skipRare(tagByte: number): void {
    switch (tagByte) {
      case tag.sparse:
        return this.#sparse();
      case tag.error:
        return this.#error();
      case tag.binary:
        this.byte();
        return this.#pass(this.count(1));
      case tag.blob:
        this.byte();
        return this.#found(this.loaded);
      case tag.reference:
        return this.#found(this.lazy);
      default:
        return this.fail(`unknown tag ${tagByte}`);
    }
  }

  #pass(size: number): void {
    this.need(size);
    this.position += size;
  }

  #nodes(count: number): void {
    for (let index = 0; index < count; index++) this.skip();
  }

  #sparse(): void {
    this.varint();
    const runs = this.count(3);
    for (let run = 0; run < runs; run++) {
      this.varint();
      this.#nodes(this.count(1));
    }
  }

  #error(): void {
    this.byte();
    const flags = this.byte();
    for (const part of Object.values(errorPart)) if ((flags & part) !== 0) this.skip();
    this.#nodes(this.count(2) * 2);
  }

  #found(into: Map<string, BlobRef>): void {
    const ref = this.reference();
    into.set(ref.digest, ref);
  }
}
