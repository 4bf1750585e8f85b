import { type KeyRecord, keyDigest } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { RunContext } from "../context.ts";
import { func } from "../func.ts";
import { SilentRunner } from "../silent-runner.ts";
import { KeyMaker, type KeyArgument } from "./key-maker.ts";
import { defined, keyOf, make, plain, problemOf, scope, stored } from "./testing/keys.ts";
import { FuncVersions } from "./versions.ts";

const v1 = { version: "v1" } as const;

function recordOf(func: unknown, args: readonly KeyArgument[], options = {}): KeyRecord {
  const made = make(func, args, { ...v1, ...options });
  if ("problem" in made) throw new Error(made.problem);
  return made.record;
}

describe("arguments", () => {
  const add = func("add", (b: number, a?: number, c = 1) => [b, a, c]);

  it("stand under the names of their parameters, sorted, with the digests that they have as artifacts", () => {
    const record = recordOf(add, [stored(1), stored("x"), stored(null)]);
    expect(record.inputs.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(record.inputs.find(({ name }) => name === "b")?.digest).toBe(keyDigest(1));
    expect(record.signature).toEqual({ parameters: ["a", "b", "c"], input: null, output: null });
  });

  it("that are left out are undefined, in the middle and at the end", () => {
    expect(new Set([[1], [1, undefined], [1, undefined, undefined]].map((args) => keyOf(add, args, v1))).size).toBe(1);
    expect(keyOf(add, [1, undefined, 2], v1)).not.toBe(keyOf(add, [1, 2], v1));
    expect(keyOf(add, [1, null], v1)).not.toBe(keyOf(add, [1], v1));
    expect(recordOf(add, [stored(1), stored(undefined), stored(2)]).inputs.map(({ name }) => name)).toEqual(["b", "c"]);
  });

  it("have keys of their own at each position", () => {
    expect(keyOf(add, [1, 2], v1)).not.toBe(keyOf(add, [2, 1], v1));
  });

  it("of a rest parameter count in order, undefined among them", () => {
    const join = func("join", (first: string, ...rest: (string | undefined)[]) => [first, ...rest].join());
    const calls = [
      ["a"],
      ["a", undefined],
      ["a", "b"],
      ["a", "b", undefined],
      ["a", "b", "c"],
      ["a", "c", "b"],
      ["a", ["b"]],
    ];
    expect(new Set(calls.map((args) => keyOf(join, args, v1))).size).toBe(calls.length);
    expect(recordOf(join, ["a", "b", "c"].map(plain)).inputs.map(({ name }) => name)).toEqual([
      "first",
      "rest[0]",
      "rest[1]",
    ]);
    const parts = func("parts", (...[a, b]: number[]) => [a, b]);
    expect(recordOf(parts, [1, 2].map(plain)).inputs.map(({ name }) => name)).toEqual(["input[0]", "input[1]"]);
  });

  it("beyond the parameters count by their number", () => {
    const one = func("one", (a: number) => a);
    expect(recordOf(one, [1, 2, 3].map(plain)).inputs.map(({ name }) => name)).toEqual([
      "a",
      "argument 2",
      "argument 3",
    ]);
    expect(keyOf(one, [1, undefined], v1)).not.toBe(keyOf(one, [1], v1));
  });

  it("are none of a func without parameters, which has one key", () => {
    const now = func("nothing", () => 1);
    expect(recordOf(now, []).inputs).toEqual([]);
    expect(keyOf(now, [], v1)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("do not include the context", () => {
    const beside = func("beside context", (a: number, context: RunContext) => a + context.attempt);
    const record = recordOf(beside, [plain(1)]);
    expect(record.inputs.map(({ name }) => name)).toEqual(["a"]);
    expect(record.signature.parameters).toEqual(["a"]);
  });

  it("in any order of declaration have one key as fields of an object, and a new name is another key", () => {
    const ids = ["fields a b", "fields b a"];
    const [ab, ba] = [
      func(ids[0] as string, ({ a, b }: { a: number; b: number }) => a + b),
      func(ids[1] as string, ({ b, a }: { b: number; a: number }) => a + b),
    ].map((one) => recordOf(one, [plain({ a: 1, b: 2 })]));
    expect({ ...ab, func: "" }).toEqual({ ...ba, func: "" });
    expect(keyOf(add, [{ a: 1, b: 2 }], v1)).toBe(keyOf(add, [{ b: 2, a: 1 }], v1));
    expect(keyOf(add, [{ a: 1, b: 2 }], v1)).not.toBe(keyOf(add, [{ a: 1, c: 2 }], v1));
  });
});

describe("the signature", () => {
  let count = 0;
  const signed = (parameters: (...args: never[]) => unknown): string => {
    const named = func(`signed ${(count += 1)}`, parameters);
    const record = recordOf(named, []);
    return JSON.stringify({ ...record, func: "" });
  };

  it("changes with a renamed or added parameter, not with the order of parameters", () => {
    const base = signed((a: number, b: number) => [a, b]);
    expect(signed((b: number, a: number) => [a, b])).toBe(base);
    expect(signed((a: number, c: number) => [a, c])).not.toBe(base);
    expect(signed((a: number, b: number, c?: number) => [a, b, c])).not.toBe(base);
    expect(signed((a: number, ...b: number[]) => [a, b])).not.toBe(base);
  });
});

describe("the func", () => {
  it("counts by its id alone, in its composed form", () => {
    const [a, b] = [func("same a", (x: number) => x), func("same b", (x: number) => x)];
    expect(keyOf(a, [1], v1)).not.toBe(keyOf(b, [1], v1));
    const named = func({ id: "named", name: "One name", run: (x: number) => x });
    const definition = defined(named);
    const keys = new KeyMaker({ versions: new FuncVersions() });
    const renamed = keys.make({ ...definition, name: "Another" }, v1, [plain(1)], scope);
    expect(renamed).toMatchObject({ key: keyOf(named, [1], v1) });
    const composed = keys.make({ ...definition, id: "caf\u00e9" }, v1, [plain(1)], scope);
    const decomposed = keys.make({ ...definition, id: "cafe\u0301" }, v1, [plain(1)], scope);
    expect((decomposed as { key: string }).key).toBe((composed as { key: string }).key);
  });

  it("counts whatever its retries, resources, timeout, tags and other cache options are", () => {
    const options = {
      retry: { retries: 3 },
      timeout: "1m",
      tags: ["x"],
      resources: { cpu: 2 },
      standalone: true,
    } as const;
    const rich = func({ id: "rich", ...options, run: (a: number) => a });
    const definition = defined(rich);
    const bare = new KeyMaker({ versions: new FuncVersions() }).make(
      { ...definition, options: {} },
      v1,
      [plain(1)],
      scope,
    );
    expect(bare).toMatchObject({ key: keyOf(rich, [1], v1) });
    expect(keyOf(rich, [1], { ...v1, maxAge: "1h", verify: 0.5, serialize: false })).toBe(keyOf(rich, [1], v1));
  });
});

describe("a given version", () => {
  const f = func("versioned", (a: number) => a);

  it("counts by its text, and comes back with it", () => {
    const first = keyOf(f, [1], { version: "v1" });
    expect(keyOf(f, [1], { version: "v2" })).not.toBe(first);
    expect(keyOf(f, [1], { version: "v1" })).toBe(first);
  });
});

describe("a key of one's own", () => {
  const f = func("own key", (a: number, b?: number) => [a, b]);

  it("stands for the arguments", () => {
    const even = { key: (a: number) => a % 2 === 0 };
    expect(keyOf(f, [2, 1], { ...v1, ...even })).toBe(keyOf(f, [4, 9], { ...v1, ...even }));
    expect(keyOf(f, [2, 1], { ...v1, ...even })).not.toBe(keyOf(f, [3, 1], { ...v1, ...even }));
    expect(recordOf(f, [plain(2)], even).inputs).toEqual([{ name: "key", digest: keyDigest(true) }]);
  });

  it("is never taken for an argument of that name", () => {
    const named = func("argument key", (key: number) => key);
    expect(keyOf(named, [5], v1)).not.toBe(keyOf(named, [15], { ...v1, key: (key: number) => key % 10 }));
  });

  it("may come later, and gets values that come later", async () => {
    const keys = new KeyMaker({ versions: new FuncVersions() });
    const late: KeyArgument = { digest: undefined, value: async () => await Promise.resolve(4) };
    const made = keys.make(defined(f), { ...v1, key: async (a: number) => Promise.resolve(a * 2) }, [late], scope);
    expect(made).toBeInstanceOf(Promise);
    expect(await made).toMatchObject({ key: keyOf(f, [8], { ...v1, key: (a: number) => a }) });
  });

  it.each<[title: string, key: (...args: never[]) => unknown, why: RegExp]>([
    [
      "throws",
      () => {
        throw new Error("no day");
      },
      /no day/,
    ],
    ["rejects", async () => Promise.reject(new Error("no day")), /no day/],
    ["gives undefined", () => undefined, /it returned undefined, so all calls would be equal/],
    ["gives what has no digest", () => ({ on: () => 1 }), /key\.on: /],
  ])("that %s is a problem", async (_, key, why) => {
    const made = await new KeyMaker({ versions: new FuncVersions() }).make(
      defined(f),
      { ...v1, key },
      [plain(1)],
      scope,
    );
    expect(made).toEqual({
      problem: expect.stringMatching(/^cache\.key of func "own key" gave no key: .*leave it out$/) as string,
    });
    expect((made as { problem: string }).problem).toMatch(why);
  });
});

describe("ignored inputs", () => {
  it("do not count, whether they are given or not, and are listed", () => {
    const f = func({
      id: "ignoring",
      cache: { ...v1, ignore: ["verbose"] },
      run: (a: number, verbose?: boolean) => [a, verbose],
    });
    expect(new Set([[1], [1, true], [1, false], [1, undefined]].map((args) => keyOf(f, args))).size).toBe(1);
    expect(keyOf(f, [2, true])).not.toBe(keyOf(f, [1, true]));
    expect(recordOf(f, [plain(1), plain(true)], { ignore: ["verbose"] }).inputs).toEqual([
      { name: "a", digest: keyDigest(1) },
      { name: "verbose", digest: null },
    ]);
    expect(keyOf(f, [1], v1)).not.toBe(keyOf(f, [1]));
    // What is ignored need not be read, or have a digest.
    expect(make(f, [plain(1), plain(() => 1)])).toMatchObject({ key: keyOf(f, [1]) });
  });

  it("may be all of them, and a rest parameter", () => {
    const all = func({
      id: "ignoring all",
      cache: { ...v1, ignore: ["a", "rest"] },
      run: (a: number, ...rest: number[]) => [a, rest],
    });
    expect(new Set([[], [1], [1, 2], [3, 4, 5]].map((args) => keyOf(all, args))).size).toBe(1);
  });

  it("may be fields of one object, whether a schema or the body names them", () => {
    const input = z.object({ a: z.number().default(1), verbose: z.boolean().optional() });
    const schema = func({
      id: "ignoring schema field",
      input,
      cache: { ...v1, ignore: ["verbose"] },
      run: ({ a }) => a,
    });
    const pattern = func({
      id: "ignoring pattern field",
      cache: { ...v1, ignore: ["verbose"] },
      run: ({ a, verbose = false }: { a: number; verbose?: boolean }) => [a, verbose],
    });
    for (const f of [schema, pattern]) {
      expect(
        new Set([{ a: 1 }, { a: 1, verbose: true }, { verbose: false, a: 1 }].map((one) => keyOf(f, [one]))).size,
      ).toBe(1);
      expect(keyOf(f, [{ a: 2, verbose: true }])).not.toBe(keyOf(f, [{ a: 1, verbose: true }]));
      expect(recordOf(f, [plain({ a: 1, verbose: true })], { ignore: ["verbose"] }).inputs).toEqual([
        { name: "input", digest: keyDigest({ a: 1 }) },
        { name: "input.verbose", digest: null },
      ]);
    }
    // Fields of that name elsewhere count.
    expect(keyOf(pattern, [{ a: 1 }, { verbose: true }])).not.toBe(keyOf(pattern, [{ a: 1 }, {}]));
    expect(keyOf(pattern, [{ a: { verbose: true } }])).not.toBe(keyOf(pattern, [{ a: {} }]));
    // Only what is there can be left out.
    expect(keyOf(pattern, [undefined])).toMatch(/^[0-9a-f]{64}$/);
    expect(problemOf(pattern, [plain(new Map())])).toMatch(
      /cache\.ignore names fields of it, but it is no plain object/,
    );
  });

  it("are a field rather than the whole input where both have the name", () => {
    const input = z.object({ input: z.string(), a: z.number() });
    const f = func({ id: "ignoring a field input", input, cache: { ...v1, ignore: ["input"] }, run: ({ a }) => a });
    expect(keyOf(f, [{ input: "x", a: 1 }])).toBe(keyOf(f, [{ input: "y", a: 1 }]));
    expect(keyOf(f, [{ input: "x", a: 1 }])).not.toBe(keyOf(f, [{ input: "x", a: 2 }]));
  });

  it("reach the body on a miss", async () => {
    const f = func({ id: "ignored reach", cache: { ...v1, ignore: ["b"] }, run: (a: number, b: number) => [a, b] });
    expect(await new SilentRunner().run(f(1, 2))).toEqual([1, 2]);
  });
});

describe("an ingredient that cannot be had leaves no key:", () => {
  const keys = new KeyMaker({ versions: new FuncVersions() });
  const f = func({ id: "failing", run: (a: unknown, b: unknown) => [a, b] });
  const unreadable = (why: string): KeyArgument => ({ digest: undefined, value: () => Promise.reject(new Error(why)) });
  const throwing: KeyArgument = {
    digest: undefined,
    value: () => {
      throw new Error("gone");
    },
  };
  const opaque = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
  const unsigned = func({
    id: "unsigned",
    input: Object.defineProperty({ ...opaque }, "shape", {
      enumerable: true,
      get() {
        throw new Error("no shape");
      },
    }),
    run: (input) => input,
  });
  const lost = { ...defined(f), id: "lost", place: undefined };

  it.each<[string, () => unknown, RegExp]>([
    [
      "the version",
      () => keys.make(lost, {}, [plain(1)], scope),
      /^the version of func "lost" cannot be computed: .*is not known; give a version$/,
    ],
    [
      "the version, of the body",
      () => keys.make(lost, { version: "body" }, [plain(1)], scope),
      /^the version of func "lost" cannot be computed/,
    ],
    [
      "the signature",
      () => keys.make(defined(unsigned), v1, [plain(1)], scope),
      /^the signature of func "unsigned" cannot be computed from its input schema: no shape; use a schema/,
    ],
    [
      "an input",
      () => keys.make(defined(f), v1, [plain(1), plain(() => 1)], scope),
      /^input b of func "failing" has no digest: b: /,
    ],
    [
      "an input that is gone",
      () => keys.make(defined(f), v1, [throwing], scope),
      /^input a of func "failing" has no digest: gone\./,
    ],
    [
      "two inputs, one later",
      () => keys.make(defined(f), v1, [unreadable("late"), throwing], scope),
      /^input a of func "failing" has no digest: late/,
    ],
    [
      "inputs of a key function",
      () => keys.make(defined(f), { ...v1, key: () => 1 }, [unreadable("late"), throwing], scope),
      /^an input of func "failing", for its cache\.key, cannot be read: late/,
    ],
    [
      "the version and an input",
      () => keys.make(lost, {}, [unreadable("late"), throwing], scope),
      /^the version of func "lost" cannot be computed/,
    ],
  ])("%s", async (_, make, problem) => {
    expect(await make()).toEqual({ problem: expect.stringMatching(problem) as string });
  });
});

describe("a scope", () => {
  const f = func("scoped", (a: number) => a);
  const keyIn = (part: Partial<typeof scope>, options = {}): string =>
    keyOf(f, [1], { ...v1, ...options }, { ...scope, ...part });

  it("separates accounts and namespaces, also those that differ only after 50 characters", () => {
    const long = "n".repeat(50);
    const keys = [{}, { account: "a" }, { namespace: "a" }, { namespace: `${long}1` }, { namespace: `${long}2` }].map(
      (part) => keyIn(part),
    );
    expect(new Set(keys).size).toBe(5);
    expect(keyIn({ namespace: "x".repeat(100_000) })).toMatch(/^[0-9a-f]{64}$/);
  });

  it("takes two spellings of one namespace as one", () => {
    expect(keyIn({ namespace: "caf\u00e9" })).toBe(keyIn({ namespace: "cafe\u0301" }));
    const made = make(f, [plain(1)], v1, { ...scope, namespace: "cafe\u0301" });
    expect(made).toMatchObject({ record: { namespace: "caf\u00e9", pipeline: null } });
  });

  it("is the pipeline if the func says so", () => {
    expect(keyIn({ rootFunc: "a" })).toBe(keyIn({ rootFunc: "b" }));
    expect(keyIn({ rootFunc: "a" }, { scope: "pipeline" })).not.toBe(keyIn({ rootFunc: "b" }, { scope: "pipeline" }));
    expect(keyIn({ rootFunc: "a" }, { scope: "pipeline" })).not.toBe(keyIn({ rootFunc: "a" }));
    expect(keyIn({ rootFunc: "a" }, { scope: "namespace" })).toBe(keyIn({ rootFunc: "a" }));
    expect(recordOf(f, [plain(1)], { scope: "pipeline" })).toMatchObject({ pipeline: "root" });
  });
});
