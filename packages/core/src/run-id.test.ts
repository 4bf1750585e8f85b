import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRunId, parseRunId, writeRunId } from "./run-id.ts";

const random = fc.uint8Array({ minLength: 8, maxLength: 8 });
const moment = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const sequence = fc.integer({ min: 0, max: 4_095 });

function id(now: number, at: number, chance: Uint8Array): string {
  const bytes = new Uint8Array(16);
  writeRunId(bytes, now, at, chance, 0);
  return formatRunId(bytes);
}

describe("run ids", () => {
  it("are UUIDs of version 7", () => {
    fc.assert(
      fc.property(moment, sequence, random, (now, at, chance) => {
        const text = id(now, at, chance);
        expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(Number.parseInt(text.replace("-", "").slice(0, 12), 16)).toBe(now);
      }),
    );
  });

  it("sort by time, then by sequence, whatever chance gave", () => {
    fc.assert(
      fc.property(moment, sequence, random, moment, sequence, random, (now, at, chance, now2, at2, chance2) => {
        fc.pre(now !== now2 || at !== at2);
        const earlier = now < now2 || (now === now2 && at < at2);
        expect(id(now, at, chance) < id(now2, at2, chance2)).toBe(earlier);
      }),
    );
  });

  it("come back from their text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parseRunId(formatRunId(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(["", "0193", "x".repeat(32), "0".repeat(31), "0".repeat(33)])("%j is none", (text) => {
    expect(parseRunId(text)).toBeUndefined();
  });
});
