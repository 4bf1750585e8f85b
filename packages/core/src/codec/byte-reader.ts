import { isUtf8 } from "node:buffer";
import { RepriseError } from "../errors.ts";
import { BlobRef } from "./blob-ref.ts";
import { maxShortText, shortText } from "./short-text.ts";
import { FORMAT_VERSION, headerFlag, MAX_DEPTH, MAX_SHORT_STRING, tag } from "./format.ts";

/** Reads the primitive parts of a document that may be malformed: every length is checked before it is used. */
export class ByteReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly end: number;
  position = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  fail(what: string, options: { readonly cause?: unknown } = {}): never {
    throw new RepriseError(
      "ARTIFACT_DAMAGED",
      `The stored value is damaged at byte ${this.position} of ${this.end}: ${what}. Compute it again.`,
      options,
    );
  }

  /** The flags of the header; the position is then that of the root node. */
  header(): number {
    const version = this.byte();
    if (version !== FORMAT_VERSION) {
      this.fail(`its format is number ${version}, and this release of reprise reads number ${FORMAT_VERSION}`);
    }
    const flags = this.byte();
    if (flags > (headerFlag.blobs | headerFlag.references)) this.fail(`unknown flags ${flags}`);
    return flags;
  }

  /** Called when the root node was read. */
  finish(): void {
    if (this.position !== this.end) this.fail(`${this.end - this.position} bytes follow the value`);
  }

  enter(): void {
    if (++this.#depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} levels deep`);
  }

  leave(): void {
    this.#depth--;
  }

  /** Fails unless `count` more bytes follow. */
  need(count: number): void {
    if (count > this.end - this.position) this.fail(`${count} bytes expected, ${this.end - this.position} left`);
  }

  byte(): number {
    if (this.position >= this.end) this.fail("it ends too early");
    return this.bytes[this.position++] ?? 0;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) this.fail("a number with superfluous bytes");
        if (!Number.isSafeInteger(value)) this.fail("a length beyond all bounds");
        return value;
      }
      scale *= 0x80;
      if (scale > 2 ** 49) this.fail("a number that does not end");
    }
  }

  /** A count of things of at least `size` bytes each, which must fit into what is left. */
  count(size: number): number {
    const count = this.varint();
    this.need(count * size);
    return count;
  }

  float(): number {
    this.need(8);
    const value = this.view.getFloat64(this.position, true);
    if (Number.isNaN(value)) this.#checkNaN();
    this.position += 8;
    return value;
  }

  #checkNaN(): void {
    const low = this.view.getUint32(this.position, true);
    const high = this.view.getUint32(this.position + 4, true);
    if (low !== 0 || high !== 0x7ff80000) this.fail("a NaN that is not the one NaN");
  }

  /** A string node. */
  string(): string {
    const tagByte = this.byte();
    if (tagByte >= tag.shortString && tagByte < tag.smallInteger) return this.utf8(tagByte - tag.shortString);
    if (tagByte === tag.string) return this.longString();
    if (tagByte === tag.utf16) return this.utf16();
    return this.fail("a string expected");
  }

  longString(): string {
    const size = this.count(1);
    if (size <= MAX_SHORT_STRING) this.fail("a short string in the long form");
    return this.utf8(size);
  }

  utf8(size: number): string {
    this.need(size);
    const { bytes, position } = this;
    const end = position + size;
    const short = size <= maxShortText ? shortText(bytes, position, size) : undefined;
    if (short !== undefined) {
      this.position = end;
      return short;
    }
    const text = bytes.toString("utf8", position, end);
    // Malformed bytes become U+FFFD, so only a text with that character needs to be checked.
    if (text.includes("\uFFFD") && !isUtf8(bytes.subarray(position, end))) this.fail("malformed UTF-8");
    this.position = end;
    return text;
  }

  utf16(): string {
    const size = this.count(1);
    const text = this.bytes.toString("utf16le", this.position, this.position + size);
    if (size % 2 !== 0 || text.isWellFormed()) this.fail("a string in the wrong form");
    this.position += size;
    return text;
  }

  reference(): BlobRef {
    this.need(32);
    const digest = this.bytes.toString("hex", this.position, this.position + 32);
    this.position += 32;
    return new BlobRef(digest, this.varint());
  }
}
