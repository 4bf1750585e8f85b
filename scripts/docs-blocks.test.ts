import { expect, test } from "vitest";
import { docsBlocks } from "./docs-blocks.ts";

const fenced = (info: string, code: string) => ["```" + info, code, "```"].join("\n");

test("a block says what is to be done with it and where it stands", () => {
  const markdown = ["# Title", fenced("ts", "1;"), fenced("ts no-run", "2;"), fenced("sh run", "ls")].join("\n");
  expect(docsBlocks(markdown)).toEqual([
    { language: "ts", run: true, file: undefined, line: 3, code: "1;\n" },
    { language: "ts", run: false, file: undefined, line: 6, code: "2;\n" },
    { language: "sh", run: true, file: undefined, line: 9, code: "ls\n" },
  ]);
});

test("a block can be kept under a name", () => {
  expect(docsBlocks(fenced("ts file=pipeline.ts no-run", "1;"))).toMatchObject([{ file: "pipeline.ts", run: false }]);
});

test("blocks for the reader alone are left out", () => {
  const markdown = [fenced("sh", "rm -r /"), fenced("json", "{}"), fenced("ts ignore", "{ ... }"), fenced("", "x")];
  expect(docsBlocks(markdown.join("\n"))).toEqual([]);
});

test("a block inside a list loses the indent of the list", () => {
  expect(docsBlocks("- do:\n\n  ```ts\n  if (a) {\n    b();\n  }\n  ```\n")).toMatchObject([
    { line: 4, code: "if (a) {\n  b();\n}\n" },
  ]);
});

test("a fence inside a longer fence is text", () => {
  expect(docsBlocks("````md\n```ts\n1;\n```\n````\n")).toEqual([]);
});

test.each([["ts norun"], ["ts file=a.ts file=b.ts"], ["sh runs"], ["typescript"]])(
  "a misspelt fence is an error: %s",
  (info) => {
    expect(() => docsBlocks(`text\n${fenced(info, "1;")}`)).toThrow("line 2");
  },
);

test("a fence that is never closed is an error", () => {
  expect(() => docsBlocks("```ts\n1;")).toThrow("line 1");
});
