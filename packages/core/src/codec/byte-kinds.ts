/** The classes that hold bytes, by their number in the format. Append only. */

// Exists from Node 24 on; where it does not, no value needs it and documents that hold one say so when decoded.
declare const Float16Array: ViewConstructor | undefined;

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;

export interface ByteKind {
  readonly name: string;
  /** Bytes in an element. */
  readonly unit: number;
  /** The value over bytes that are its own. */
  readonly restore: ((bytes: Uint8Array<ArrayBuffer>) => object) | undefined;
  readonly prototype: object | undefined;
}

function view(name: string, unit: number, type: ViewConstructor | undefined): ByteKind {
  if (type === undefined) return { name, unit, restore: undefined, prototype: undefined };
  return { name, unit, restore: (bytes) => new type(bytes.buffer), prototype: type.prototype as object };
}

export const byteKinds: readonly ByteKind[] = [
  { name: "ArrayBuffer", unit: 1, restore: (bytes) => bytes.buffer, prototype: ArrayBuffer.prototype },
  {
    name: "SharedArrayBuffer",
    unit: 1,
    restore: (bytes) => {
      const shared = new SharedArrayBuffer(bytes.length);
      new Uint8Array(shared).set(bytes);
      return shared;
    },
    prototype: SharedArrayBuffer.prototype,
  },
  view("DataView", 1, DataView),
  { name: "Buffer", unit: 1, restore: (bytes) => Buffer.from(bytes.buffer), prototype: Buffer.prototype },
  view("Int8Array", 1, Int8Array),
  view("Uint8Array", 1, Uint8Array),
  view("Uint8ClampedArray", 1, Uint8ClampedArray),
  view("Int16Array", 2, Int16Array),
  view("Uint16Array", 2, Uint16Array),
  view("Int32Array", 4, Int32Array),
  view("Uint32Array", 4, Uint32Array),
  view("Float16Array", 2, typeof Float16Array === "undefined" ? undefined : Float16Array),
  view("Float32Array", 4, Float32Array),
  view("Float64Array", 8, Float64Array),
  view("BigInt64Array", 8, BigInt64Array),
  view("BigUint64Array", 8, BigUint64Array),
];

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Turns elements between the machine's byte order and little-endian, in place. Nothing to do on most machines. */
export function fixByteOrder(bytes: Uint8Array, unit: number): void {
  if (littleEndian || unit === 1) return;
  for (let start = 0; start < bytes.length; start += unit) bytes.subarray(start, start + unit).reverse();
}

/** Whether `fixByteOrder` would change bytes of elements of this size, so that they must be copied first. */
export function needsByteOrderFix(unit: number): boolean {
  return !littleEndian && unit > 1;
}
