import { expect, test } from "vitest";
import type { TreeDirectory, TreeFile, TreeNode } from "./tree.ts";
import { followPath } from "./tree-links.ts";

const file = (name: string): TreeFile => ({ kind: "file", name, size: 1, digest: "0".repeat(64), executable: false });
const link = (name: string, target: string): TreeNode => ({ kind: "link", name, target });
const directory = (name: string, ...nodes: TreeNode[]): TreeDirectory => ({ kind: "directory", name, nodes });

const root = directory(
  "",
  directory("a", directory("b", file("x"), link("y", "../../z"))),
  link("deep", "a/b"),
  link("loop", "loop"),
  link("ping", "pong"),
  link("pong", "ping"),
  file("z"),
);

test.each([
  ["a/b/x", "x"],
  ["./a//b/./x", "x"],
  ["a/b/../b/x", "x"],
  ["deep/x", "x"],
  ["deep/y", "z"],
  ["deep/../../z", "z"],
])("%s leads to %s", (path, name) => {
  expect(followPath<TreeFile>(root, [], path)).toMatchObject({ kind: "node", node: { name } });
});

test.each([
  ["..", "outside"],
  ["/z", "outside"],
  // As text it stays inside; but the link leads to a/b, and from there it is one step too many.
  ["deep/../../../z", "outside"],
  ["missing/../../z", "outside"],
  ["missing/../z", "nothing"],
  ["z/x", "nothing"],
  ["loop", "loop"],
  ["ping", "loop"],
])("%s leads to %s", (path, kind) => {
  expect(followPath<TreeFile>(root, [], path)).toEqual({ kind });
});

test("a path starts where its link is", () => {
  expect(followPath<TreeFile>(root, ["a", "b"], "../../z")).toMatchObject({ kind: "node", node: { name: "z" } });
  expect(followPath<TreeFile>(root, ["a"], "../../z")).toEqual({ kind: "outside" });
});
