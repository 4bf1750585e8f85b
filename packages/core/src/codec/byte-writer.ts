import { MAX_DOCUMENT_SIZE, MAX_SHORT_STRING, tag } from "./format.ts";
import { Refusal } from "./refusal.ts";

const initialCapacity = 16 * 1024;

/** Longest string whose characters are written one by one; a native call costs more than it saves below. */
const loopLimit = 40;

/** Strings longer than this are measured before room is made for them. */
const exactFrom = 64 * 1024;

/** A growing buffer with the primitive nodes of the format. It is reused from one document to the next. */
export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(initialCapacity);
  view: DataView = new DataView(this.bytes.buffer);
  position = 0;

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.#grow(this.position + count);
  }

  #grow(needed: number): void {
    if (needed > MAX_DOCUMENT_SIZE) {
      throw new Refusal(
        "the value is larger than 1 GiB besides its typed arrays; split it, or store large content as a file or a typed array",
      );
    }
    const grown = Buffer.allocUnsafeSlow(Math.min(MAX_DOCUMENT_SIZE, Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(grown, 0, 0, this.position);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    if (this.position === this.bytes.length) this.#grow(this.position + 1);
    this.bytes[this.position++] = value;
  }

  varint(value: number): void {
    this.reserve(8);
    const { bytes } = this;
    let position = this.position;
    let rest = value;
    if (rest > 0x7fffffff) {
      // 28 bits at once: arithmetic on numbers beyond 32 bits is slow.
      const high = Math.floor(rest / 0x10000000);
      let low = rest - high * 0x10000000;
      for (let group = 0; group < 4; group++, low >>>= 7) bytes[position++] = (low & 0x7f) | 0x80;
      rest = high;
    }
    while (rest > 0x7f) {
      bytes[position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[position++] = rest;
    this.position = position;
  }

  /** A tag and a length or count. */
  head(tagByte: number, count: number): void {
    this.reserve(9);
    this.bytes[this.position++] = tagByte;
    if (count < 0x80) this.bytes[this.position++] = count;
    else this.varint(count);
  }

  number(value: number): void {
    this.reserve(9);
    if (value >= 0 && value < 0x80 && (value | 0) === value && (value !== 0 || 1 / value > 0)) {
      this.bytes[this.position++] = tag.smallInteger + value;
    } else if (Number.isSafeInteger(value) && value !== 0) {
      if (value > 0) this.head(tag.integer, value);
      else this.head(tag.negative, -1 - value);
    } else {
      this.bytes[this.position++] = tag.float;
      this.float(value);
    }
  }

  /** 8 bytes of a float, for which the caller has made room. */
  float(value: number): void {
    // Which of the many NaNs setFloat64 writes is not specified.
    if (value === value) this.view.setFloat64(this.position, value, true);
    else writeNaN(this.view, this.position);
    this.position += 8;
  }

  /** Nothing is written, and false returned, unless every element is a number. */
  numbers(values: readonly unknown[]): boolean {
    const start = this.position;
    const count = values.length;
    this.head(tag.numbers, count);
    const block = 4_096;
    for (let from = 0; from < count; from += block) {
      const to = Math.min(count, from + block);
      this.reserve((to - from) * 8);
      const { view } = this;
      let position = this.position;
      for (let index = from; index < to; index++, position += 8) {
        const value = values[index];
        if (typeof value !== "number") {
          this.position = start;
          return false;
        }
        if (value === value) view.setFloat64(position, value, true);
        else writeNaN(view, position);
      }
      this.position = position;
    }
    return true;
  }

  string(value: string): void {
    const { length } = value;
    if (length > loopLimit) {
      this.#longString(value);
      return;
    }
    this.reserve(length * 3 + 2);
    const { bytes } = this;
    const start = this.position;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) {
        this.#longString(value);
        return;
      }
      bytes[start + 1 + index] = unit;
    }
    bytes[start] = tag.shortString + length;
    this.position = start + 1 + length;
  }

  #longString(value: string): void {
    if (!value.isWellFormed()) {
      this.#utf16String(value);
      return;
    }
    // Counting first would take longer for most strings, and three times the memory is too much only for long ones.
    const length = value.length > exactFrom ? Buffer.byteLength(value, "utf8") : value.length;
    this.reserve(value.length > exactFrom ? length + 9 : length * 3 + 9);
    // Written where it belongs if it is ASCII, and moved if it turned out longer.
    const headLength = headLengthOf(length);
    const start = this.position;
    const size = this.bytes.write(value, start + headLength, "utf8");
    const actualHeadLength = headLengthOf(size);
    if (actualHeadLength !== headLength) {
      this.bytes.copyWithin(start + actualHeadLength, start + headLength, start + headLength + size);
    }
    if (size <= MAX_SHORT_STRING) this.bytes[this.position++] = tag.shortString + size;
    else this.head(tag.string, size);
    this.position = start + actualHeadLength + size;
  }

  #utf16String(value: string): void {
    this.head(tag.utf16, value.length * 2);
    this.reserve(value.length * 2);
    this.position += this.bytes.write(value, this.position, "utf16le");
  }

  /** Bytes as they are, without a length. */
  raw(content: Uint8Array): void {
    this.reserve(content.length);
    this.bytes.set(content, this.position);
    this.position += content.length;
  }

  /** The 32 bytes of a digest. */
  digest(hex: string): void {
    this.reserve(32);
    this.position += this.bytes.write(hex, this.position, "hex");
  }

  bigint(value: bigint): void {
    const negative = value < 0n;
    let hex = (negative ? -value : value).toString(16);
    if (hex === "0") hex = "";
    else if (hex.length % 2 === 1) hex = `0${hex}`;
    const size = hex.length / 2;
    this.head(negative ? tag.negativeBigint : tag.bigint, size);
    this.reserve(size);
    this.position += this.bytes.write(hex, this.position, "hex");
  }
}

function writeNaN(view: DataView, position: number): void {
  view.setUint32(position, 0, true);
  view.setUint32(position + 4, 0x7ff80000, true);
}

function headLengthOf(size: number): number {
  if (size <= MAX_SHORT_STRING) return 1;
  let length = 2;
  for (let rest = size; rest > 0x7f; rest = Math.floor(rest / 0x80)) length++;
  return length;
}
