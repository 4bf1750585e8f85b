// What the compiler knows of maps.
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { func, type Pending, type RunContext, type RunFailure } from "./index.ts";

const add = func("add", (a: number, b: number) => a + b);
const double = func("double", (n: number) => 2 * n);
const numbers = func("numbers", () => [1, 2, 3]);
const pairs = func("pairs", (): [number, number][] => [[1, 2]]);
const inspect = func("inspect", (n: number, context: RunContext) => `${n} ${context.runId}`);
const parse = func({ id: "parse", input: z.object({ text: z.string() }), run: ({ text }) => text.length });
const later = func("later", (n: number) => ({ n: double(n) }));

// Items may be plain, hold futures, or be the future of an array.
expectTypeOf(double.map([1, 2])).toEqualTypeOf<Pending<number[]>>();
expectTypeOf(double.map([1, add(1, 2)])).toEqualTypeOf<Pending<number[]>>();
expectTypeOf(double.map(numbers())).toEqualTypeOf<Pending<number[]>>();
expectTypeOf(double.map([1], { concurrency: 2 })).toEqualTypeOf<Pending<number[]>>();
expectTypeOf(double.map([1])[0]!).toEqualTypeOf<Pending<number>>();

// Futures in the elements' results are settled, and a context is no part of an item.
expectTypeOf(later.map([1])).toEqualTypeOf<Pending<{ n: number }[]>>();
expectTypeOf(inspect.map([1, 2])).toEqualTypeOf<Pending<string[]>>();
expectTypeOf(parse.map([{ text: "a" }])).toEqualTypeOf<Pending<number[]>>();

// With several parameters an item is the tuple of the arguments.
expectTypeOf(
  add.map([
    [1, 2],
    [3, double(4)],
  ]),
).toEqualTypeOf<Pending<number[]>>();
expectTypeOf(add.map(pairs())).toEqualTypeOf<Pending<number[]>>();
add.map([pairs()[0]!]);

// What is tolerated stands in its place.
expectTypeOf(double.map([1], { tolerate: 3 })).toEqualTypeOf<Pending<(number | RunFailure)[]>>();
expectTypeOf(double.map([1], { tolerate: 1, concurrency: 2 })).toEqualTypeOf<Pending<(number | RunFailure)[]>>();

// A map's future is passed on as any other.
const sum = func("sum", (ns: readonly number[]) => ns.length);
sum(double.map([1, 2]));

// @ts-expect-error an item of the wrong type
double.map(["1"]);
// @ts-expect-error a future of something that is no array
double.map(add(1, 2));
// @ts-expect-error several parameters, but no tuples
add.map([1, 2]);
// @ts-expect-error an option that does not exist
double.map([1], { limit: 3 });
// @ts-expect-error with `tolerate`, an element may be a failure
sum(double.map([1], { tolerate: 1 }));
