import { type Digest, digestBytes } from "../digest.ts";
import type { RepriseError } from "../errors.ts";
import type { BlobPart, BlobRef } from "./blob-ref.ts";
import { hasCycle } from "./cycles.ts";
import { Encoder } from "./encoder.ts";
import { notStorable, Refusal, refusalOf } from "./refusal.ts";
import { defaultRegistry, type TypeRegistry } from "./type-registry.ts";
import { typeNameOf } from "./type-name.ts";

/** Options of `encode` and `keyDigest`. */
export interface EncodeOptions {
  /** What the value is called in errors, as in `output` or `input.model`. Default: `value`. */
  readonly path?: string;
  /** The types known besides the built-in ones. Default: those of `registerType` and `registerClass`. */
  readonly registry?: TypeRegistry;
}

/** A value in its stored form. */
export interface Encoded {
  /** The artifact's id: digest of `bytes`. */
  readonly digest: Digest;
  /** The document. Large byte content stands in it by its digest. Do not change it. */
  readonly bytes: Uint8Array;
  /** Byte content of 64 KiB or more that was split out, each once. Store it before the document. */
  readonly blobs: readonly BlobPart[];
  /** Name of the value's type: of the primitive, `array`, `object`, the built-in class or the registered type. */
  readonly typeName: string;
  /** `BlobRef`s in the value: blobs that it needs and that somebody else has stored. */
  readonly references: readonly BlobRef[];
}

/** Larger buffers (16 MiB) are not kept for the next document. Growing one anew costs a quarter of the encoding. */
const maxKept = 16 * 1024 * 1024;
const none: readonly never[] = [];

let idle: Encoder | undefined;

/**
 * The stored form of a value and its digest. Equal values give equal bytes in every process, on every platform; values
 * with equal digests are equal. What could not be restored exactly is refused.
 *
 * @throws RepriseError `VALUE_NOT_STORABLE` naming the path of what cannot be stored, and why.
 * @example
 * ```ts
 * const { digest, bytes } = encode({ epochs: 3, tags: new Set(["a"]) }, { path: "output" });
 * ```
 */
export function encode(value: unknown, options: EncodeOptions = {}): Encoded {
  const registry = options.registry ?? defaultRegistry;
  const encoder = take(registry, false);
  try {
    encoder.document(value);
    const bytes = documentOf(encoder);
    return {
      digest: digestBytes(bytes),
      bytes,
      blobs: encoder.blobs.size === 0 ? none : [...encoder.blobs.values()],
      typeName: typeNameOf(value, registry),
      references: encoder.references.size === 0 ? none : [...encoder.references.values()],
    };
  } catch (error) {
    throw publicError(error, value, registry, options.path);
  } finally {
    release(encoder);
  }
}

/**
 * Digest by which a value takes part in cache keys: that of {@link encode}, except that instances of registered classes
 * with a `[cacheKey]()` method count by their registered name and what it returns.
 *
 * @throws RepriseError `VALUE_NOT_STORABLE` naming the path of what has no key, and why.
 */
export function keyDigest(value: unknown, options: EncodeOptions = {}): Digest {
  const registry = options.registry ?? defaultRegistry;
  const encoder = take(registry, true);
  try {
    encoder.document(value);
    return digestBytes(encoder.bytes.subarray(0, encoder.position));
  } catch (error) {
    throw publicError(error, value, registry, options.path);
  } finally {
    release(encoder);
  }
}

/** The idle encoder, or another one while a codec or getter of the user encodes within encoding. */
function take(registry: TypeRegistry, forKey: boolean): Encoder {
  const encoder = idle;
  if (encoder === undefined) return new Encoder(registry, forKey);
  idle = undefined;
  encoder.restart(registry, forKey);
  return encoder;
}

function release(encoder: Encoder): void {
  if (encoder.bytes.length > maxKept) return;
  encoder.forget();
  idle = encoder;
}

/** A copy, or the buffer itself if the encoder will not be used again. */
function documentOf(encoder: Encoder): Buffer {
  const written = encoder.bytes.subarray(0, encoder.position);
  return encoder.bytes.length > maxKept ? written : Buffer.from(written);
}

function publicError(thrown: unknown, value: unknown, registry: TypeRegistry, path = "value"): RepriseError {
  if (!(thrown instanceof Refusal)) return notStorable(refusalOf(thrown, "storing it failed"), path);
  if (thrown.tooDeep && hasCycle(value, registry)) {
    return notStorable(thrown, path, "the value contains itself; store an id in place of the reference back");
  }
  return notStorable(thrown, path);
}
