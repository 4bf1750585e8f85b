import { describe, expect, it } from "vitest";
import { painter } from "../terminal/paint.ts";
import { textWidth } from "../terminal/text-width.ts";
import { renderValue } from "./render-value.ts";
import { toJson } from "./to-json.ts";

function render(value: unknown, width = 60, maxLines = 120): string[] {
  return renderValue(value, { width, maxLines, colored: false, paint: painter(false) });
}

describe("renderValue", () => {
  it("shows small values whole and texts as they are", () => {
    expect(render(0.1 + 0.2)).toEqual(["0.30000000000000004"]);
    expect(render(null)).toEqual(["null"]);
    expect(render("two\nlines")).toEqual(["two", "lines"]);
    expect(render(["a", 1])).toEqual(["[ 'a', 1 ]"]);
    expect(render(new Map([["a", 1]]))).toEqual(["Map(1) { 'a' => 1 }"]);
  });

  it("shows a report field by field, with tables and charts by name", () => {
    const report = {
      accuracy: 0.98,
      chart: {
        $schema: "https://vega.github.io/schema/vega-lite/v6.json",
        title: "ROC",
        data: { values: Array(500).fill(0) },
      },
      mistakes: [
        { subject: "Hello", score: 0.91 },
        { subject: "Free", score: 0.2 },
      ],
      note: "first\nsecond",
    };
    expect(render(report)).toEqual([
      "accuracy  0.98",
      "chart     Vega-Lite chart: ROC",
      "mistakes",
      "  subject  score",
      "  Hello     0.91",
      "  Free      0.20",
      "note",
      "  first",
      "  second",
    ]);
  });

  it("stays bounded, whatever the value", () => {
    const rows = Array.from({ length: 1_000 }, (_, id) => ({ id, name: "x".repeat(500) }));
    const lines = render(rows, 80);
    expect(lines).toHaveLength(42);
    expect(lines.at(-1)).toBe("… 960 more rows");
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(80);
    expect(render(new Float64Array(1e6)).length).toBeLessThan(30);
    expect(render("x\n".repeat(1_000), 80, 10)).toHaveLength(11);
    let deep: unknown = 1;
    for (let depth = 0; depth < 100; depth++) deep = { deep, other: { a: 1, b: { c: 1 } } };
    expect(render(deep).length).toBeLessThan(121);
  });

  it("does not let a value move the cursor", () => {
    expect(render({ text: "a\u001B[2Jb", "key\u001B[1A": { nested: { more: 1 } } }).join("\n")).not.toContain("\u001B");
  });
});

describe("toJson", () => {
  it("says what JSON cannot say", () => {
    const value = {
      big: 1n,
      none: undefined,
      numbers: [Number.NaN, -0, 1.5, Number.POSITIVE_INFINITY],
      floats: new Float32Array([1, 2]),
      set: new Set(["a"]),
      url: new URL("https://example.org/"),
      bad: new Date(Number.NaN),
      bytes: new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
    };
    expect(toJson(value)).toEqual({
      big: { $bigint: "1" },
      none: { $undefined: true },
      numbers: [{ $number: "NaN" }, { $number: "-0" }, 1.5, { $number: "Infinity" }],
      floats: { $numbers: { type: "Float32Array", values: [1, 2] } },
      set: { $set: ["a"] },
      url: { $url: "https://example.org/" },
      bad: { $date: "invalid" },
      bytes: { $bytes: "AgM=" },
    });
  });
});
