import { RepriseError } from "../errors.ts";
import { type BlobLoader, Decoder } from "./decoder.ts";
import { defaultRegistry, type TypeRegistry } from "./type-registry.ts";

/** Options of `decode`. */
export interface DecodeOptions {
  /** Gives the content of a blob that the document names; it is copied. Needed only if there are such blobs. */
  readonly blob?: BlobLoader;
  /** The types known besides the built-in ones. Default: those of `registerType` and `registerClass`. */
  readonly registry?: TypeRegistry;
}

/**
 * The value whose stored form is `bytes`; a new one each time, sharing nothing with what was encoded. The bytes may come
 * from anywhere: malformed ones are an error, never a crash or a changed prototype.
 *
 * @throws RepriseError `ARTIFACT_DAMAGED` if the bytes are not what `encode` gives; `TYPE_UNKNOWN` if a type in them is not
 * registered; `TYPE_FAILED` if the `decode` of a registered type throws; `BLOB_NOT_FOUND` if it has blobs and the option
 * `blob` is not given.
 * @example
 * ```ts
 * const { bytes, blobs } = encode(new Float64Array(1_000_000));
 * const stored = new Map(blobs.map((part) => [part.digest, part.bytes]));
 * decode(bytes, { blob: ({ digest }) => stored.get(digest) ?? fail() });
 * ```
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): unknown {
  const decoder = new Decoder(bytes, options.registry ?? defaultRegistry, options.blob);
  try {
    return decoder.document();
  } catch (error) {
    if (RepriseError.is(error)) throw error;
    return decoder.fail("it holds what cannot be restored", { cause: error });
  }
}
