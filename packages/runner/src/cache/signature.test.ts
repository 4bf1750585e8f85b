import { scope as arkScope, type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AnySchema } from "../func-types.ts";
import { func } from "../func.ts";
import { signatureOf } from "./signature.ts";
import { defined } from "./testing/keys.ts";

let count = 0;

/** Digest of a schema as the input of a func; as the output it is the same. */
function digestOf(schema: AnySchema): string {
  const definition = defined(
    func({ id: `signature ${(count += 1)}`, input: schema, output: schema, run: (input: unknown) => input }),
  );
  const found = signatureOf(definition);
  if ("problem" in found) throw new Error(found.problem);
  expect(found.signature).toEqual({
    parameters: ["input"],
    input: found.signature.output,
    output: expect.any(String) as string,
  });
  return found.signature.input as string;
}

const word = z.string();

/** A tree and what it hangs on, each with fields in the order given: libraries number such definitions as they come. */
function zodTree(reversed: boolean, name: z.ZodType = z.string()): AnySchema {
  const order = <T extends object>(fields: T): T => {
    const all = Object.getOwnPropertyDescriptors(fields);
    const names = reversed ? Object.keys(all).toReversed() : Object.keys(all);
    return Object.defineProperties({}, Object.fromEntries(names.map((name) => [name, all[name as keyof T]]))) as T;
  };
  const tree: z.ZodType = z.object(
    order({
      name,
      get kids() {
        return z.array(tree);
      },
      get owner() {
        return owner.optional();
      },
      get friend() {
        return friend.optional();
      },
    }),
  );
  const owner: z.ZodType = z.object(
    order({
      get trees() {
        return z.array(tree);
      },
      get boss() {
        return owner.nullable();
      },
    }),
  );
  const friend: z.ZodType = z.object(
    order({
      get friends() {
        return z.array(friend);
      },
      get of() {
        return tree;
      },
    }),
  );
  return tree;
}

const same: [title: string, schemas: readonly (() => AnySchema)[]][] = [
  [
    "zod: order of fields, descriptions, defaults, aliases",
    [
      () => z.object({ a: z.number(), b: z.object({ c: z.string(), d: z.boolean() }) }),
      () => z.object({ b: z.object({ d: z.boolean(), c: z.string() }), a: z.number() }),
      () =>
        z.object({
          a: z.number().describe("the first"),
          b: z.object({ c: word, d: z.boolean() }).meta({ title: "B" }),
        }),
      () => z.object({ a: z.number(), b: z.object({ c: word, d: z.boolean() }).meta({ id: "Bee" }) }),
    ],
  ],
  [
    "zod: another default",
    [() => z.object({ a: z.number().default(2) }), () => z.object({ a: z.number().default(3) })],
  ],
  [
    "zod: what JSON Schema cannot express, in any order",
    [
      () => z.object({ d: z.date(), n: z.bigint(), m: z.map(z.string(), z.number()) }),
      () => z.object({ m: z.map(word, z.number()), n: z.bigint("no bigint"), d: z.date().describe("when") }),
    ],
  ],
  [
    "zod: defaults that are made anew, beside a Date",
    [
      () => z.object({ d: z.date(), id: z.string().default(() => `${(count += 1)}`) }),
      () => z.object({ d: z.date(), id: z.string().default("x") }),
    ],
  ],
  ["zod: schemas that contain themselves, in any order", [() => zodTree(false), () => zodTree(true)]],
  [
    "zod: schemas that contain themselves and a Date, in any order",
    [() => zodTree(false, z.date()), () => zodTree(true, z.date())],
  ],
  [
    "valibot: order of fields, titles, messages, defaults",
    [
      () => v.object({ a: v.optional(v.number(), 2), b: v.pipe(v.string(), v.minLength(3)) }),
      () =>
        v.object({
          b: v.pipe(v.string("a text!"), v.title("B"), v.minLength(3, "longer")),
          a: v.optional(v.number(), 3),
        }),
    ],
  ],
  [
    "valibot: the same type from another copy of the library",
    [() => v.string(), () => ({ ...v.string(), reference: (() => undefined) as never })],
  ],
  [
    "arktype: order of fields, descriptions, defaults",
    [
      () => type({ a: "number = 2", "b?": "string" }),
      () => type({ "b?": "string", a: type("number").describe("a number").default(3) }),
    ],
  ],
  [
    "arktype: schemas that contain themselves, made anew",
    [0, 1].map(
      () => () =>
        arkScope({ part: { name: "string", "parts?": "part[]", of: "whole" }, whole: { "first?": "part" } }).export()
          .part,
    ),
  ],
  [
    "arktype: what JSON Schema cannot express, made anew",
    [0, 1].map(() => () => type({ d: "Date", n: "bigint", s: type("string").narrow((s) => s > "a") })),
  ],
];

const different: [title: string, schemas: readonly (() => AnySchema)[]][] = [
  [
    "zod: names, types, what is optional, and additions",
    [
      () => z.object({ a: z.number() }),
      () => z.object({ b: z.number() }),
      () => z.object({ a: z.string() }),
      () => z.object({ a: z.number().optional() }),
      () => z.object({ a: z.number().nullable() }),
      () => z.object({ a: z.number(), b: z.string().optional() }),
      () => z.object({ a: z.number().int() }),
      () => z.object({ a: z.number().min(1) }),
      () => z.object({ a: z.array(z.number()) }),
      () => z.object({ a: z.literal(1) }),
      () => z.looseObject({ a: z.number() }),
      () => z.array(z.object({ a: z.number() })),
      () => z.any(),
    ],
  ],
  [
    "zod: fields that are named like keywords",
    [
      () => z.object({ title: z.string() }),
      () => z.object({ description: z.string() }),
      () => z.object({ default: z.string() }),
      () => z.object({ $id: z.string() }),
      () => z.object({ required: z.string() }),
      () => z.object({}),
      () => z.object({ v: z.enum(["title"]) }),
      () => z.object({ v: z.enum(["description"]) }),
    ],
  ],
  [
    "zod: what JSON Schema cannot express",
    [
      () => z.object({ a: z.date() }),
      () => z.object({ a: z.bigint() }),
      () => z.object({ a: z.undefined() }),
      () => z.object({ b: z.date() }),
      () => z.object({ a: z.date(), message: z.string() }),
      () => z.object({ a: z.date(), error: z.string() }),
      () => z.object({ a: z.date(), b: z.string().min(3) }),
      () => z.object({ a: z.date(), b: z.string().min(4) }),
      () => z.object({ a: z.date().optional() }),
      () => z.object({ a: z.string().transform((text) => text.length) }),
      () => z.object({ a: z.string().transform((text) => text.trim()) }),
      () => z.map(z.string(), z.number()),
      () => z.map(z.number(), z.string()),
    ],
  ],
  [
    "valibot",
    [
      () => v.object({ a: v.number() }),
      () => v.object({ b: v.number() }),
      () => v.object({ a: v.string() }),
      () => v.object({ a: v.optional(v.number()) }),
      () => v.object({ a: v.number(), b: v.optional(v.string()) }),
      () => v.object({ a: v.number(), message: v.string() }),
      () => v.looseObject({ a: v.number() }),
      () => v.object({ a: v.pipe(v.string(), v.minLength(1)) }),
      () => v.object({ a: v.pipe(v.string(), v.minLength(2)) }),
      () => v.object({ a: v.date() }),
      () =>
        v.object({
          a: v.pipe(
            v.string(),
            v.transform((text) => text.length),
          ),
        }),
      () => v.picklist(["a", "b"]),
      () => v.picklist(["a", "c"]),
    ],
  ],
  [
    "arktype",
    [
      () => type({ a: "number" }),
      () => type({ b: "number" }),
      () => type({ a: "string" }),
      () => type({ "a?": "number" }),
      () => type({ a: "number", "b?": "string" }),
      () => type({ a: "Date" }),
      () => type({ a: "bigint" }),
      () => type({ a: "undefined" }),
      () => type({ a: type("string").narrow((text) => text > "a") }),
      () => type({ a: type("string").narrow((text) => text > "b") }),
    ],
  ],
];

describe("schemas have one digest:", () => {
  it.each(same)("%s", (_, schemas) => {
    expect(new Set(schemas.map((make) => digestOf(make()))).size).toBe(1);
  });
});

describe("schemas have different digests:", () => {
  it.each(different)("%s", (_, schemas) => {
    expect(new Set(schemas.map((make) => digestOf(make()))).size).toBe(schemas.length);
  });
});

it("is one for input and output apart", () => {
  const schema = z.object({ a: z.number() });
  const input = signatureOf(defined(func({ id: "only input", input: schema, run: (given) => given })));
  const output = signatureOf(defined(func({ id: "only output", output: schema, run: () => ({ a: 1 }) })));
  expect(input).toMatchObject({ signature: { parameters: ["input"], input: /^.{64}$/, output: null } });
  expect(output).toMatchObject({ signature: { parameters: [], input: null, output: /^.{64}$/ } });
});

it("is computed once for a func", () => {
  const definition = defined(func({ id: "once", input: z.object({ a: z.number() }), run: ({ a }) => a }));
  expect(signatureOf(definition)).toBe(signatureOf(definition));
});

it("is a problem where a schema has no end", () => {
  const endless = (): object => ({
    get next() {
      return endless();
    },
    get other() {
      return endless();
    },
  });
  const standard = { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } as const;
  const input = Object.defineProperty({ "~standard": standard }, "parts", { value: endless(), enumerable: true });
  const found = signatureOf(defined(func({ id: "endless", input, run: () => 1 })));
  expect(found).toEqual({
    problem: expect.stringMatching(
      /^the signature of func "endless" cannot .* input schema: it has no end, or more/,
    ) as string,
  });
});

it("is there for many schemas that contain each other", () => {
  const nodes: z.ZodType[] = Array.from({ length: 40 }, (_, at) =>
    z.object({
      [`only${at}`]: z.string(),
      get any() {
        return z.array(z.union(nodes));
      },
    }),
  );
  const [first, second] = nodes.slice(0, 2).map(digestOf);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(second).not.toBe(first);
});
