import { describe, expect, it } from "vitest";
import { definitionOf, func, type RunContext, SilentRunner } from "./index.ts";
import { isContextName, parameterDefaults, parameterNames } from "./parameters.ts";

/* oxlint-disable typescript/unbound-method, eslint/no-extra-bind -- only their texts are read */
const cases: [title: string, run: (...args: never[]) => unknown, names: string[]][] = [
  ["none", () => 1, []],
  ["an arrow without parentheses", (x) => x, ["x"]],
  ["an arrow", (a: number, b: number) => a + b, ["a", "b"]],
  ["an async arrow", async (path: string) => path, ["path"]],
  [
    "a function",
    function train(data: number, epochs: number) {
      return data + epochs;
    },
    ["data", "epochs"],
  ],
  [
    "an async function",
    async function train(data: number) {
      return data;
    },
    ["data"],
  ],
  [
    "a method",
    {
      train(data: number, epochs: number) {
        return data + epochs;
      },
    }.train,
    ["data", "epochs"],
  ],
  [
    "an async method",
    {
      async train(data: number) {
        return data;
      },
    }.train,
    ["data"],
  ],
  ["one taken apart", ({ a, b }: { a: number; b: number }) => a + b, ["input"]],
  [
    "some taken apart",
    (x: number, { a }: { a: number }, [b]: number[]) => [x, a, b],
    ["x", "argument 2", "argument 3"],
  ],
  ["defaults", (a = 1, b = "x,y", c = [1, 2], d = { e: ")" }) => [a, b, c, d], ["a", "b", "c", "d"]],
  ["a default that calls", (a = Math.max(1, 2), b = ((x: number) => x)(3)) => [a, b], ["a", "b"]],
  ["the rest", (first: number, ...others: number[]) => [first, others], ["first", "...others"]],
  ["comments", (a: number /* , not b */, /* c, */ d: number) => a + d, ["a", "d"]],
  ["letters of all the world", (größe: number, $x_1: number) => größe + $x_1, ["größe", "$x_1"]],
];

describe("parameterNames", () => {
  it.each(cases)("reads %s", (_, run, names) => {
    expect(parameterNames(run)).toEqual(names);
  });

  it("survives what has no text of its own", () => {
    expect(parameterNames(Math.max)).toEqual([]);
    expect(parameterNames(((a: number) => a).bind(null))).toEqual([]);
  });
});

describe("the context", () => {
  it.each(["context", "ctx", "_context", "_ctx", "context2"])("is a parameter called %s", (name) => {
    expect(isContextName(name)).toBe(true);
  });

  it.each(["contexts", "input", "ctxt", undefined])("is no parameter called %s", (name) => {
    expect(isContextName(name)).toBe(false);
  });

  it("comes as the last parameter, whether or not the ones before it were given", async () => {
    const optional = func("optional", (a: number, b?: number, context?: RunContext) => [a, b, context?.funcId]);
    expect(definitionOf(optional)?.contextAt).toBe(2);
    expect(await new SilentRunner().run(optional(1))).toEqual([1, undefined, "optional"]);
  });

  it("comes in place of whatever the caller gave there", async () => {
    const shouting = func("shouting", (text: string, ctx: RunContext) => `${text} in ${ctx.funcId}`);
    expect(await new SilentRunner().run(shouting("hello"))).toBe("hello in shouting");
  });

  it("does not come to a parameter of that name that is not the last", async () => {
    const first = func("first", (context: string, n: number) => `${context} ${n}`);
    expect(definitionOf(first)?.contextAt).toBe(-1);
    expect(await new SilentRunner().run(first("ask", 3))).toBe("ask 3");
  });
});

const computed = (): number => 1;

it.each<[title: string, run: (...args: never[]) => unknown, defaults: [at: number, value: unknown][]]>([
  [
    "numbers",
    (a = 1, b = -1.5e3, c = 1_000, d = 0.5) => [a, b, c, d],
    [
      [0, 1],
      [1, -1500],
      [2, 1000],
      [3, 0.5],
    ],
  ],
  [
    "words",
    (a = true, b = false, c: number | null = null) => [a, b, c],
    [
      [0, true],
      [1, false],
      [2, null],
    ],
  ],
  [
    "texts",
    (a = "x, y = 1", b = 'it"s', c = `plain`) => [a, b, c],
    [
      [0, "x, y = 1"],
      [1, 'it"s'],
      [2, "plain"],
    ],
  ],
  [
    "bigints",
    (a = 10n, b = 0n) => [a, b],
    [
      [0, 10n],
      [1, 0n],
    ],
  ],
  [
    "those of minifiers",
    // oxlint-disable-next-line typescript/no-implied-eval -- the text is what is tested
    new Function("a=!0,b=!1,c=.5", "") as () => unknown,
    [
      [0, true],
      [1, false],
      [2, 0.5],
    ],
  ],
  ["after parameters without", (a: number, b = 2, ...c: number[]) => [a, b, c], [[1, 2]]],
  [
    "none that is computed",
    (a: number, b = computed(), c = a + 1, d = [1], e = {}, f = `${a}`) => [a, b, c, d, e, f],
    [],
  ],
  ["none of parts", ({ a = 1 }: { a?: number } = {}, [b = 2]: number[] = []) => [a, b], []],
  ["no arrow", (a = () => 1) => a, []],
])("knows defaults that are literals: %s", (_, run, defaults) => {
  expect([...parameterDefaults(run)]).toEqual(defaults);
});
