import type { BlobRef } from "./blob-ref.ts";
import { ByteReader } from "./byte-reader.ts";
import { readBigint, readDate, readRegExp, readUrl } from "./decode-scalar.ts";
import { readBinary, readBlob } from "./decode-binary.ts";
import { readMap, readNumbers, readSet, readSparse } from "./decode-collection.ts";
import { readError } from "./decode-error.ts";
import { readRegistered } from "./decode-registered.ts";
import { headerFlag, tag } from "./format.ts";
import { StringCache } from "./string-cache.ts";
import type { TypeRegistry } from "./type-registry.ts";

/** Gives the bytes of a blob that stands in a document by its digest. */
export type BlobLoader = (ref: BlobRef) => Uint8Array;

const keyCache = new StringCache(2_048);
const valueCache = new StringCache(1_024);
const maxCachedString = 20;

/** Reads the nodes of one document. */
export class Decoder extends ByteReader {
  readonly registry: TypeRegistry;
  readonly loadBlob: BlobLoader | undefined;
  /** The flags that the header of what was read so far should have. */
  seenFlags = 0;

  constructor(bytes: Uint8Array, registry: TypeRegistry, loadBlob: BlobLoader | undefined) {
    super(bytes);
    this.registry = registry;
    this.loadBlob = loadBlob;
  }

  document(): unknown {
    const flags = this.header();
    const value = this.value();
    this.finish();
    if (flags !== this.seenFlags) this.fail("its flags do not tell what it holds");
    return value;
  }

  value(): unknown {
    const tagByte = this.byte();
    if (tagByte >= tag.smallInteger) return tagByte - tag.smallInteger;
    if (tagByte >= tag.shortString) return this.#shortString(tagByte - tag.shortString);
    switch (tagByte) {
      case tag.null:
        return null;
      case tag.undefined:
        return undefined;
      case tag.false:
        return false;
      case tag.true:
        return true;
      case tag.integer:
        return this.#integer();
      case tag.negative:
        return this.#negative();
      case tag.float:
        return this.#single();
      case tag.string:
        return this.longString();
      case tag.utf16:
        return this.utf16();
      case tag.bigint:
        return readBigint(this, false);
      case tag.negativeBigint:
        return readBigint(this, true);
      default:
        return this.#container(tagByte);
    }
  }

  #container(tagByte: number): unknown {
    this.enter();
    const value = this.#readContainer(tagByte);
    this.leave();
    return value;
  }

  #readContainer(tagByte: number): unknown {
    switch (tagByte) {
      case tag.object:
        return this.properties({});
      case tag.array:
        return this.#array();
      case tag.numbers:
        return readNumbers(this);
      case tag.bare:
        return this.properties(Object.create(null) as object);
      case tag.map:
        return readMap(this);
      case tag.set:
        return readSet(this);
      case tag.date:
        return readDate(this);
      case tag.sparse:
        return readSparse(this);
      case tag.error:
        return readError(this);
      default:
        return this.#readRare(tagByte);
    }
  }

  #readRare(tagByte: number): unknown {
    switch (tagByte) {
      case tag.binary:
        return readBinary(this);
      case tag.blob:
        this.seenFlags |= headerFlag.blobs;
        return readBlob(this);
      case tag.reference:
        this.seenFlags |= headerFlag.references;
        return this.reference();
      case tag.registered:
        return readRegistered(this);
      case tag.regexp:
        return readRegExp(this);
      case tag.url:
        return readUrl(this);
      case tag.keyed:
        return this.fail("it is a cache key and not a value");
      default:
        return this.fail(`unknown tag ${tagByte}`);
    }
  }

  #integer(): number {
    const value = this.varint();
    if (value < 0x80) this.fail("a small number in the long form");
    return value;
  }

  #negative(): number {
    const value = -1 - this.varint();
    if (!Number.isSafeInteger(value)) this.fail("an integer beyond ±2⁵³");
    return value;
  }

  #single(): number {
    const value = this.float();
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.fail("an integer in the form of a float");
    return value;
  }

  #array(): unknown[] {
    const count = this.count(1);
    const array: unknown[] = [];
    let onlyNumbers = count > 0;
    for (let index = 0; index < count; index++) {
      const element = this.value();
      if (typeof element !== "number") onlyNumbers = false;
      array.push(element);
    }
    if (onlyNumbers) this.fail("an array of numbers in the form of any array");
    return array;
  }

  /** Adds counted properties to an object. Their keys must be sorted, so that none comes twice. */
  properties<T extends object>(target: T): T {
    const count = this.count(2);
    let previous = "";
    for (let index = 0; index < count; index++) {
      const key = this.#key();
      if (index > 0 && previous >= key) this.fail("keys that are not sorted");
      previous = key;
      const value = this.value();
      if (key === "__proto__") {
        Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
      } else (target as Record<string, unknown>)[key] = value;
    }
    return target;
  }

  #key(): string {
    const { bytes, position } = this;
    const size = (bytes[position] ?? 0) - tag.shortString;
    if (size < 1 || size > 0x3f || position + 1 + size > this.end) return this.string();
    this.position = position + 1;
    return this.#cached(keyCache, size);
  }

  #shortString(size: number): string {
    if (size === 0 || size > maxCachedString || size > this.end - this.position) return this.utf8(size);
    return this.#cached(valueCache, size);
  }

  /** The string of `size` bytes, which are known to be there. */
  #cached(cache: StringCache, size: number): string {
    const { bytes, position } = this;
    const cached = cache.find(bytes, position, size);
    if (cached !== undefined) {
      this.position = position + size;
      return cached;
    }
    const text = this.utf8(size);
    cache.remember(text, bytes, position, size);
    return text;
  }
}
