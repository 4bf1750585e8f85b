import { isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { BlobRef } from "./blob-ref.ts";
import { encode } from "./encode.ts";
import { digestOf, restore } from "./testing/restore.ts";

/** Whether a value comes back equal, as a copy, and with the same digest. */
function survives(value: unknown): boolean {
  const restored = restore(value);
  const copied = typeof value !== "object" || value === null || restored !== value;
  return copied && isDeepStrictEqual(restored, value) && digestOf(restored) === digestOf(value);
}

test.each([undefined, null, true, false])("%s is restored", (value) => {
  expect(survives(value)).toBe(true);
});

test.each([
  0,
  1,
  127,
  128,
  255,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -1,
  -128,
  -129,
  -(2 ** 31),
  -(2 ** 53 - 1),
  -(2 ** 53),
  -0,
  0.1,
  1e300,
  5e-324,
  NaN,
  Infinity,
  -Infinity,
])("the number %d is restored exactly", (value) => {
  expect(Object.is(restore(value), value)).toBe(true);
  expect(restore([value, "x"])).toStrictEqual([value, "x"]);
  expect(Object.is(restore([value])[0], value)).toBe(true);
});

test.each([
  "",
  "abc",
  "é",
  "\u0000",
  "x".repeat(40),
  "x".repeat(41),
  "x".repeat(63),
  "x".repeat(64),
  "x".repeat(127),
  "x".repeat(128),
  "é".repeat(20),
  "é".repeat(31),
  "é".repeat(32),
  "é".repeat(63),
  "é".repeat(64),
  "😀".repeat(5_000),
  "\ud800",
  "a\udc00b",
  "\uFEFFbom",
  "\uFFFD",
  "\uFFFD".repeat(100),
  "x".repeat(100_000),
  "é€😀".repeat(50_000),
])("a string is restored unit by unit", (value) => {
  expect(restore(value)).toBe(value);
  expect(restore({ [value]: value })).toStrictEqual({ [value]: value });
});

test("a bigint of ten thousand digits, zero and negative ones are restored", () => {
  for (const value of [0n, 1n, -1n, 255n, 256n, -(2n ** 64n), 10n ** 10_000n]) expect(restore(value)).toBe(value);
});

test("arrays keep order, emptiness, undefined and holes", () => {
  expect(survives([])).toBe(true);
  expect(survives([1, 2.5, -0, NaN])).toBe(true);
  expect(survives([1, "a", [2, [null]]])).toBe(true);
  expect(survives([1, 2, undefined])).toBe(true);
  const holes: unknown[] = [, 1, , , undefined, 2, ,]; // oxlint-disable-line no-sparse-arrays -- holes are tested
  expect(survives(holes)).toBe(true);
  expect(Object.keys(restore(holes))).toEqual(["1", "4", "5"]);
  expect(restore(holes)).toHaveLength(7);
});

test("an array with one element far out costs what it holds, not its length", () => {
  const far: unknown[] = [];
  far[4_000_000_000] = "x";
  expect(encode(far).bytes.length).toBeLessThan(30);
  const restored = restore(far);
  expect(restored).toHaveLength(4_000_000_001);
  expect(Object.keys(restored)).toEqual(["4000000000"]);
});

test("a missing property and an undefined one stay apart", () => {
  expect(Object.keys(restore<object>({ a: undefined }))).toEqual(["a"]);
  expect(Object.keys(restore<object>({}))).toEqual([]);
});

test("objects without prototype and properties called __proto__ are restored as they were", () => {
  const bare = Object.assign(Object.create(null) as object, { a: 1 });
  expect(Object.getPrototypeOf(restore(bare))).toBe(null);
  expect(survives(bare)).toBe(true);
  const own: unknown = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
  expect(survives(own)).toBe(true);
  expect(Object.getPrototypeOf(restore(own))).toBe(Object.prototype);
  expect((restore(own) as { polluted?: boolean }).polluted).toBeUndefined();
});

test("an object with ten thousand properties, integer-like ones among them, is restored", () => {
  const large = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [index % 2 ? `k${index}` : index, index]),
  );
  expect(survives(large)).toBe(true);
});

test("Map, Set and Date are restored, an invalid Date too", () => {
  expect(
    survives(
      new Map<unknown, unknown>([
        ["a", 1],
        [1, "a"],
        [{ k: 1 }, new Map()],
        ["1", null],
      ]),
    ),
  ).toBe(true);
  expect(survives(new Set([3, "x", { a: 1 }, { a: 1 }, NaN]))).toBe(true);
  expect(survives([new Date(0), new Date(-1), new Date(8.64e15), new Date(Number.NaN)])).toBe(true);
});

test("RegExp and URL are restored by what they say", () => {
  const pattern = /a\/b[^"]+\n/dgimsuy;
  pattern.lastIndex = 3;
  expect(String(restore(pattern))).toBe(String(pattern));
  expect(restore(pattern).lastIndex).toBe(0);
  expect(survives([/(?:)/v, new URL("https://user@example.com:8080/ä?q=1#f")])).toBe(true);
  expect(restore(new URL("https://example.com"))).toBeInstanceOf(URL);
});

test("errors are restored with class, message, name, cause and own data, and without a foreign stack", () => {
  const error = new RangeError("too far", { cause: { at: 3 } });
  Object.assign(error, { code: "FAR", tries: [1, 2] });
  const restored = restore(error) as RangeError & { code: string };
  expect(restored).toBeInstanceOf(RangeError);
  expect(restored).toMatchObject({ message: "too far", code: "FAR", cause: { at: 3 } });
  expect(restored.stack).toBe("RangeError: too far");
  expect(Object.keys(restored).sort()).toEqual(["code", "tries"]);
  expect(survives(error)).toBe(true);
  expect(survives(new Error("with undefined", { cause: undefined }))).toBe(true);
  expect(survives(new Error())).toBe(true);
  expect(survives(new AggregateError([new TypeError("a"), 1], "both"))).toBe(true);
  const named = Object.defineProperty(new Error("x"), "name", { value: "Own", configurable: true, writable: true });
  expect(restore(named).name).toBe("Own");
  expect(Object.keys(restore(named))).toEqual([]);
});

const views = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
];

test.each(views)("%o is restored with its class over memory of its own", (View) => {
  const whole = View.from([1, 2, 3, 250, 5]);
  expect(survives(whole)).toBe(true);
  const part = whole.subarray(1, 3);
  expect(survives(part)).toBe(true);
  expect(restore(part).buffer.byteLength).toBe(part.byteLength);
  expect(restore(part).byteOffset).toBe(0);
});

test("big integer arrays, DataView, ArrayBuffer, SharedArrayBuffer and Buffer are restored", () => {
  expect(survives(BigInt64Array.of(-1n, 2n))).toBe(true);
  expect(survives(BigUint64Array.of(2n ** 64n - 1n))).toBe(true);
  expect(survives(new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2))).toBe(true);
  expect(survives(Uint8Array.of(1, 2, 3).buffer)).toBe(true);
  expect(survives(Buffer.from("abc"))).toBe(true);
  expect(Buffer.isBuffer(restore(Buffer.from("abc")))).toBe(true);
  expect(Buffer.isBuffer(restore(Uint8Array.of(1)))).toBe(false);
  const shared = new SharedArrayBuffer(3);
  new Uint8Array(shared).set([7, 8, 9]);
  expect(restore(shared)).toBeInstanceOf(SharedArrayBuffer);
  expect([...restore(new Uint8Array(shared))]).toEqual([7, 8, 9]);
  expect(restore(new Uint8Array(shared)).buffer).toBeInstanceOf(ArrayBuffer);
});

const half = (globalThis as { Float16Array?: new (values: number[]) => object }).Float16Array;

test.runIf(half !== undefined)("half floats are restored where Node has them", () => {
  expect(half !== undefined && survives(new half([1.5, -2]))).toBe(true);
});

test("a NaN in a Float64Array keeps its bits", () => {
  const bits = BigUint64Array.of(0x7ff8000000000123n);
  const restored = restore(new Float64Array(bits.buffer));
  expect(new BigUint64Array(restored.buffer)[0]).toBe(0x7ff8000000000123n);
});

test("built-in values of another realm are restored as those of this one", () => {
  const foreign: unknown = runInNewContext(
    "({ a: [1, 'x'], m: new Map([[1, new Date(5)]]), b: Uint8Array.of(1), e: new TypeError('t') })",
  );
  expect(restore(foreign)).toStrictEqual({
    a: [1, "x"],
    m: new Map([[1, new Date(5)]]),
    b: Uint8Array.of(1),
    e: new TypeError("t"),
  });
  expect(digestOf(foreign)).toBe(digestOf(restore(foreign)));
});

test("a BlobRef stays one", () => {
  const ref = new BlobRef("ab".repeat(32), 2 ** 40);
  expect(survives({ ref })).toBe(true);
  expect(restore(ref)).toBeInstanceOf(BlobRef);
  expect(encode([ref, ref]).references).toEqual([ref]);
  expect(() => new BlobRef("AB".repeat(32), 1)).toThrow(/names no blob/);
  expect(() => new BlobRef("ab".repeat(32), -1)).toThrow(/names no blob/);
});

test("a value may be changed after it was stored or loaded, without changing what is stored", () => {
  const value = { list: [1, "a"], bytes: new Uint8Array(70_000).fill(1) };
  const encoded = encode(value);
  value.list.push("b");
  value.bytes.fill(2);
  expect(encoded.digest).toBe(digestOf({ list: [1, "a"], bytes: new Uint8Array(70_000).fill(1) }));
  expect(encoded.blobs[0]?.bytes[0]).toBe(1);
});
