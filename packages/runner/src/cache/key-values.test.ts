import { describe, expect, it } from "vitest";
import { func } from "../func.ts";
import { keyOf, make, plain, problemOf, stored } from "./testing/keys.ts";

const f = func({ id: "of values", cache: { version: "v1" }, run: (value: unknown) => value });

/** The key of a value: the same alone, in an array, an object and a Map, whether or not its artifact is known. */
function keysOf(value: unknown): readonly string[] {
  return [value, [value], { a: value }, new Map([["k", value]])].map((wrapped) => {
    const key = keyOf(f, [wrapped]);
    expect(make(f, [stored(wrapped)])).toMatchObject({ key });
    return key;
  });
}

function nanOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] as number;
}

const holed: unknown[] = [];
holed[1] = 1;
const nan = Buffer.from([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
const sharedPart = { s: [1] };

const different: [title: string, values: readonly unknown[]][] = [
  ["NaN, null, undefined and the text", [NaN, null, undefined, "NaN"]],
  [
    "bytes of NaN in a typed array",
    [Float64Array.of(NaN), new Float64Array(BigUint64Array.of(0x7ff8000000000001n).buffer)],
  ],
  ["−0 and 0", [-0, 0]],
  ["infinities and null", [Infinity, -Infinity, null]],
  ["1 as number, text, boolean, bigint", [1, "1", true, 1n]],
  ["bigints", [0n, 1n, -1n, 10n ** 10_000n, 10n ** 10_000n + 1n]],
  ["undefined, nothing and null in an object", [{ a: undefined }, {}, { a: null }]],
  [
    "the order of an array",
    [
      [1, 2],
      [2, 1],
    ],
  ],
  ["a Map and an object", [new Map([["a", 1]]), { a: 1 }, [["a", 1]]]],
  ["a Set and an array", [new Set([1]), [1]]],
  [
    'keys 1 and "1" of a Map',
    [
      new Map<unknown, number>([
        [1, 0],
        ["1", 0],
      ]),
      new Map([[1, 0]]),
      new Map([["1", 0]]),
    ],
  ],
  ["a Date, its time and its text", [new Date(0), 0, "1970-01-01T00:00:00.000Z", new Date(NaN), NaN]],
  [
    "kinds of typed arrays",
    [Uint8Array.of(1), Int8Array.of(1), Uint8ClampedArray.of(1), [1], Float32Array.of(1), Float64Array.of(1), "\u0001"],
  ],
  ["composed and decomposed letters", ["\u00e9", "e\u0301"]],
  ["lone surrogates", ["\uD800", "\uD801", "\uFFFD"]],
  ["where texts and containers end", [["ab", "c"], ["a", "bc"], ["abc"], "abc", ["a", "b", "c"]]],
  ["where objects end", [{ a: "b" }, { ab: "" }, { a: { b: "" } }, ["a", "b"]]],
  ["where arrays end", [[[1], 2], [1, [2]], [1, 2], [[1, 2]]]],
  ["nothing in all forms", [[], {}, "", new Map(), new Set(), 0, false, null, undefined, 0n, new Uint8Array()]],
  ["a hole and undefined", [holed, [undefined, 1], [1]]],
  ["an own __proto__ and none", [JSON.parse('{"__proto__":{"a":1}}'), {}, { a: 1 }]],
  ["regular expressions", [/a/, /a/g, /b/, "/a/"]],
  ["errors", [new Error("a"), new Error("b"), new TypeError("a"), "Error: a"]],
  ["URLs", [new URL("https://a.example/"), new URL("https://b.example/"), "https://a.example/"]],
];

const same: [title: string, values: readonly unknown[]][] = [
  ["NaN of any bits", [NaN, nanOf(0xfff8000000000abcn), nan.readDoubleLE(0)]],
  ["numbers however they are written", [1, 1.0, Number("1"), Float32Array.of(1)[0]]],
  ["0n and −0n", [0n, -0n]],
  [
    "objects in any order of keys",
    [
      { a: 1, b: { 10: 1, 9: 2 } },
      { b: { 9: 2, 10: 1 }, a: 1 },
    ],
  ],
  [
    "Maps in any order",
    [
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
      new Map([
        ["b", 2],
        ["a", 1],
      ]),
    ],
  ],
  ["Sets in any order, of objects as well", [new Set([{ a: 1 }, { b: 2 }]), new Set([{ b: 2 }, { a: 1 }])]],
  ["Sets of 0 and −0", [new Set([0]), new Set([-0])]],
  ["Dates of one time", [new Date(0), new Date("1970-01-01T01:00:00+01:00")]],
  ["Dates that are none", [new Date(NaN), new Date("x")]],
  [
    "the bytes that a Buffer shows",
    [Buffer.from("zzabc").subarray(2), Buffer.from("abc"), Buffer.from(new TextEncoder().encode("abc"))],
  ],
  [
    "shared parts and copies",
    [
      [sharedPart, sharedPart],
      [{ s: [1] }, { s: [1] }],
    ],
  ],
  [
    "a text however it was put together",
    ["ab".repeat(20), "ab,".repeat(20).split(",").join(""), JSON.parse(JSON.stringify("ab".repeat(20)))],
  ],
  ["a regular expression wherever it searched", [/a/g, Object.assign(/a/g, { lastIndex: 3 })]],
  ["an error wherever it was made", [new Error("a"), (() => new Error("a"))()]],
];

describe("values have different keys:", () => {
  it.each(different)("%s", (_, values) => {
    const keys = values.map(keysOf);
    for (const at of [0, 1, 2, 3]) expect(new Set(keys.map((key) => key[at])).size).toBe(values.length);
  });
});

describe("values have one key:", () => {
  it.each(same)("%s", (_, values) => {
    const [first, ...others] = values.map(keysOf);
    for (const other of others) expect(other).toEqual(first);
  });
});

class Tokenizer {
  readonly words = ["a"];
}
const cyclic: Record<string, unknown> = { name: "x" };
cyclic["self"] = { back: cyclic };
const cyclicMap = new Map<string, unknown>();
cyclicMap.set("self", [cyclicMap]);
let deep: unknown = [];
for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
const throwing = Object.defineProperty({}, "price", {
  enumerable: true,
  get() {
    throw new Error("no price yet");
  },
});

const refused: [title: string, value: unknown, message: RegExp][] = [
  [
    "an instance of a class",
    { model: { tokenizer: new Tokenizer() } },
    /value\.model\.tokenizer: instance of Tokenizer/,
  ],
  ["an object that contains itself", cyclic, /: the value contains itself; store an id/],
  ["a Map that contains itself", cyclicMap, /: the value contains itself; store an id/],
  ["nesting without end", deep, /the value is nested more than \d+ levels deep/],
  ["a function", { on: () => 1 }, /value\.on: /],
  ["a symbol", [Symbol("a")], /value\[0\]: /],
  ["a promise", { later: Promise.resolve(1) }, /value\.later: /],
  ["a WeakMap", new WeakMap(), /value: /],
  ["a proxy", { p: new Proxy({}, {}) }, /value\.p: /],
  ["a getter that throws", throwing, /value: .*no price yet|value\.price: .*no price yet/],
];

describe("values have no key, and what they are a part of neither:", () => {
  it.each(refused)("%s", (_, value, message) => {
    const problem = problemOf(f, [plain(value)]);
    expect(problem).toMatch(/^input value of func "of values" has no digest: /);
    expect(problem).toMatch(message);
    expect(problem).toMatch(/name it in cache\.ignore$/);
  });
});

it("a key has 64 characters whatever the inputs, and a value may be long", () => {
  for (const value of ["", "x".repeat(5_000_000), new Uint8Array(9 * 1024 * 1024), 10n ** 10_000n]) {
    expect(keyOf(f, [value])).toMatch(/^[0-9a-f]{64}$/);
  }
});
