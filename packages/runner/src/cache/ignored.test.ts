import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { RunContext } from "../context.ts";
import { func } from "../func.ts";
import type { AnySchema } from "../func-types.ts";

let count = 0;

function ignoring(ignore: readonly string[], run: (...args: never[]) => unknown, input?: AnySchema): void {
  const definition = { id: `ignoring ${(count += 1)}`, cache: { ignore }, run };
  if (input === undefined) func(definition);
  else func({ ...definition, input, run: (given: unknown) => given });
}

const body = (): number => 1;
const object = z.object({ a: z.number(), verbose: z.boolean().optional() });

describe("names of inputs to ignore are taken:", () => {
  it.each<[title: string, ignore: readonly string[], run: (...args: never[]) => unknown, input?: AnySchema]>([
    ["parameters", ["a", "b"], (a: number, b: number) => a + b],
    ["a rest parameter", ["all"], (...all: number[]) => all],
    ["none", [], () => 1],
    [
      "fields of a pattern",
      ["a", "verbose", "odd name", "e", "f"],
      ({ a, verbose: loud, "odd name": c, e = "}, x", f: { g } = { g: 1 } }) => [a, loud, c, e, g],
    ],
    [
      "fields of a pattern beside the context",
      ["a"],
      ({ a }: { a: number }, context: RunContext) => [a, context.attempt],
    ],
    ["the pattern as a whole", ["input"], ({ a }: { a: number }) => a],
    ["anything of a pattern that takes the rest", ["b"], ({ a, ...rest }: { a: number }) => [a, rest]],
    ["a field behind a text with slashes", ["b"], ({ a = "http://x", b = 1 }) => [a, b]],
    ["fields of zod", ["verbose"], body, object],
    ["the whole input of a schema", ["input"], body, object],
    ["fields beside a Date", ["at"], body, z.object({ at: z.date(), n: z.bigint() })],
    ["fields of an optional object", ["verbose"], body, object.optional()],
    ["fields of a union", ["a", "b"], body, z.union([z.object({ a: z.number() }), z.object({ b: z.number() })])],
    [
      "fields of an intersection",
      ["a", "b"],
      body,
      z.intersection(z.object({ a: z.number() }), z.object({ b: z.number() })),
    ],
    ["anything of an open object", ["b"], body, z.looseObject({ a: z.number() })],
    ["anything of a schema that does not tell", ["b"], body, v.object({ a: v.number() })],
    ["anything of a transformed object", ["b"], body, object.transform((given) => ({ ...given, b: 1 }))],
    ["fields of arktype", ["a", "at"], body, type({ a: "number", "at?": "Date" })],
  ])("%s", (_, ignore, run, input) => {
    expect(() => ignoring(ignore, run, input)).not.toThrow();
  });
});

describe("names that are no inputs are refused:", () => {
  it.each<
    [title: string, ignore: readonly string[], run: (...args: never[]) => unknown, message: RegExp, input?: AnySchema]
  >([
    ["parameters", ["a", "c"], (a: number, b: number) => a + b, /ignore names "c", which is no input; known: a, b\.$/],
    [
      "the context",
      ["context"],
      (a: number, context: RunContext) => a + context.attempt,
      /names "context", .*known: a\.$/,
    ],
    ["of no parameters", ["a"], () => 1, /names "a", which is no input; it takes no arguments\.$/],
    ["fields of one parameter", ["verbose"], (options: { verbose: boolean }) => options, /known: options\.$/],
    ["fields of one of two patterns", ["a"], ({ a }: { a: number }, b: number) => a + b, /known: input, b\.$/],
    [
      "fields of a pattern",
      ["vebrose"],
      ({ a, verbose }: { a: number; verbose: boolean }) => [a, verbose],
      /known: a, verbose\.$/,
    ],
    ["fields of zod", ["vebrose"], body, /names "vebrose", .*known: a, verbose\.$/, object],
    ["fields of arktype", ["b"], body, /known: a\.$/, type({ a: "number" })],
    ["fields of a text", ["a"], body, /known: input\.$/, z.string()],
  ])("%s", (_, ignore, run, message, input) => {
    expect(() => ignoring(ignore, run, input)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it("names the func", () => {
    expect(() => func({ id: "misspelt", cache: { ignore: ["b"] }, run: (a: number) => a })).toThrow(
      /^cache of func "misspelt" at .*ignored\.test\.ts:\d+:\d+: ignore names "b"/,
    );
  });

  it("also where a call sets them, alone or with a map", () => {
    const f = func("set later", (a: number) => a);
    expect(() => f(1).$set({ cache: { ignore: ["b"] } })).toThrow(
      /^cache of \$set of func "set later": ignore names "b"/,
    );
    expect(() => f.map([1], { each: { cache: { ignore: ["b"] } } })).toThrow(
      /^cache of each of map of func "set later": ignore names "b"/,
    );
    expect(() => f(1).$set({ cache: { ignore: ["a"] } })).not.toThrow();
    expect(() => f(1).$set({ cache: { ignore: ["a"], key: () => 1 } })).toThrow(/key and ignore exclude each other/);
    expect(() => f(1).$set({ cache: { version: "" } })).toThrow(/a cached func needs a version/);
  });
});
