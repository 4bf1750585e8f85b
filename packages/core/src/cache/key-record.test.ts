import { describe, expect, it } from "vitest";
import { cacheKeyOf, diffKeyRecords, ENCODING_VERSION, keyIngredients, type KeyRecord } from "./key-record.ts";

const digest = (letter: string): string => letter.repeat(64);

const record: KeyRecord = {
  encoding: ENCODING_VERSION,
  account: "",
  namespace: "default",
  pipeline: null,
  func: "train",
  signature: { parameters: ["data", "epochs"], input: digest("1"), output: null },
  version: { kind: "given", value: "v1" },
  inputs: [
    { name: "data", digest: digest("a") },
    { name: "epochs", digest: digest("b") },
    { name: "verbose", digest: null },
  ],
};

const changes: [title: string, change: Partial<KeyRecord>, ingredient: string][] = [
  ["encoding", { encoding: ENCODING_VERSION + 1 }, "encoding"],
  ["account", { account: "a" }, "account"],
  ["namespace", { namespace: "branch" }, "namespace"],
  ["namespace in other letters", { namespace: "Default" }, "namespace"],
  ["namespace after 50 characters", { namespace: `${"n".repeat(50)}1` }, "namespace"],
  ["pipeline", { pipeline: "root" }, "pipeline"],
  ["func", { func: "test" }, "func"],
  ["names of parameters", { signature: { ...record.signature, parameters: ["data", "rate"] } }, "signature"],
  ["schema of the input", { signature: { ...record.signature, input: digest("2") } }, "signature"],
  ["no schema of the input", { signature: { ...record.signature, input: null } }, "signature"],
  ["schema of the output", { signature: { ...record.signature, output: digest("1") } }, "signature"],
  ["schema on the other side", { signature: { ...record.signature, input: null, output: digest("1") } }, "signature"],
  ["version", { version: { kind: "given", value: "v2" } }, "version"],
  ["kind of version", { version: { kind: "auto", value: "v1" } }, "version"],
  ["value of an input", { inputs: [{ name: "data", digest: digest("c") }, ...record.inputs.slice(1)] }, "inputs"],
  ["name of an input", { inputs: [{ name: "date", digest: digest("a") }, ...record.inputs.slice(1)] }, "inputs"],
  ["an input less", { inputs: record.inputs.slice(1) }, "inputs"],
  ["an input that is ignored", { inputs: [{ name: "data", digest: null }, ...record.inputs.slice(1)] }, "inputs"],
  ["an ignored input less", { inputs: record.inputs.slice(0, 2) }, "inputs"],
];

describe("cacheKeyOf", () => {
  it("is 64 hexadecimal characters, however long the record", () => {
    expect(cacheKeyOf(record)).toMatch(/^[0-9a-f]{64}$/);
    const inputs = Array.from({ length: 10_000 }, (_, at) => ({ name: `rest[${at}]`, digest: digest("a") }));
    expect(cacheKeyOf({ ...record, namespace: "n".repeat(100_000), inputs })).toMatch(/^[0-9a-f]{64}$/);
  });

  // Changing it makes every stored entry useless: that takes a new version of the encoding.
  it("stays the same from release to release", () => {
    expect(cacheKeyOf(record)).toBe("f230f328b2dd93879062b4c8b1ee3561355e8a670a9a42b5517a8f15bf28605d");
  });

  it("depends on every ingredient, and only on them", () => {
    const keys = [{}, ...changes.map(([, change]) => change)].map((change) => cacheKeyOf({ ...record, ...change }));
    expect(new Set(keys).size).toBe(changes.length + 1);
    expect(cacheKeyOf({ ...record, more: 1 } as KeyRecord)).toBe(cacheKeyOf(record));
    expect(new Set(changes.map(([, , ingredient]) => ingredient))).toEqual(new Set(keyIngredients));
  });

  it("takes spellings of one text as one where people type it, and nowhere else", () => {
    const [composed, decomposed] = ["caf\u00e9", "cafe\u0301"] as const;
    for (const field of ["namespace", "func", "pipeline"] as const) {
      expect(cacheKeyOf({ ...record, [field]: composed })).toBe(cacheKeyOf({ ...record, [field]: decomposed }));
    }
    const version = (value: string): KeyRecord => ({ ...record, version: { kind: "given", value } });
    expect(cacheKeyOf(version(composed))).not.toBe(cacheKeyOf(version(decomposed)));
  });

  it("never takes the end of one ingredient for the start of the next", () => {
    const keys = [
      { namespace: "ab", func: "c" },
      { namespace: "a", func: "bc" },
      { namespace: "a", pipeline: "b", func: "c" },
      { namespace: "a", pipeline: "bc", func: "" },
      { account: "a", namespace: "", func: "bc" },
    ].map((change) => cacheKeyOf({ ...record, ...change }));
    expect(new Set(keys).size).toBe(keys.length);
    const signature = { ...record.signature, parameters: ["data,epochs"] };
    expect(cacheKeyOf({ ...record, signature })).not.toBe(cacheKeyOf(record));
  });
});

describe("diffKeyRecords", () => {
  it.each(changes)("names the %s", (_, change, ingredient) => {
    const differences = diffKeyRecords(record, { ...record, ...change });
    expect(new Set(differences.map((difference) => difference.ingredient))).toEqual(new Set([ingredient]));
  });

  it("tells what was and what is, in the order in which people want to hear of it", () => {
    const changed: KeyRecord = {
      ...record,
      namespace: "branch",
      version: { kind: "auto", value: digest("d") },
      signature: { parameters: ["data"], input: null, output: digest("2") },
      inputs: [
        { name: "data", digest: null },
        { name: "epochs", digest: digest("c") },
        { name: "rate", digest: digest("e") },
      ],
    };
    expect(diffKeyRecords(record, changed)).toEqual([
      { ingredient: "version", before: "given:v1", after: `auto:${digest("d")}` },
      {
        ingredient: "signature",
        before: `(data, epochs) input ${digest("1")}`,
        after: `(data) output ${digest("2")}`,
      },
      { ingredient: "inputs", name: "data", before: digest("a"), after: "ignored" },
      { ingredient: "inputs", name: "epochs", before: digest("b"), after: digest("c") },
      { ingredient: "inputs", name: "rate", before: null, after: digest("e") },
      { ingredient: "inputs", name: "verbose", before: "ignored", after: null },
      { ingredient: "namespace", before: "default", after: "branch" },
    ]);
  });

  it("finds nothing exactly where the keys are the same", () => {
    expect(diffKeyRecords(record, { ...record, inputs: [...record.inputs] })).toEqual([]);
    expect(diffKeyRecords({ ...record, func: "caf\u00e9" }, { ...record, func: "cafe\u0301" })).toEqual([]);
    const composed: KeyRecord = { ...record, pipeline: "caf\u00e9" };
    expect(diffKeyRecords(composed, { ...record, pipeline: "cafe\u0301" })).toEqual([]);
  });
});
