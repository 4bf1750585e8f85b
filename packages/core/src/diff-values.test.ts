import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cacheKey } from "./codec/cache-key.ts";
import { encode } from "./codec/encode.ts";
import { anyValue } from "./codec/testing/any-value.ts";
import { TypeRegistry } from "./codec/type-registry.ts";
import { diffValues, type ValueDifference } from "./diff-values.ts";

/** `REPRISE_PROPERTY_RUNS=300000` searches longer than the runs on every change do. */
const numRuns = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 3_000);
const timeout = 60_000 + numRuns * 5;

function lines(differences: readonly ValueDifference[]): string[] {
  return differences.map(({ path, before, after }) => `${path}: ${before} → ${after}`);
}

function diff(before: unknown, after: unknown): string[] {
  return lines(diffValues(before, after));
}

/** `value` in arrays so many levels deep. */
function nested(value: unknown, depth: number): unknown {
  let around = value;
  for (let level = 0; level < depth; level++) around = [around];
  return around;
}

describe("diffValues", () => {
  it("names the place of each difference and what stands there", () => {
    expect(diff({ lr: 0.1, layers: [64, 32] }, { lr: 0.2, layers: [64] })).toEqual([
      ".layers.length: 2 → 1",
      ".layers[1]: 32 → missing",
      ".lr: 0.1 → 0.2",
    ]);
    expect(diff([{ name: "a" }], [{ name: "b", "odd key": undefined }])).toEqual([
      '[0].name: "a" → "b"',
      '[0]["odd key"]: missing → undefined',
    ]);
    expect(diff({ model: { lr: 1 } }, { model: null })).toEqual([".model: { lr: 1 } → null"]);
    expect(diff(1, "1")).toEqual([': 1 → "1"']);
  });

  it("tells what === and JSON do not", () => {
    expect(diff([NaN, -0, 1n, undefined], [NaN, 0, 1, null])).toEqual([
      "[1]: -0 → 0",
      "[2]: 1n → 1",
      "[3]: undefined → null",
    ]);
    expect(diff({ a: undefined }, {})).toEqual([".a: undefined → missing"]);
    // oxlint-disable-next-line no-sparse-arrays -- A hole is what is tested.
    expect(diff([, 1], [undefined, 1])).toEqual(["[0]: missing → undefined"]);
    expect(diff({}, Object.create(null))).toHaveLength(1);
  });

  it("compares Maps by key and Sets by item, in whatever order they were filled", () => {
    const before = new Map<unknown, unknown>([
      ["k", { a: 1 }],
      [{ id: 7 }, "x"],
      [3, 3],
    ]);
    const after = new Map<unknown, unknown>([
      ["new", true],
      [{ id: 7 }, "y"],
      ["k", { a: 2 }],
    ]);
    expect(diff(before, after)).toEqual([
      '.get("k").a: 1 → 2',
      '.get({ id: 7 }): "x" → "y"',
      ".get(3): 3 → missing",
      '.get("new"): missing → true',
    ]);
    expect(diff(new Set([1, { a: 1 }, "x"]), new Set(["y", { a: 1 }, 1]))).toEqual([
      '.has("x"): true → false',
      '.has("y"): false → true',
    ]);
    expect(diff(new Map([["a", 1]]), { a: 1 })).toHaveLength(1);
  });

  it("compares built-in values", () => {
    expect(diff(new Date(0), new Date(1))).toEqual([
      ": Date(1970-01-01T00:00:00.000Z) → Date(1970-01-01T00:00:00.001Z)",
    ]);
    expect(diff(/a/g, /a/)).toEqual([": /a/g → /a/"]);
    expect(diff(new URL("http://a/"), new URL("http://b/"))).toEqual([": URL(http://a/) → URL(http://b/)"]);
    expect(diff(new TypeError("a", { cause: 1 }), new TypeError("b", { cause: 2 }))).toEqual([
      ".cause: 1 → 2",
      '.message: "a" → "b"',
    ]);
    expect(diff(new TypeError("a"), new RangeError("a"))).toEqual([': TypeError("a") → RangeError("a")']);
  });

  it("names the first element in which bytes differ", () => {
    expect(diff(Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 2, 5, 6))).toEqual(["[2]: 3 → 5"]);
    expect(diff(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toEqual([".length: 2 → 3"]);
    expect(diff(Buffer.from("ab"), Buffer.from("ac"))).toEqual(["[1]: 98 → 99"]);
    expect(diff(Uint8Array.of(1).buffer, Uint8Array.of(2).buffer)).toEqual(["[0]: 1 → 2"]);
    const large = new Float32Array(200_000);
    const changed = large.slice();
    changed[123_456] = 1;
    expect(diff({ large }, { large: changed })).toEqual([".large[123456]: 0 → 1"]);
  });

  it("compares instances of registered classes by what is stored of them", () => {
    const registry = new TypeRegistry();
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
    }
    class Model {
      readonly path: string;
      constructor(path: string) {
        this.path = path;
      }
      [cacheKey]() {
        return this.path;
      }
    }
    registry.registerClass(Point, { name: "Point", encode: ({ x }) => ({ x }), decode: ({ x }) => new Point(x) });
    registry.registerClass(Model, { name: "Model" });
    const options = { registry };
    expect(lines(diffValues({ at: new Point(1) }, { at: new Point(2) }, options))).toEqual([".at<Point>.x: 1 → 2"]);
    expect(diffValues([new Model("a")], [new Model("a")], options)).toEqual([]);
    expect(diffValues([new Model("a")], [new Model("b")], options)).toMatchObject([{ path: "[0]" }]);
  });

  it("compares what cannot be stored as far as it can be read", () => {
    class Plain {
      readonly a: unknown;
      constructor(a: unknown) {
        this.a = a;
      }
    }
    const same = () => 1;
    expect(diff(new Plain(same), new Plain(same))).toEqual([]);
    expect(diff(new Plain([1, same]), new Plain([2, same]))).toEqual([".a[0]: 1 → 2"]);
    expect(diff({ f: same }, { f: () => 2 })).toEqual([".f: <function> → <function>"]);
    const throwing = Object.defineProperty({}, "a", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    expect(diff({ at: throwing, b: 1 }, { at: { a: 1 }, b: 2 })).toHaveLength(2);
  });

  it("ends with values that contain themselves, are deeply nested, or are endless arrays", () => {
    const ring = (end: number) => {
      const value: Record<string, unknown> = { end };
      value["self"] = [value];
      return value;
    };
    expect(diff(ring(1), ring(1))).toEqual([]);
    expect(diff(ring(1), ring(2))).toEqual([".end: 1 → 2"]);
    expect(diff(nested(1, 300), nested(1, 300))).toEqual([]);
    const [deep] = diffValues(nested(1, 300), nested(2, 300));
    expect(deep?.path).toBe("[0]".repeat(100));
    expect(diffValues(nested(1, 100_000), nested(1, 100_000)).length).toBeLessThan(2);
    const far: unknown[] = [];
    far[4_000_000_000] = 1;
    const changed: unknown[] = [];
    changed[4_000_000_000] = 2;
    expect(diff(far, changed)).toEqual(["[4000000000]: 1 → 2"]);
  });

  it("stops at the limit and keeps each text on one line of eighty units", () => {
    const before = Array.from({ length: 100 }, (_, index) => index);
    expect(
      diffValues(
        before,
        before.map((item) => item + 1),
      ),
    ).toHaveLength(20);
    expect(diffValues(before, [], { limit: 3 })).toHaveLength(3);
    const long = {
      text: "line\n".repeat(10_000),
      list: before,
      wide: Object.fromEntries(before.map((n) => [`k${n}`, n])),
    };
    for (const { before: text } of diffValues([long, "x\n".repeat(500)], [1, 2])) {
      expect(text.length).toBeLessThanOrEqual(80);
      expect(text).not.toContain("\n");
    }
  });

  it("finds no difference exactly where the digests are equal", { timeout }, () => {
    fc.assert(
      fc.property(anyValue, anyValue, fc.boolean(), (one, other, isSame) => {
        const second = isSame ? structuredCloneOf(one) : other;
        const isEqual = encode(one).digest === encode(second).digest;
        expect(diffValues(one, second).length === 0).toBe(isEqual);
      }),
      { numRuns },
    );
  });

  it("finds the one part that was changed", { timeout }, () => {
    fc.assert(
      fc.property(anyValue, anyValue, anyValue, (part, other, around) => {
        fc.pre(encode(part).digest !== encode(other).digest);
        const value = (changed: unknown) => ({ around, list: [around, new Map([["k", { part: changed }]])] });
        const found = diffValues(value(part), value(other));
        expect(found.length).toBeGreaterThan(0);
        for (const { path } of found) expect(path.startsWith('.list[1].get("k").part')).toBe(true);
      }),
      { numRuns },
    );
  });
});

/** An equal value with containers of its own where that is easy to have. */
function structuredCloneOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.some((_, index) => !(index in value)) ? value : value.map(structuredCloneOf);
  if (value instanceof Date) return new Date(value);
  return value;
}
