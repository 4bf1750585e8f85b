import { describe, expect, it } from "vitest";
import { painter } from "../terminal/paint.ts";
import { tableLines, tableOf } from "./table.ts";

const plain = painter(false);

function lines(records: readonly unknown[]): string[] | undefined {
  const table = tableOf(records, 40);
  return table === undefined ? undefined : tableLines(table, 80, plain);
}

describe("tableOf", () => {
  it("aligns numbers at the point with the digits they need, and texts at the left", () => {
    expect(
      lines([
        { model: "bayes", accuracy: 0.98761234, mails: 1200 },
        { model: "logistic", accuracy: 0.5, mails: 7 },
      ]),
    ).toEqual(["model     accuracy  mails", "bayes       0.9876   1200", "logistic    0.5000      7"]);
  });

  it("puts texts first, shows missing fields as empty, and a text of several lines on one", () => {
    expect(lines([{ a: 1, b: "x\ny" }, { a: 2 }, { a: 3, b: null }])).toEqual([
      "b     a",
      "x y   1",
      "      2",
      "null  3",
    ]);
  });

  it("is no table for what is nested or no record", () => {
    expect(lines([{ a: { b: 1 } }])).toBeUndefined();
    expect(lines([1, 2])).toBeUndefined();
    expect(lines([])).toBeUndefined();
    expect(lines([new Map()])).toBeUndefined();
  });
});
