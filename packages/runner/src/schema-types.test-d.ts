// What the compiler learns from schemas of three libraries.
import { type } from "arktype";
import * as v from "valibot";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { func, type Pending, type RunContext } from "./index.ts";

const add = func("add", (a: number, b: number) => a + b);

// zod: callers pass what goes in, the body gets what comes out.
const fit = func({
  id: "fit",
  input: z.object({
    path: z.string(),
    epochs: z.number().default(3),
    when: z
      .string()
      .transform((text) => new Date(text))
      .optional(),
  }),
  output: z.object({ loss: z.number() }),
  cache: true,
  run: async ({ path, epochs, when }, context) => {
    expectTypeOf(path).toEqualTypeOf<string>();
    expectTypeOf(epochs).toEqualTypeOf<number>();
    expectTypeOf(when).toEqualTypeOf<Date | undefined>();
    expectTypeOf(context).toEqualTypeOf<RunContext>();
    return { loss: add(1, epochs) };
  },
});
expectTypeOf(fit({ path: "x" })).toEqualTypeOf<Pending<{ loss: number }>>();
fit({ path: "x", epochs: add(1, 2), when: "2020-01-01" });
// @ts-expect-error the input of the transform is a text
fit({ path: "x", when: new Date() });
// @ts-expect-error no default
fit({ epochs: 3 });

// A default of the whole input makes the argument optional; a transform of the output is what callers get.
const optional = func({ id: "optional", input: z.object({ n: z.number() }).optional(), run: (i) => i?.n ?? 0 });
optional();
optional({ n: 1 });
const shaped = func({
  id: "shaped",
  input: z.object({ n: z.number() }),
  output: z.object({ at: z.number().transform((ms) => new Date(ms)) }),
  run: ({ n }) => ({ at: n }),
});
expectTypeOf(shaped({ n: 1 })).toEqualTypeOf<Pending<{ at: Date }>>();
const either = func({
  id: "either",
  input: z.object({ n: z.number() }),
  output: z.object({ loss: z.number(), at: z.date() }),
  run: async ({ n }) => (n > 1 ? other() : { loss: add(n, 1), at: new Date() }),
});
const other = func("other", () => ({ loss: 1, at: new Date() }));
expectTypeOf(either({ n: 1 })).toEqualTypeOf<Pending<{ loss: number; at: Date }>>();

// Callbacks of options see the parsed input.
const keyed = func({
  id: "keyed",
  input: z.object({ day: z.coerce.date() }),
  cache: {
    key: (input) => {
      expectTypeOf(input).toEqualTypeOf<{ day: Date }>();
      return input.day.getTime();
    },
  },
  run: ({ day }) => day.getTime(),
});
expectTypeOf(keyed({ day: "2020" })).toEqualTypeOf<Pending<number>>();

// Without a schema they see the arguments of the body, without the context.
const keyedArguments = func({
  id: "keyedArguments",
  cache: {
    key: (a, b) => {
      expectTypeOf(a).toEqualTypeOf<number>();
      expectTypeOf(b).toEqualTypeOf<string | undefined>();
      return [a, b];
    },
  },
  run: (a: number, b?: string) => [a, b] as const,
});
expectTypeOf(keyedArguments(1)).toEqualTypeOf<Pending<readonly [number, string | undefined]>>();
const keyedBesideContext = func({
  id: "keyedBesideContext",
  cache: { key: (...args) => expectTypeOf(args).toEqualTypeOf<[a: number]>() },
  run: (a: number, context: RunContext) => a + context.attempt,
});
expectTypeOf(keyedBesideContext(1)).toEqualTypeOf<Pending<number>>();
const keyedRest = func({ id: "keyedRest", cache: { key: (...all) => all.length }, run: (...all: number[]) => all });
expectTypeOf(keyedRest(1, 2)).toEqualTypeOf<Pending<number[]>>();
func({
  id: "keyedWrongly",
  // @ts-expect-error the body takes a number
  cache: { key: (text: string) => text },
  run: (n: number) => n,
});
// @ts-expect-error a version that may be missing: a func without one must leave it out
func({ id: "unversioned", cache: { version: process.env["VERSION"] }, run: () => 1 });

// valibot and arktype.
const fitValibot = func({ id: "fitValibot", input: v.object({ n: v.number() }), run: ({ n }) => n + 1 });
expectTypeOf(fitValibot({ n: add(1, 2) })).toEqualTypeOf<Pending<number>>();
// @ts-expect-error valibot: n is a number
fitValibot({ n: "1" });
const fitArk = func({
  id: "fitArk",
  input: type({ n: "number", "s?": "string" }),
  cache: { key: ({ n }) => n },
  run: ({ n, s }) => [n, s] as const,
});
expectTypeOf(fitArk({ n: 1 })).toEqualTypeOf<Pending<readonly [number, string | undefined]>>();
// @ts-expect-error arktype: s is a text
fitArk({ n: 1, s: 2 });

// The full form without schemas infers from the body.
const zero = func({ id: "zero", cache: true, run: async () => 3 });
expectTypeOf(zero()).toEqualTypeOf<Pending<number>>();
const some = func({ id: "some", tags: ["x"], run: async (a: number, b?: string) => [a, b] as const });
expectTypeOf(some(1)).toEqualTypeOf<Pending<readonly [number, string | undefined]>>();
some(1, "x");
