import { encode, type KeyRecord } from "@reprise/core";
import type { CacheEntryDetails } from "@reprise/store";
import { describe, expect, it } from "vitest";
import { codeDifferences, parseKeptCode } from "./code-differences.ts";
import { type KeySources, keyDifferences } from "./key-differences.ts";
import { lineDiff } from "./line-diff.ts";
import { nearestEntry } from "./nearest-entry.ts";
import { partName } from "./part-name.ts";

const digest = (value: unknown) => encode(value).digest;

const record: KeyRecord = {
  encoding: 1,
  account: "local",
  namespace: "default",
  pipeline: null,
  func: "train",
  signature: { parameters: ["data", "lr"], input: null, output: null },
  version: { kind: "given", value: "v1" },
  inputs: [
    { name: "data", digest: digest({ rows: [1, 2] }) },
    { name: "lr", digest: digest(0.1) },
  ],
};
const nothing: KeySources = { values: async () => undefined, code: async () => undefined };

async function texts(changes: Partial<KeyRecord>, sources: Partial<KeySources> = {}): Promise<string[]> {
  const found = await keyDifferences(record, { ...record, ...changes }, { ...nothing, ...sources });
  return found.map(({ text }) => text);
}

function entry(changes: Partial<KeyRecord>, createdAt: number): CacheEntryDetails {
  return { record: { ...record, ...changes }, createdAt } as CacheEntryDetails;
}

describe("the nearest entry", () => {
  it("differs in the fewest ingredients, and is the newest of equals", () => {
    const other = { namespace: "other" };
    const both = { ...other, version: { kind: "given", value: "v2" } } as const;
    const entries = [entry(both, 5), entry(other, 1), entry({ encoding: 2 }, 3), entry(other, 2)];
    expect(nearestEntry(record, entries)).toBe(entries[2]);
    expect(nearestEntry(record, entries.slice(0, 2))).toBe(entries[1]);
    expect(nearestEntry(record, [])).toBe(undefined);
  });
});

describe("differences of keys", () => {
  it("name each ingredient", async () => {
    expect(await texts({})).toEqual([]);
    expect(await texts({ version: { kind: "given", value: "v2" } })).toEqual(['version: "v1" → "v2"']);
    expect(await texts({ version: { kind: "auto", value: "ab".repeat(32) } })).toEqual([
      'version: "v1" → all its code (abababab)',
    ]);
    expect(await texts({ namespace: "team", pipeline: "main", encoding: 2 })).toEqual([
      "namespace: default → team",
      'shared by: all pipelines → "main"',
      "encoding of values: version 1 → 2",
    ]);
    const signature = { parameters: ["data"], input: digest(1), output: null };
    expect(await texts({ signature })).toEqual([
      "parameters: (data, lr) → (data)",
      "signature: the input schema is new",
    ]);
  });

  it("name the place within an input, and tell digests where its values are gone", async () => {
    const inputs = [
      { name: "data", digest: digest({ rows: [1, 3] }) },
      { name: "lr", digest: null },
    ];
    const values = async () => [{ rows: [1, 2] }, { rows: [1, 3] }] as const;
    expect(await texts({ inputs }, { values })).toEqual([
      "input data.rows[1]: 2 → 3",
      `input lr: ${digest(0.1).slice(0, 12)} → ignored`,
    ]);
    const [old, fresh] = [digest({ rows: [1, 2] }), digest({ rows: [1, 3] })].map((text) => text.slice(0, 12));
    expect((await texts({ inputs }))[0]).toBe(`input data: ${old} → ${fresh}`);
    const equal = async () => [1, 1] as const;
    expect((await texts({ inputs }, { values: equal }))[0]).toContain("what was given is equal");
    expect(await texts({ inputs: record.inputs.slice(1) })).toEqual([`input data: ${old} → missing`]);
    const many = async () => [[], Array.from({ length: 50 })] as const;
    expect(await texts({ inputs: [inputs[0]!, record.inputs[1]!] }, { values: many })).toHaveLength(9);
  });

  it("name fields of the one unnamed argument as such", async () => {
    const unnamed = (value: unknown): KeyRecord => ({ ...record, inputs: [{ name: "input", digest: digest(value) }] });
    const [before, after] = [{ lr: 0.1 }, { lr: 0.2 }];
    const found = await keyDifferences(unnamed(before), unnamed(after), {
      ...nothing,
      values: async () => [before, after],
    });
    expect(found).toMatchObject([{ ingredient: "inputs", name: "lr", text: "input lr: 0.1 → 0.2", before: "0.1" }]);
  });

  it("name the code that changed where it is kept, and say so where it is not", async () => {
    const auto = (value: string): KeyRecord => ({ ...record, version: { kind: "auto", value: value.repeat(32) } });
    const part = (name: string, source: string) => ({ file: "a.ts", name, digest: source, source });
    const kept: Record<string, string> = {
      ["aa".repeat(32)]: JSON.stringify({
        closure: [part("train", "func(1)"), part("limit", "limit = 1")],
        packages: { zod: "4.1.0" },
      }),
      ["bb".repeat(32)]: JSON.stringify({
        closure: [part("train", "func(2)"), part("tokenize", "tokenize = (text: string): string[] => []")],
        packages: { zod: "4.2.0" },
      }),
    };
    const code = async (of: string) => parseKeptCode(kept[of]);
    const found = await keyDifferences(auto("aa"), auto("bb"), { ...nothing, code });
    expect(found.map(({ text }) => text)).toEqual([
      'code: func "train" itself changed  (a.ts)',
      "code: tokenize() is used now  (a.ts)",
      "code: limit is no longer used  (a.ts)",
      "package zod: 4.1.0 → 4.2.0",
    ]);
    expect(found[0]?.diff).toEqual(["@@ -1,1 +1,1 @@", "-func(1)", "+func(2)"]);
    expect((await keyDifferences(auto("aa"), auto("cc"), { ...nothing, code })).map(({ text }) => text)).toEqual([
      "code changed: aaaaaaaa → cccccccc  (its sources are not kept)",
    ]);
    const same = parseKeptCode(kept["aa".repeat(32)])!;
    expect(codeDifferences("train", same, same)).toMatchObject([{ ingredient: "code", diff: [] }]);
    for (const damaged of [undefined, "", "null", "{}", "[1"]) expect(parseKeptCode(damaged)).toBe(undefined);
  });
});

describe("pieces of code", () => {
  it("are called as what they are", () => {
    const called = (source: string) => partName("train", "x", source);
    for (const source of [
      "function x(a) { return a }",
      "export async function x() {}",
      "x = () => 1",
      "x = async (a: number, b = [1]): Promise<number> => a",
      "x = a => a",
      "x = <T>(a: T) => a",
      "x = function () {}",
    ]) {
      expect(`${source}: ${called(source)}`).toBe(`${source}: x()`);
    }
    for (const source of ["x = 1", "x = (1 + 2)", "x = [() => 1]", '"use strict"', "x = new Map()"]) {
      expect(`${source}: ${called(source)}`).toBe(`${source}: x`);
    }
    expect(called("class x {}")).toBe("class x");
    expect(called("x = func({ id: 1 })")).toBe("func x");
    expect(partName("train", "train", "func(1)")).toBe('func "train" itself');
  });

  it("are compared by lines, whatever their indentation and line ends", () => {
    const before = "f = () => {\r\n      const a = 1;\r\n      return a;\r\n    }";
    const after = "f = () => {\n  const a = 2;\n  return a;\n}";
    expect(lineDiff(before, after)).toEqual([
      "@@ -1,4 +1,4 @@",
      " f = () => {",
      "-  const a = 1;",
      "+  const a = 2;",
      "   return a;",
      " }",
    ]);
    expect(lineDiff(before, before)).toEqual([]);
    const long = (text: string) => Array.from({ length: 20_000 }, (_, at) => `${text} ${at}`).join("\n");
    expect(lineDiff(long("a"), long("b"))).toEqual(["-20000 lines", "+20000 lines"]);
  });
});
