import * as fc from "fast-check";
import { ordered } from "../ordered.ts";

const keys = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("a", "b", "c", "0", "10", "9", "__proto__", "constructor", "toString", "é", ""),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);

const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 70 })
  .map((codes) => String.fromCharCode(...codes));

/** Values without parts; small ranges, so that equal ones come up often. */
const scalars: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    127,
    128,
    NaN,
    Infinity,
    -Infinity,
    0n,
    1n,
    -1n,
    "",
    "0",
    "1",
  ),
  fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e21, 5e-324),
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  fc.string({ unit: "binary", maxLength: 80 }),
  units,
  fc.date({ noInvalidDate: false }),
  fc.integer({ min: 0, max: 2 }).map((time) => new Date(time)),
  fc.constantFrom(/a/g, /a/, /b\/[\]]/u).map((pattern) => new RegExp(pattern)),
  fc.webUrl().map((url) => new URL(url)),
  fc.uint8Array({ maxLength: 6 }),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  fc.int8Array({ maxLength: 3 }),
  fc.uint8ClampedArray({ maxLength: 3 }),
  fc.int16Array({ maxLength: 3 }),
  fc.uint32Array({ maxLength: 3 }),
  fc.float32Array({ maxLength: 3 }),
  fc.float64Array({ maxLength: 3 }),
  fc.bigInt64Array({ maxLength: 3 }),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Uint8Array.from(bytes).buffer),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => new DataView(Uint8Array.from(bytes).buffer)),
);

const errorClasses = [Error, TypeError, RangeError] as const;

/** An object with own properties as given, whatever their names. */
function objectOf(entries: readonly (readonly [string, unknown])[], prototype: object | null): object {
  const object = Object.create(prototype) as object;
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

function arrayWithHoles(parts: readonly (readonly [boolean, unknown])[]): unknown[] {
  const array: unknown[] = [];
  parts.forEach(([present, value], index) => {
    if (present) array[index] = value;
  });
  array.length = parts.length;
  return array;
}

const nested = fc.letrec<{ value: unknown }>((tie) => {
  const value = tie("value");
  const entries = fc.array(fc.tuple(keys, value), { maxLength: 5 });
  return {
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small", withCrossShrink: true },
      scalars,
      fc.array(value, { maxLength: 5 }),
      fc.array(fc.oneof(fc.integer(), fc.double()), { maxLength: 5 }),
      fc.array(fc.tuple(fc.boolean(), value), { maxLength: 5 }).map(arrayWithHoles),
      entries.map((list) => objectOf(list, Object.prototype)),
      entries.map((list) => objectOf(list, null)),
      fc.array(fc.tuple(value, value), { maxLength: 4 }).map((list) => new Map(list)),
      fc.array(value, { maxLength: 4 }).map((list) => new Set(list)),
      fc.array(fc.tuple(value, value), { maxLength: 3 }).map((list) => ordered(new Map(list))),
      fc
        .tuple(fc.constantFrom(...errorClasses), fc.string(), fc.option(value, { nil: undefined }), value)
        .map(([Type, message, cause, data]) => Object.assign(new Type(message, { cause }), { data })),
    ),
  };
});

/** Any value that can be stored, nested to some depth. */
export const anyValue: fc.Arbitrary<unknown> = nested.value;
