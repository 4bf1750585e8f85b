import { digestBytes } from "../digest.ts";
import { byteKinds, fixByteOrder, needsByteOrderFix } from "./byte-kinds.ts";
import type { Encoder } from "./encoder.ts";
import { BLOB_THRESHOLD, tag } from "./format.ts";
import { refuseProperties } from "./own-properties.ts";
import { Refusal } from "./refusal.ts";

/** Longest view whose keys are listed to find properties of its own; listing costs more than encoding. */
const maxSearched = 16;

/** Writes the viewed bytes of an ArrayBuffer, a typed array, a DataView or a Buffer; never the pool behind them. */
export function writeBinary(encoder: Encoder, value: ArrayBufferView | ArrayBufferLike, kind: number): void {
  const { name, unit } = byteKinds[kind] ?? { name: "", unit: 1 };
  const bytes = viewedBytes(value, name);
  const elements = ArrayBuffer.isView(value) && !(value instanceof DataView) ? bytes.length / unit : 0;
  if (elements <= maxSearched) refuseProperties(value, name, elements);
  const size = bytes.length;
  if (size < BLOB_THRESHOLD) {
    encoder.byte(tag.binary);
    encoder.head(kind, size);
    encoder.raw(bytes);
    if (needsByteOrderFix(unit)) fixByteOrder(encoder.bytes.subarray(encoder.position - size, encoder.position), unit);
    return;
  }
  // A copy, because blobs are stored later than this and the owner may change the bytes meanwhile.
  const shared = bytes.buffer instanceof SharedArrayBuffer;
  const content = encoder.forKey && !shared && !needsByteOrderFix(unit) ? bytes : bytes.slice();
  fixByteOrder(content, unit);
  const digest = digestBytes(content);
  encoder.blobs.set(digest, { digest, size, bytes: content });
  encoder.head(tag.blob, kind);
  encoder.digest(digest);
  encoder.varint(size);
}

function viewedBytes(value: ArrayBufferView | ArrayBufferLike, name: string): Uint8Array {
  if (ArrayBuffer.isView(value)) {
    if (isDetached(value.buffer)) throw detached(name);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (isDetached(value)) throw detached(name);
  if ((value as ArrayBuffer).resizable || (value as unknown as { growable?: boolean }).growable === true) {
    throw new Refusal(`a resizable ${name} cannot be restored as one; store buffer.slice(0) or a typed array over it`);
  }
  return new Uint8Array(value);
}

function isDetached(buffer: ArrayBufferLike): boolean {
  return "detached" in buffer && buffer.detached;
}

function detached(name: string): Refusal {
  return new Refusal(`a ${name} whose content was transferred elsewhere`);
}
