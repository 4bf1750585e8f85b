import { keyDigest } from "@reprise/core";
import { expect, it } from "vitest";
import { canonicalJsonSchema } from "./json-schema.ts";

type JsonObject = Readonly<Record<string, unknown>>;

const digestsOf = (schemas: readonly JsonObject[]): Set<string> =>
  new Set(schemas.map((schema) => keyDigest(canonicalJsonSchema(schema))));

const text = { type: "string" };
const list = { type: "array", items: text };
const node = { type: "object", properties: { next: { $ref: "#/$defs/node" }, name: text } };

it.each<[title: string, schemas: readonly JsonObject[]]>([
  [
    "orders of keywords",
    [
      { type: "object", properties: { a: text } },
      { properties: { a: text }, type: "object" },
    ],
  ],
  ["orders of required fields", [{ required: ["a", "b"] }, { required: ["b", "a"] }]],
  [
    "words for people",
    [text, { ...text, title: "t", description: "d", $comment: "c", examples: ["e"], default: "x", $id: "i" }],
  ],
  ["dialects", [text, { $schema: "https://json-schema.org/draft/2020-12/schema", ...text }]],
  [
    "places and names of definitions",
    [
      { properties: { a: text } },
      { properties: { a: { $ref: "#/$defs/one" } }, $defs: { one: text } },
      { properties: { a: { $ref: "#/definitions/two~1%7E01" } }, definitions: { "two/~1": text } },
      { $ref: "#/$defs/whole", $defs: { whole: { properties: { a: { $ref: "#/$defs/t" } } }, t: text } },
    ],
  ],
  [
    "what contains itself, by any name",
    [
      { type: "object", properties: { next: { $ref: "#" }, name: text } },
      { $ref: "#/$defs/node", $defs: { node } },
      { $ref: "#/$defs/x", $defs: { x: { type: "object", properties: { name: text, next: { $ref: "#/$defs/x" } } } } },
    ],
  ],
  [
    "numbers of definitions, whatever order keywords and fields have",
    [
      {
        items: { $ref: "#/$defs/a" },
        contains: { $ref: "#/$defs/b" },
        not: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/b" }] },
        $defs: { a: text, b: list },
      },
      {
        not: { anyOf: [{ $ref: "#/$defs/1" }, { $ref: "#/$defs/2" }] },
        contains: { $ref: "#/$defs/2" },
        items: { $ref: "#/$defs/1" },
        $defs: { 1: text, 2: list },
      },
    ],
  ],
])("one form stands for all %s", (_, schemas) => {
  expect(digestsOf(schemas).size).toBe(1);
});

it.each<[title: string, schemas: readonly JsonObject[]]>([
  [
    "fields that are named like keywords",
    [
      ...["title", "description", "default", "examples", "$id", "$defs", "required", "$ref"].map((name) => ({
        properties: { [name]: text },
      })),
      { properties: {} },
      { properties: JSON.parse('{"__proto__":{"type":"string"}}') as JsonObject },
    ],
  ],
  [
    "data that look like schemas",
    [
      { const: { title: "a" } },
      { const: { title: "b" } },
      { const: {} },
      { enum: [{ default: 1 }] },
      { enum: [{ default: 2 }] },
      { const: { required: ["a", "b"] } },
      { const: { required: ["b", "a"] } },
    ],
  ],
  [
    "definitions that are used in other places",
    [
      { properties: { a: { $ref: "#/$defs/t" }, b: list, c: { $ref: "#/$defs/t" } }, $defs: { t: text } },
      { properties: { a: text, b: { $ref: "#/$defs/t" }, c: { $ref: "#/$defs/t" } }, $defs: { t: list } },
      { properties: { a: text, b: list, c: { $ref: "#" } } },
    ],
  ],
  [
    "references with other keywords beside them",
    [
      { properties: { a: { $ref: "#/$defs/t" } }, $defs: { t: text } },
      { properties: { a: { $ref: "#/$defs/t", minLength: 1 } }, $defs: { t: text } },
      { properties: { a: { $ref: "#/$defs/t", minLength: 2 } }, $defs: { t: text } },
    ],
  ],
  [
    "references that lead elsewhere or nowhere",
    [{ $ref: "https://a.example/" }, { $ref: "https://b.example/" }, { $ref: "#/$defs/gone" }, { $ref: "#/%zz" }],
  ],
])("different forms tell %s", (_, schemas) => {
  expect(digestsOf(schemas).size).toBe(schemas.length);
});
