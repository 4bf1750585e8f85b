import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BlobRef } from "./blob-ref.ts";
import { describeType } from "./describe-type.ts";
import { ordered } from "./ordered.ts";
import { type Summary, type SummaryNode, summarize } from "./summarize.ts";
import { anyValue } from "./testing/any-value.ts";
import { TypeRegistry } from "./type-registry.ts";

const bytesOf = (summary: Summary) => Buffer.byteLength(JSON.stringify(summary));

test("plain data stands for itself", () => {
  const value = { name: "x", list: [1, 2.5, null, true], nested: { deep: [{}] } };
  expect(summarize(value)).toEqual(value);
});

test("what JSON cannot hold says what it is", () => {
  expect(summarize([Number.NaN, -0, -Infinity, undefined, 5n])).toEqual([
    { $: "number", text: "NaN" },
    { $: "number", text: "-0" },
    { $: "number", text: "-Infinity" },
    { $: "undefined" },
    { $: "bigint", text: "5" },
  ]);
  expect(summarize([new Date(0), new Date(Number.NaN), /a/g, new URL("https://a.b/"), new TypeError("no")])).toEqual([
    { $: "Date", text: "1970-01-01T00:00:00.000Z" },
    { $: "Date", text: "Invalid Date" },
    { $: "RegExp", text: "/a/g" },
    { $: "URL", text: "https://a.b/" },
    { $: "Error", name: "TypeError", text: "no" },
  ]);
  const holes: unknown[] = [];
  holes[1] = "x";
  expect(summarize(holes)).toEqual([{ $: "hole" }, "x"]);
  expect(summarize(new BlobRef("ab".repeat(32), 7))).toEqual({ $: "blob", digest: "ab".repeat(32), length: 7 });
});

test("Map, Set and typed arrays show entries and true length", () => {
  expect(summarize(new Map([[{ a: 1 }, "x"]]))).toEqual({ $: "Map", length: 1, entries: [[{ a: 1 }, "x"]] });
  expect(summarize(ordered(new Set([2, 1])))).toEqual({
    $: "type",
    name: "reprise/OrderedSet",
    value: { $: "Set", length: 2, items: [2, 1] },
  });
  expect(summarize(Float64Array.of(1, Number.NaN))).toEqual({
    $: "Float64Array",
    length: 2,
    items: [1, { $: "number", text: "NaN" }],
  });
  expect(summarize(Buffer.from("ab"))).toEqual({ $: "Buffer", length: 2, items: [97, 98] });
  expect(summarize(new DataView(Uint8Array.of(1, 2, 3).buffer, 1))).toEqual({
    $: "DataView",
    length: 2,
    items: [2, 3],
  });
});

test("an object with a property called $ is not taken for something else", () => {
  expect(summarize({ $: "Date", text: "x" })).toEqual({
    $: "object",
    length: 2,
    entries: [
      ["$", "Date"],
      ["text", "x"],
    ],
  });
});

test("large values are cut to the limit, tell their true length and keep an element", () => {
  const rows = Array.from({ length: 50_000 }, (_, id) => ({ id, text: "é".repeat(3_000) }));
  const summary = summarize(rows) as SummaryNode;
  expect(summary).toMatchObject({ $: "array", length: 50_000 });
  expect(summary.items?.[0]).toMatchObject({ id: 0, text: { $: "string", length: 3_000 } });
  expect(bytesOf(summary)).toBeLessThanOrEqual(128 * 1024);
  expect(summarize(new Float32Array(1e6))).toMatchObject({ $: "Float32Array", length: 1e6 });
});

test("something of a value remains in the smallest space, however it is nested", () => {
  const long = "\u0001".repeat(100_000);
  for (const value of [long, [long, long], { [long]: long }, new Map([[long, [[[long]]]]]), new Set([long])]) {
    const summary = summarize(value, { maxBytes: 1_024 });
    expect(bytesOf(summary)).toBeLessThanOrEqual(1_024);
    expect(JSON.stringify(summary)).toContain("\\u0001\\u0001");
  }
});

test("space that a small part does not need goes to the larger ones", () => {
  const summary = summarize({ a: 1, b: "short", text: "x".repeat(10_000) }, { maxBytes: 2_048 });
  expect((summary as { text: SummaryNode }).text.text?.length).toBeGreaterThan(1_700);
});

test("an array with one element far out is summarised without walking to it", () => {
  const far: unknown[] = [];
  far[4_000_000_000] = 1;
  expect(summarize(far)).toMatchObject({ $: "array", length: 4_000_000_001 });
  expect(describeType(far)).toMatchObject({ type: "array", length: 4_000_000_001 });
});

class Plain {
  readonly x = 1;
}

test("cycles, depth, unreadable properties and unknown instances do not stop a summary", () => {
  const cycle: { self?: unknown; ok: number } = { ok: 1 };
  cycle.self = cycle;
  expect(summarize(cycle)).toEqual({ ok: 1, self: { $: "more", text: "object" } });
  let deep: unknown = 1;
  for (let level = 0; level < 5_000; level++) deep = [deep];
  expect(JSON.stringify(summarize(deep))).toContain('{"$":"more","text":"array"}');
  const throwing = Object.defineProperty({}, "a", {
    enumerable: true,
    get() {
      throw new Error("closed");
    },
  });
  expect(summarize([throwing, 1])).toEqual([{ $: "more", text: "cannot be shown: closed" }, 1]);
  expect(summarize([() => 1, new Plain()])).toMatchObject([{ $: "more" }, { $: "more" }]);
  expect(describeType([cycle, deep, throwing])).toMatchObject({ type: "array", length: 3 });
});

test("a registered type shows its own summary and renderer, or else its stored form", () => {
  class Plot {
    readonly points = [1, 2];
  }
  class Note {
    readonly text = "n";
  }
  const registry = new TypeRegistry();
  const summary = (plot: Plot) => ({ points: plot.points.length });
  registry.registerClass(Plot, {
    name: "acme/Plot",
    render: "plot",
    summary,
    encode: (plot) => plot.points,
    decode: () => new Plot(),
  });
  registry.registerClass(Note, { name: "acme/Note", encode: (note) => note.text, decode: () => new Note() });
  expect(summarize([new Plot(), new Note()], { registry })).toEqual([
    { $: "type", name: "acme/Plot", render: "plot", value: { points: 2 } },
    { $: "type", name: "acme/Note", value: "n" },
  ]);
  expect(describeType(new Plot(), { registry })).toEqual({ type: "acme/Plot" });
});

test("descriptions of types merge like elements and stay small", () => {
  expect(describeType([{ id: 1 }, { id: 2 }, "x"])).toEqual({
    type: "array",
    length: 3,
    items: [
      { type: "object", properties: { id: { type: "number" } } },
      { type: "string", length: 1 },
    ],
  });
  expect(describeType(new Map([["a", 1n]]))).toEqual({
    type: "Map",
    length: 1,
    items: [{ type: "string", length: 1 }],
    values: [{ type: "bigint" }],
  });
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, [{ index }]]));
  const description = describeType({ a: wide, b: wide });
  expect(JSON.stringify(description).length).toBeLessThan(20_000);
  expect(description.properties?.["a"]).toMatchObject({ type: "object", propertyCount: 1_000 });
});

test("any value has a summary within the limit and a description", () => {
  fc.assert(
    fc.property(anyValue, fc.integer({ min: 1_024, max: 4_096 }), (value, maxBytes) => {
      expect(bytesOf(summarize(value, { maxBytes }))).toBeLessThanOrEqual(maxBytes);
      expect(JSON.stringify(describeType(value)).length).toBeLessThan(200_000);
    }),
    { numRuns: 500 },
  );
});
