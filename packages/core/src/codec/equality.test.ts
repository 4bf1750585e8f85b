import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { keyDigest } from "./encode.ts";
import { ordered } from "./ordered.ts";
import { digestOf, restore } from "./testing/restore.ts";

/** All values have different digests, alone and inside containers. */
function allDiffer(values: readonly unknown[]): boolean {
  const wrappers = [
    (value: unknown) => value,
    (value: unknown) => [value],
    (value: unknown) => ["x", value],
    (value: unknown) => ({ a: value }),
    (value: unknown) => new Map([["k", value]]),
  ];
  return wrappers.every((wrap) => new Set(values.map((value) => digestOf(wrap(value)))).size === values.length);
}

function allSame(values: readonly unknown[]): boolean {
  return (
    new Set(values.map((value) => digestOf(value))).size === 1 && new Set(values.map((v) => keyDigest(v))).size === 1
  );
}

function nanWithPayload(): number {
  const bits = BigUint64Array.of(0xfff8000000000abcn);
  return new Float64Array(bits.buffer)[0]!;
}

test("NaN equals itself whatever its bits, and nothing else", () => {
  expect(allSame([Number.NaN, nanWithPayload(), Number("x")])).toBe(true);
  expect(allSame([[Number.NaN], [nanWithPayload()]])).toBe(true);
  expect(
    allSame([
      ["x", Number.NaN],
      ["x", nanWithPayload()],
    ]),
  ).toBe(true);
  expect(allDiffer([Number.NaN, null, "NaN", undefined])).toBe(true);
  expect(
    allDiffer([Float64Array.of(Number.NaN), new Float64Array(BigUint64Array.of(0x7ff8000000000001n).buffer)]),
  ).toBe(true);
});

test("minus zero is not zero, but a Map and a Set make no difference between them", () => {
  expect(allDiffer([0, -0])).toBe(true);
  expect(allSame([new Set([-0]), new Set([0])])).toBe(true);
  expect(allSame([new Map([[-0, 1]]), new Map([[0, 1]])])).toBe(true);
});

test("numbers are told apart by value, and from strings, booleans, bigints and infinities", () => {
  expect(allDiffer([1, "1", true, 1n, Infinity, -Infinity, null, new Date(1), [1]])).toBe(true);
  expect(allSame([1, 1.0, Number("1"), Float32Array.of(1)[0]])).toBe(true);
  expect(allDiffer([2 ** 53, 2 ** 53 - 1, 2 ** 53 + 2, -(2 ** 53), 2 ** 31, 2 ** 32])).toBe(true);
});

test("bigints are equal by value", () => {
  expect(allSame([0n, -0n])).toBe(true);
  expect(allDiffer([0n, 1n, -1n, 256n, 1, 10n ** 10_000n, 10n ** 10_000n + 1n])).toBe(true);
});

test("an undefined property, a missing one and a null one differ", () => {
  expect(allDiffer([{ a: undefined }, {}, { a: null }])).toBe(true);
});

test("the order of properties does not count, at any depth; that of array elements does", () => {
  expect(
    allSame([
      { a: 1, b: { x: 1, "10": 2, "9": 3 } },
      { b: { "9": 3, x: 1, "10": 2 }, a: 1 },
    ]),
  ).toBe(true);
  expect(
    allDiffer([
      [1, 2],
      [2, 1],
      ["a", "b"],
      ["b", "a"],
    ]),
  ).toBe(true);
});

test("the order of entries of Maps and Sets does not count, of objects in them neither", () => {
  expect(
    allSame([
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
      new Map([
        ["b", 2],
        ["a", 1],
      ]),
    ]),
  ).toBe(true);
  expect(allSame([new Set([1, 2, 300]), new Set([300, 2, 1])])).toBe(true);
  expect(allSame([new Set([{ a: 1, b: 2 }, { c: [3] }]), new Set([{ c: [3] }, { b: 2, a: 1 }])])).toBe(true);
  expect(
    allSame([
      new Map([
        [{ k: 1 }, 1],
        [{ k: 1 }, 2],
      ]),
      new Map([
        [{ k: 1 }, 2],
        [{ k: 1 }, 1],
      ]),
    ]),
  ).toBe(true);
});

test("Maps, Sets, objects and arrays of the same content differ", () => {
  expect(allDiffer([new Map([["a", 1]]), { a: 1 }, [["a", 1]], new Set([["a", 1]])])).toBe(true);
  expect(allDiffer([new Set([1]), [1], new Map([[1, 1]])])).toBe(true);
  expect(
    restore(
      new Map<unknown, string>([
        [1, "number"],
        ["1", "string"],
      ]),
    ).size,
  ).toBe(2);
});

test("an ordered Map or Set counts its order, keeps it, and is not an ordinary one", () => {
  const one = new Map([
    ["b", 1],
    ["a", 2],
  ]);
  const other = new Map([
    ["a", 2],
    ["b", 1],
  ]);
  expect(allDiffer([ordered(one), ordered(other), one])).toBe(true);
  expect([...restore(ordered(one))]).toEqual([
    ["b", 1],
    ["a", 2],
  ]);
  expect([...restore(ordered(new Set([3, 1, 2])))]).toEqual([3, 1, 2]);
  expect(allSame([restore(restore(ordered(one))), ordered(ordered(one))])).toBe(true);
  expect(ordered(one)).toBeInstanceOf(Map);
});

test("Dates are equal by time, an invalid one to an invalid one only", () => {
  expect(allSame([new Date(0), new Date("1970-01-01T01:00:00+01:00")])).toBe(true);
  expect(allSame([new Date(Number.NaN), new Date("x")])).toBe(true);
  expect(allDiffer([new Date(0), 0, "1970-01-01T00:00:00.000Z", new Date(Number.NaN), Number.NaN])).toBe(true);
});

test("only the viewed bytes of a buffer count, and never reach the stored form", () => {
  const pooled = Buffer.from("zzabc").subarray(2);
  expect(allSame([pooled, Buffer.from("abc"), Buffer.from(new TextEncoder().encode("abc"))])).toBe(true);
  expect(allSame([Uint16Array.of(9, 1, 2).subarray(1), Uint16Array.of(1, 2)])).toBe(true);
  const secret = new Uint8Array(200_000).fill(1);
  secret.set(new TextEncoder().encode("secret"), 0);
  expect(restore(secret.subarray(6)).buffer.byteLength).toBe(199_994);
});

test("typed arrays of different classes differ, and from arrays and from each other's buffers", () => {
  const values = [
    Uint8Array.of(1),
    Int8Array.of(1),
    Uint8ClampedArray.of(1),
    Buffer.of(1),
    [1],
    Uint8Array.of(1).buffer,
    new DataView(Uint8Array.of(1).buffer),
    Float32Array.of(1),
    Float64Array.of(1),
    Uint16Array.of(1),
    Int16Array.of(1),
    BigInt64Array.of(1n),
    BigUint64Array.of(1n),
    Uint32Array.of(1),
    Int32Array.of(1),
  ];
  expect(allDiffer(values)).toBe(true);
  expect(allDiffer(values.map((_, index) => new Uint8Array(70_000).fill(index)))).toBe(true);
});

test("a view of shared memory equals one of memory of its own", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  shared.set([1, 2]);
  expect(allSame([shared, Uint8Array.of(1, 2)])).toBe(true);
  const large = new Uint8Array(new SharedArrayBuffer(100_000)).fill(3);
  expect(allSame([large, new Uint8Array(100_000).fill(3)])).toBe(true);
});

test("a value that is used twice equals two equal values", () => {
  const shared = { a: [1, "x"] };
  expect(
    allSame([
      [shared, shared],
      [{ a: [1, "x"] }, { a: [1, "x"] }],
    ]),
  ).toBe(true);
});

test("a hole in an array is not undefined", () => {
  const holed: unknown[] = [];
  holed[1] = 1;
  const trailing: unknown[] = [1];
  trailing.length = 2;
  expect(allDiffer([holed, [undefined, 1], [1], trailing, [1, undefined]])).toBe(true);
});

test("strings are compared unit by unit, without normalisation", () => {
  expect(allDiffer(["\u00e9", "e\u0301"])).toBe(true);
  expect(allDiffer(["\uD800", "\uD801", "\uFFFD", "\uDC00"])).toBe(true);
  expect(allDiffer(["\u{1F600}", "\uFF5E", "\uD83D"])).toBe(true);
});

test("a string counts the same however the engine holds it", () => {
  const sliced = "€abcdefghijklmnop".slice(1);
  const joined = ["abcdefgh", "ijklmnop"].join("");
  const fromBytes = Buffer.from("abcdefghijklmnop").toString("latin1");
  expect(allSame([sliced, joined, fromBytes, "abcdefghijklmnop"])).toBe(true);
  const long = "x".repeat(50);
  expect(allSame([`€${long}`.slice(1), long])).toBe(true);
});

test("keys are sorted by UTF-16 unit, not by code point and not by locale", () => {
  expect(
    allSame([
      { "\u{1F600}": 1, "\uFF5E": 2, ä: 3, z: 4 },
      { z: 4, ä: 3, "\uFF5E": 2, "\u{1F600}": 1 },
    ]),
  ).toBe(true);
});

test("lengths keep neighbours apart", () => {
  expect(allDiffer([["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"]])).toBe(true);
  expect(allDiffer([{ a: "b" }, { ab: "" }, { "": "ab" }])).toBe(true);
  expect(allDiffer([[[1], 2], [1, [2]], [[1, 2]], [1, 2]])).toBe(true);
  expect(allDiffer([[], {}, "", new Map(), new Set(), null, new Uint8Array(0), Object.create(null)])).toBe(true);
});

test("an own property called __proto__ counts", () => {
  expect(allDiffer([JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}'), {}])).toBe(true);
});

test("symbol keys and properties that are not enumerable do not count", () => {
  const value = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3, enumerable: false });
  expect(allSame([value, { a: 1 }])).toBe(true);
});

test("regular expressions count source and flags, errors class, message and data but no stack", () => {
  const searched = /a/g;
  searched.lastIndex = 3;
  expect(allSame([searched, /a/g])).toBe(true);
  expect(allDiffer([/a/, /a/g, /b/, "/a/"])).toBe(true);
  const [first, second] = [() => new Error("m"), () => new Error("m")].map((make) => make());
  expect(allSame([first, second])).toBe(true);
  expect(
    allDiffer([new Error("m"), new Error("n"), new TypeError("m"), Object.assign(new Error("m"), { code: 1 })]),
  ).toBe(true);
  expect(allDiffer([new URL("https://a.b/"), "https://a.b/", new URL("https://a.b/c")])).toBe(true);
});

test("values of another realm equal those of this one", () => {
  expect(allSame([runInNewContext("({ a: [1, 'x', new Date(5)] })"), { a: [1, "x", new Date(5)] }])).toBe(true);
});

test("enumerable properties that somebody put on all objects do not count", () => {
  const before = digestOf({ a: 1 });
  let polluted = "";
  // oxlint-disable-next-line no-extend-native -- what others do to all objects is what is tested
  Object.defineProperty(Object.prototype, "extra", { value: 1, enumerable: true, configurable: true, writable: true });
  try {
    polluted = digestOf({ a: 1 });
  } finally {
    Reflect.deleteProperty(Object.prototype, "extra");
  }
  expect(polluted).toBe(before);
});
