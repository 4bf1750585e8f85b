import * as fc from "fast-check";
import { RepriseError } from "@reprise/core";
import { expect, test } from "vitest";
import { digestTree, readListing, writeListing } from "./listing.ts";
import { compareNames, isNodeName, type TreeDirectory, type TreeNode } from "./tree.ts";

const runs = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 300);

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) => isNodeName(text));
const digest = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));

const { directory } = fc.letrec<{ node: TreeNode; directory: TreeDirectory }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      kind: fc.constant("file" as const),
      name,
      size: fc.maxSafeNat(),
      digest,
      executable: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("link" as const), name, target: fc.string({ unit: "grapheme" }) }),
    tie("directory"),
  ),
  directory: fc.record({
    kind: fc.constant("directory" as const),
    name,
    nodes: fc
      .uniqueArray(tie("node"), { selector: (node) => node.name, maxLength: 5 })
      .map((nodes) => nodes.toSorted((left, right) => compareNames(left.name, right.name))),
  }),
}));
const root = directory.map(({ nodes }): TreeDirectory => ({ kind: "directory", name: "", nodes }));

test("a listing gives back the tree, and equal digests mean equal trees", () => {
  fc.assert(
    fc.property(root, root, (tree, other) => {
      const listing = writeListing(tree);
      expect(readListing(listing)).toEqual(tree);
      const same = Buffer.compare(listing, writeListing(other)) === 0;
      expect(digestTree(tree) === digestTree(other)).toBe(same);
    }),
    { numRuns: runs },
  );
});

test("bytes that are no listing are refused, never misread", () => {
  fc.assert(
    fc.property(root, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(), (tree, at, byte, cut) => {
      const bytes = Uint8Array.from(writeListing(tree));
      bytes[at % bytes.length] = byte;
      for (const damaged of [bytes, bytes.subarray(0, cut % bytes.length)]) {
        try {
          // What is still a listing is the one of the tree that it gives: there are no two spellings of a tree.
          expect(Buffer.from(writeListing(readListing(damaged)))).toEqual(Buffer.from(damaged));
        } catch (error) {
          if (!RepriseError.is(error, "ARTIFACT_DAMAGED")) throw error;
        }
      }
    }),
    { numRuns: runs },
  );
});

test.each(["..", ".", "a/b", "", "a\0b"])("a listing with the name %o is refused", (bad) => {
  const listing = writeListing({ kind: "directory", name: "", nodes: [{ kind: "link", name: bad, target: "x" }] });
  expect(() => readListing(listing)).toThrow("a name that is none");
});

test.each([
  ["b", "a"],
  ["a", "a"],
])("a listing with %s before %s is refused: a tree has one spelling", (first, second) => {
  const nodes = [first, second].map((name) => ({ kind: "link", name, target: "x" }) as const);
  const listing = writeListing({ kind: "directory", name: "", nodes });
  expect(() => readListing(listing)).toThrow("names out of order");
});

test("names are in the order of their bytes, also beyond U+FFFF", () => {
  const names = ["\u{1f600}", "\uff5e", "b", "a"];
  expect(names.toSorted(compareNames)).toEqual(["a", "b", "\uff5e", "\u{1f600}"]);
  expect(names.toSorted()).toEqual(["a", "b", "\u{1f600}", "\uff5e"]);
});

test("a listing nested too deep is refused, not a stack overflow", () => {
  const level = [4, 1, "d".charCodeAt(0)];
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => level[index % 3] as number);
  expect(() => readListing(bytes)).toThrow("nested too deep");
});
