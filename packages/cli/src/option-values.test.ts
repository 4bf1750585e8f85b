import { describe, expect, it } from "vitest";
import { readAge, readLimit, readSize } from "./option-values.ts";

describe("values of options", () => {
  it("are sizes by thousands and by 1,024", () => {
    const sizes = ["0", "512B", "10kB", "500MB", "1.5 GB", "2GiB", "4kib", "1TiB"].map((text) =>
      readSize("x", "y", text),
    );
    expect(sizes).toEqual([0, 512, 10_000, 500_000_000, 1_500_000_000, 2 ** 31, 4096, 2 ** 40]);
    expect(readSize("x", "y", undefined)).toBe(undefined);
    for (const wrong of ["", "500", "MB", "-1MB", "1XB", "1e3MB", "Infinity"]) {
      expect(() => readSize("clear", "larger-than", wrong)).toThrow(/clear: --larger-than: .*is no size.*2GiB/);
    }
  });

  it("are lengths of time with a unit, and counts from 1", () => {
    expect(readAge("x", "y", "2h")).toBe(7_200_000);
    expect(() => readAge("clear", "older-than", "30")).toThrow("clear: --older-than needs a unit, e.g. 30d");
    expect(() => readAge("clear", "older-than", "soon")).toThrow(/clear: --older-than: "soon"/);
    expect(readLimit("x", undefined, 20)).toBe(20);
    expect(readLimit("x", "3", 20)).toBe(3);
    for (const wrong of ["0", "-1", "1.5", "many"]) expect(() => readLimit("ls", wrong, 20)).toThrow("--limit");
  });
});
