import { decode } from "../decode.ts";
import { encode } from "../encode.ts";
import type { TypeRegistry } from "../type-registry.ts";

/** The value after it was stored and loaded, with its blobs kept in memory. */
export function restore<T>(value: T, registry?: TypeRegistry): T {
  const options = registry === undefined ? {} : { registry };
  const { bytes, blobs } = encode(value, options);
  const stored = new Map(blobs.map((part) => [part.digest, part.bytes]));
  return decode(bytes, { ...options, blob: ({ digest }) => stored.get(digest)! }) as T;
}

/** Digest of the stored form. */
export function digestOf(value: unknown, registry?: TypeRegistry): string {
  return encode(value, registry === undefined ? {} : { registry }).digest;
}
