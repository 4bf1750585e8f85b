import { RepriseError } from "../errors.ts";
import { byteKinds, fixByteOrder } from "./byte-kinds.ts";
import type { Decoder } from "./decoder.ts";
import { BLOB_THRESHOLD } from "./format.ts";

export function readBinary(decoder: Decoder): object {
  const kind = decoder.byte();
  const size = decoder.count(1);
  if (size >= BLOB_THRESHOLD) decoder.fail("bytes that should be in a blob of their own");
  const start = decoder.position;
  decoder.position += size;
  return restore(decoder, kind, decoder.bytes.subarray(start, start + size));
}

export function readBlob(decoder: Decoder): object {
  const kind = decoder.byte();
  const ref = decoder.reference();
  if (ref.size < BLOB_THRESHOLD) decoder.fail("a blob that should be in the document");
  if (decoder.loadBlob === undefined) {
    throw new RepriseError(
      "BLOB_NOT_FOUND",
      `The stored value needs blob ${ref.digest} (${ref.size} bytes). Give decode the option \`blob\`, which loads it.`,
    );
  }
  const bytes = decoder.loadBlob(ref);
  if (bytes.length !== ref.size) decoder.fail(`blob ${ref.digest} has ${bytes.length} bytes instead of ${ref.size}`);
  return restore(decoder, kind, bytes);
}

/** The value over its own, aligned copy of the bytes. */
function restore(decoder: Decoder, kindNumber: number, bytes: Uint8Array): object {
  const kind = byteKinds[kindNumber];
  if (kind === undefined || bytes.length % kind.unit !== 0) return decoder.fail("bytes of no known kind");
  if (kind.restore === undefined) {
    throw new RepriseError("TYPE_UNKNOWN", `The stored value holds a ${kind.name}, which this version of Node lacks.`);
  }
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  fixByteOrder(own, kind.unit);
  return kind.restore(own);
}
