import { byteKinds } from "./byte-kinds.ts";
import { BlobRef } from "./blob-ref.ts";
import { writeBinary } from "./encode-binary.ts";
import { writeMap, writeSet } from "./encode-collection.ts";
import { writeError } from "./encode-error.ts";
import { writePlainObject } from "./encode-object.ts";
import { writeRegistered } from "./encode-registered.ts";
import type { Encoder } from "./encoder.ts";
import { errorClasses, tag } from "./format.ts";
import { nativeClassName } from "./native-class.ts";
import { refuseProperties } from "./own-properties.ts";
import { Refusal } from "./refusal.ts";
import { refuseUnknown } from "./refuse-unknown.ts";

type Writer = (encoder: Encoder, value: never) => void;

const writers: readonly (readonly [name: string, prototype: object | undefined, writer: Writer])[] = [
  ["Map", Map.prototype, writeMap],
  ["Set", Set.prototype, writeSet],
  ["Date", Date.prototype, writeDate],
  ["RegExp", RegExp.prototype, writeRegExp],
  ["URL", URL.prototype, writeUrl],
  ["BlobRef", BlobRef.prototype, writeReference],
  ...byteKinds.map(({ name, prototype }, kind) => {
    return [name, prototype, (encoder: Encoder, value: never) => writeBinary(encoder, value, kind)] as const;
  }),
  ...errorClasses.map((type, kind) => {
    const writer = (encoder: Encoder, value: never) => writeError(encoder, value, kind);
    return [type.name, type.prototype, writer] as const;
  }),
];

const writersByPrototype = new Map(
  writers.flatMap(([, prototype, writer]) => (prototype === undefined ? [] : [[prototype, writer] as const])),
);
const writersByName = new Map(writers.map(([name, , writer]) => [name, writer]));

/** Writes an object that is neither an array nor has the prototype of plain objects. */
export function writeInstance(encoder: Encoder, value: object, prototype: object | null): void {
  if (prototype === null) {
    writeBare(encoder, value);
    return;
  }
  const writer = writersByPrototype.get(prototype);
  if (writer !== undefined) {
    writer(encoder, value as never);
    return;
  }
  if (writeRegistered(encoder, value, prototype)) return;
  // Another realm has the same built-in classes under prototypes of its own.
  const native = nativeClassName(prototype);
  const foreign = native === undefined ? undefined : writersByName.get(native);
  if (foreign !== undefined) foreign(encoder, value as never);
  else if (native === "Object" && Object.getPrototypeOf(prototype) === null) {
    writePlainObject(encoder, value, tag.object);
  } else refuseUnknown(value);
}

function writeBare(encoder: Encoder, value: object): void {
  const kind = Object.prototype.toString.call(value);
  if (kind === "[object Module]") throw new Refusal("a module; store the values that it exports");
  writePlainObject(encoder, value, tag.bare);
}

function writeDate(encoder: Encoder, date: Date): void {
  refuseProperties(date, "Date");
  encoder.byte(tag.date);
  encoder.reserve(8);
  encoder.float(date.getTime());
}

function writeRegExp(encoder: Encoder, pattern: RegExp): void {
  refuseProperties(pattern, "RegExp");
  encoder.byte(tag.regexp);
  encoder.string(pattern.source);
  encoder.string(pattern.flags);
}

function writeUrl(encoder: Encoder, url: URL): void {
  refuseProperties(url, "URL");
  encoder.byte(tag.url);
  encoder.string(url.href);
}

function writeReference(encoder: Encoder, reference: BlobRef): void {
  encoder.references.set(reference.digest, reference);
  encoder.byte(tag.reference);
  encoder.digest(reference.digest);
  encoder.varint(reference.size);
}
