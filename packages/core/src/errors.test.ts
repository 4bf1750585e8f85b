import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const source = readFileSync(new URL("errors.ts", import.meta.url), "utf8");
const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

describe("the page of errors", () => {
  const codes = [...source.matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map((match) => match[1]);
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));

  it("has one row for every code, and for nothing else", () => {
    expect(codes.length).toBeGreaterThan(25);
    const documented = rows.map((row) => /^\| `([A-Z_]+)`/.exec(row)?.[1]);
    expect(documented.length).toBe(codes.length);
    expect(new Set(documented)).toEqual(new Set(codes));
  });

  it.each(rows)("says what it means and what to do: %s", (row) => {
    const cells = row.split(" | ").map((cell) => cell.replaceAll(/[|\s]+/g, " ").trim());
    expect(cells.length).toBe(3);
    expect(cells.every((cell) => cell.length > 4)).toBe(true);
  });
});
