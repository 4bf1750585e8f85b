import { isDeepStrictEqual } from "node:util";
import { encode } from "@reprise/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { func } from "../func.ts";
import { keyOf, make, stored } from "./testing/keys.ts";

/** `REPRISE_PROPERTY_RUNS=300000` searches longer than the runs on every change do. */
const numRuns = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 3_000);
const timeout = 60_000 + numRuns * 5;

const f = func({
  id: "of anything",
  cache: { version: "v1" },
  run: (a?: unknown, b?: unknown, ...rest: unknown[]) => [a, b, rest],
});

const anyValue = fc.oneof(
  fc.anything({
    maxDepth: 3,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.double(),
  fc.bigInt(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(/a/g, /a/, NaN, Infinity, new Date(NaN), Buffer.from("a"), new Error("a"), new URL("https://a.b")),
);

/** Arguments of a call; few and small, so that equal ones come up often. */
const anyArguments = fc.oneof(
  fc.array(anyValue, { maxLength: 4 }),
  fc.array(fc.constantFrom<unknown>(undefined, null, 0, -0, "", [], {}, [[]], [undefined]), { maxLength: 4 }),
);

it("two calls have one key only if what the body gets is deeply equal", { timeout }, () => {
  const seen = new Map<string, unknown>();
  let repeated = 0;
  fc.assert(
    fc.property(anyArguments, (args) => {
      const key = keyOf(f, args);
      expect(make(f, args.map(stored))).toMatchObject({ key });
      // An argument that is left out is undefined to the body.
      const [a, b, ...rest] = args;
      const given = { a, b, rest };
      if (seen.has(key)) repeated += 1;
      else seen.set(key, given);
      expect(isDeepStrictEqual(seen.get(key), given)).toBe(true);
    }),
    { numRuns },
  );
  expect(repeated).toBeGreaterThan(numRuns / 100);
});

it("calls whose bodies get equal values have one key", { timeout }, () => {
  const keysByValue = new Map<string, string>();
  fc.assert(
    fc.property(anyArguments, (args) => {
      const [a, b, ...rest] = args;
      const value = encode({ a, b, rest }).digest;
      const key = keyOf(f, args);
      expect(keysByValue.get(value) ?? key).toBe(key);
      keysByValue.set(value, key);
    }),
    { numRuns },
  );
});
