import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encode, keyDigest } from "./encode.ts";
import { blobRefs } from "./scan-blobs.ts";
import { anyValue } from "./testing/any-value.ts";
import { digestOf, restore } from "./testing/restore.ts";

/** `REPRISE_PROPERTY_RUNS=300000` searches longer than the runs on every change do. */
const numRuns = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 3_000);
const timeout = 60_000 + numRuns * 5;

test("any value comes back deeply equal and with the same digest", { timeout }, () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const restored = restore(value);
      expect(isDeepStrictEqual(restored, value)).toBe(true);
      expect(digestOf(restored)).toBe(digestOf(value));
      expect(keyDigest(value)).toBe(digestOf(value));
    }),
    { numRuns },
  );
});

test("two values have one digest only if they are deeply equal", { timeout }, () => {
  const byDigest = new Map<string, unknown>();
  let repeated = 0;
  fc.assert(
    fc.property(anyValue, (value) => {
      const digest = digestOf(value);
      const known = byDigest.has(digest);
      if (known) repeated++;
      else byDigest.set(digest, value);
      expect(isDeepStrictEqual(byDigest.get(digest), value)).toBe(true);
    }),
    { numRuns },
  );
  expect(repeated).toBeGreaterThan(numRuns / 100);
});

test("a deep copy with its keys, entries and items added in another order has the same digest", { timeout }, () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(digestOf(reordered(value))).toBe(digestOf(value));
    }),
    { numRuns },
  );
});

test("a document is passed over to its end without being decoded", { timeout }, () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = Uint8Array.from(encode(value).bytes);
      // The flag makes the scan go through, though there is nothing to find.
      bytes[1] = 1;
      expect(blobRefs(bytes)).toEqual({ loaded: [], lazy: [] });
    }),
    { numRuns },
  );
});

function reordered(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Map.prototype) {
    const entries = [...(value as Map<unknown, unknown>)].toReversed();
    return new Map(entries.map(([key, item]) => [reordered(key), reordered(item)]));
  }
  if (prototype === Set.prototype) return new Set([...(value as Set<unknown>)].toReversed().map(reordered));
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy = Object.create(prototype) as object;
  for (const key of Object.keys(value).toReversed()) {
    const item = reordered((value as Record<string, unknown>)[key]);
    Object.defineProperty(copy, key, { value: item, enumerable: true });
  }
  return copy;
}
