import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { context, DirectoryArtifact, FileArtifact, func, type Future } from "../index.ts";
import { graphOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, taken } from "./testing/lab.ts";

let bonus = 0;

beforeEach(() => {
  bonus = 0;
});

const content = randomBytes(150_000);
/** Values of all kinds, and what tells whether one is what it was. */
const values: Readonly<Record<string, { make: () => unknown; look?: (value: never) => unknown }>> = {
  "a map": {
    make: () =>
      new Map<unknown, unknown>([
        ["a", new Map([[1, 2]])],
        [3, [new Set([4])]],
      ]),
  },
  "a set": { make: () => new Set([1, "two", new Date(3)]) },
  "a date": { make: () => new Date(86_400_000) },
  "numbers of all kinds": { make: () => [1n << 80n, -0, NaN, -Infinity, 0.1] },
  "what is not there": { make: () => ({ undefined: undefined, null: null, list: [undefined] }) },
  undefined: { make: () => undefined },
  "a long text": { make: () => "text ".repeat(30_000) },
  bytes: { make: () => new Uint8Array(content), look: (bytes: Uint8Array) => Buffer.from(bytes).toString("base64") },
  "an array of floats": {
    make: () => ({ list: new Float64Array(20_000).fill(0.5) }),
    look: ({ list }: { list: Float64Array }) => [list.constructor.name, list.length, list.every((one) => one === 0.5)],
  },
  "an error": { make: () => new RangeError("as a value", { cause: "why" }) },
  "a file": {
    make: async () => ({ file: await FileArtifact.of(content.toString("hex")) }),
    look: async ({ file }: { file: FileArtifact }) => file.text(),
  },
  "a folder": {
    make: async () => {
      const path = join(context().workdir, "made");
      mkdirSync(join(path, "sub"), { recursive: true });
      writeFileSync(join(path, "sub/file"), content);
      return DirectoryArtifact.from(path);
    },
    look: (folder: DirectoryArtifact) => folder.entries(),
  },
};

const make = func("make", (kind: string) => {
  executes();
  return values[kind]?.make();
});
const pass = func("pass", (value: unknown) => {
  executes();
  return value;
});
const wrap = func("wrap", (value: { readonly inner: unknown }, list: readonly unknown[]) => {
  executes();
  return { both: [value.inner, list[1]], own: list[0] };
});
const carry = func("carry", (kind: string) => {
  executes();
  const made = make(kind);
  const passed = pass(made);
  return wrap({ inner: passed }, [1, made, new Map([["deep", passed]])]);
});
const carryWaiting = func("carry waiting", async (kind: string) => {
  executes();
  const made = await make(kind).$value();
  const passed = await pass(made).$value();
  return { both: [made, passed] };
});

describe("a value of any kind goes through a re-run", () => {
  async function look(kind: string, value: unknown): Promise<unknown> {
    const { both } = value as { both: unknown[] };
    const told = values[kind]?.look ?? ((one: unknown) => one);
    return Promise.all(both.map((one) => told(one as never)));
  }

  test.each(Object.keys(values))("as argument and result: %s", async (kind) => {
    const lab = await Lab.open();
    const first = await lab.run(carry(kind));
    const seen = await look(kind, first.value);
    expect(seen).toHaveLength(2);
    for (const [name, executed] of [
      ["wrap", { wrap: 1 }],
      ["pass", { pass: 1, wrap: 1 }],
      ["make", { make: 1, pass: 1, wrap: 1 }],
    ] as const) {
      const second = await lab.rerun(first, named(first, name), again(carry));
      expect(second.executed).toEqual(executed);
      expect(await look(kind, second.value)).toEqual(seen);
      expect(graphOf(second)).toEqual(graphOf(first));
    }
    const continued = await lab.continue(first, carry(kind));
    expect(await look(kind, continued.value)).toEqual(seen);
  });

  test.each(Object.keys(values))("to a body that executes again: %s", async (kind) => {
    const lab = await Lab.open();
    const first = await lab.run(carryWaiting(kind));
    const seen = await look(kind, first.value);
    const second = await lab.rerun(first, named(first, "make"), again(carryWaiting));
    // Its result is what it was, so the call that takes it is answered.
    expect(second.executed).toEqual({ "carry waiting": 1, make: 1 });
    expect(await look(kind, second.value)).toEqual(seen);
    expect(graphOf(second)).toEqual(graphOf(first));
  });

  test("as the argument of the root", async () => {
    const input = (): { map: Map<string, Date>; bytes: Uint8Array } => ({
      map: new Map([["date", new Date(5)]]),
      bytes: new Uint8Array(content),
    });
    const root = func("of values", (value: ReturnType<typeof input>, optional?: number) => {
      executes();
      return pass([value.map, value.bytes, optional]);
    });
    const lab = await Lab.open();
    const first = await lab.run(root(input()));
    for (const run of first.runs) {
      // As it was recorded, and the same value made once more.
      for (const future of [again(root), root(input())]) {
        const second = await lab.rerun(first, run, future);
        const [map, bytes] = second.value as [unknown, Uint8Array];
        expect(map).toEqual(new Map([["date", new Date(5)]]));
        expect(Buffer.compare(bytes, content)).toBe(0);
        expect(graphOf(second)).toEqual(graphOf(first));
      }
    }
  });
});

describe("parts of results", () => {
  const record = func("record", (value: number) => {
    executes();
    return { a: value + bonus, deep: { list: [10, 20 + bonus] }, $odd: 7 };
  });
  const add = func("add", (left: number, right: number) => {
    executes();
    return left + right;
  });
  const parts = func("parts", () => {
    executes();
    const made = record(1);
    const sum = add(made.a, made.deep.list[1]!);
    return { sum, odd: made.$get("$odd"), a: made.a, all: [{ deep: made.deep }], own: "own" };
  });
  const value = { sum: 21, odd: 7, a: 1, all: [{ deep: { list: [10, 20] } }], own: "own" };

  test.each([
    ["add", { add: 1 }],
    ["record", { record: 1, add: 1 }],
  ])("are arguments and results again: from %s", async (name, executed) => {
    const lab = await Lab.open();
    const first = await lab.run(parts());
    expect(first.value).toEqual(value);
    const second = await lab.rerun(first, named(first, name), parts());
    expect(second).toMatchObject({ value, executed });
    expect(graphOf(second)).toEqual(graphOf(first));
    bonus = 100;
    const changed = await lab.rerun(first, named(first, "record"), parts());
    expect(changed.value).toEqual({ sum: 221, odd: 7, a: 101, all: [{ deep: { list: [10, 120] } }], own: "own" });
  });

  test("that are not there any more fail as they do in a first run", async () => {
    const shrinking = func("shrinking", (): { a?: { b: number } } => {
      executes();
      return bonus === 0 ? { a: { b: 1 } } : {};
    });
    const pipeline = func("lost part", () => {
      executes();
      return add((shrinking() as unknown as { a: { b: Future<number> } }).a.b, 1);
    });
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    expect(first.value).toBe(2);
    bonus = 1;
    const second = await lab.rerun(first, named(first, "shrinking"), pipeline());
    const fresh = await lab.run(pipeline());
    const messageOf = (recorded: typeof fresh): string =>
      failureOf(recorded).message.replace(named(recorded, "shrinking").id, "ID");
    expect(messageOf(second)).toBe(messageOf(fresh));
  });

  test("of a result that was the part of a call", async () => {
    const inner = func("inner part", () => {
      executes();
      return record(2).deep.list[1]!;
    });
    const outer = func("outer part", () => {
      executes();
      return { value: inner(), whole: pass(inner()) };
    });
    const lab = await Lab.open();
    const first = await lab.run(outer());
    expect(first.value).toEqual({ value: 20, whole: 20 });
    for (const [at, executed] of [{ record: 1 }, { record: 1, pass: 1 }].entries()) {
      const second = await lab.rerun(first, named(first, "record", at), outer());
      expect(second).toMatchObject({ value: { value: 20, whole: 20 } });
      expect(second.executed).toEqual(executed);
      expect(graphOf(second)).toEqual(graphOf(first));
    }
  });
});

describe("values with futures inside", () => {
  const one = func("one", (value: number) => {
    executes();
    return value + bonus;
  });
  const take = func("take", (value: unknown, more: unknown) => {
    executes();
    return { value, more };
  });
  const composite = func("composite", () => {
    executes();
    const [a, b] = [one(1), one(2)];
    const taken_ = take(
      { a, fixed: 5, list: [b, { again: a }], date: new Date(7) },
      new Map<string, unknown>([
        ["x", b],
        ["y", new Set([a, 9])],
      ]),
    );
    return { taken: taken_, map: new Map([["b", b]]), set: new Set([a, 3]), plain: [1, [a]] };
  });
  const expected = (a: number, b: number): unknown => ({
    taken: {
      value: { a, fixed: 5, list: [b, { again: a }], date: new Date(7) },
      more: new Map<string, unknown>([
        ["x", b],
        ["y", new Set([a, 9])],
      ]),
    },
    map: new Map([["b", b]]),
    set: new Set([a, 3]),
    plain: [1, [a]],
  });

  test.each<[string, number, Record<string, number>, [number, number]]>([
    ["take", 0, { take: 1 }, [1, 2]],
    ["one", 0, { one: 1, take: 1 }, [101, 2]],
    ["one", 1, { one: 1, take: 1 }, [1, 102]],
  ])("are put together again: from %s %d", async (name, at, executed, [a, b]) => {
    const lab = await Lab.open();
    const first = await lab.run(composite());
    expect(first.value).toEqual(expected(1, 2));
    const target = named(first, name, at);
    const second = await lab.rerun(first, target, composite());
    expect(second).toMatchObject({ executed, error: undefined });
    expect(second.value).toEqual(expected(1, 2));
    expect(graphOf(second)).toEqual(graphOf(first));
    bonus = 100;
    const changed = await lab.rerun(second, named(second, name, at), composite());
    expect(changed.value).toEqual(expected(a, b));
  });

  test("match what was recorded when a body executes again", async () => {
    const waiting = func("composite calls", async () => {
      executes();
      const a = one(1);
      const start = await one(2).$set({ name: "start" }).$value();
      const first = take({ a, start }, [a, [start]]);
      return { first, second: await take(a, { deep: { a } }).$value() };
    });
    const lab = await Lab.open();
    const first = await lab.run(waiting());
    const second = await lab.rerun(first, named(first, "start"), waiting());
    expect(second).toMatchObject({ executed: { "composite calls": 1, one: 1 } });
    expect(second.executed["take"]).toBeUndefined();
    expect(second.value).toEqual(first.value);
    expect(graphOf(second)).toEqual(graphOf(first));
    bonus = 10;
    const changed = await lab.rerun(first, named(first, "start"), waiting());
    expect(changed.value).toEqual({
      first: { value: { a: 1, start: 12 }, more: [1, [12]] },
      second: { value: 1, more: { deep: { a: 1 } } },
    });
    expect(changed.executed).toEqual({ "composite calls": 1, one: 1, take: 1 });
    expect(taken(changed)).toEqual(["one", "take"]);
  });
});

describe("schemas", () => {
  const source = func("source", () => {
    executes();
    return { count: 1 + bonus, label: "x" };
  });
  const limited = func({
    id: "limited",
    output: z.object({ count: z.number().max(50), label: z.string().transform((text) => `${text}!`) }),
    run: () => {
      executes();
      return source();
    },
  });
  const checked = func({
    id: "checked",
    input: z.object({ count: z.number().max(20), label: z.string().default("none"), at: z.string().default("here") }),
    run: (input) => {
      executes();
      return { ...input, bonus };
    },
  });
  const schemas = func("schemas", () => {
    executes();
    return { limited: limited(), checked: checked(source()) };
  });

  test("of a body that only waits hold for its new result", async () => {
    const lab = await Lab.open();
    const first = await lab.run(schemas());
    const value = { limited: { count: 1, label: "x!" }, checked: { count: 1, label: "x", at: "here", bonus: 0 } };
    expect(first.value).toEqual(value);
    for (const run of first.runs) {
      const second = await lab.rerun(first, run, schemas());
      expect(second).toMatchObject({ value });
      expect(graphOf(second)).toEqual(graphOf(first));
    }
    const nested = first.runs.find(
      ({ parentId, name }) => name === "source" && parentId === named(first, "limited").id,
    );
    bonus = 10;
    expect(await lab.rerun(first, nested, schemas())).toMatchObject({
      value: { ...value, limited: { count: 11, label: "x!" } },
      executed: { source: 1 },
    });
    bonus = 100;
    const refused = await lab.rerun(first, nested, schemas());
    expect(failureOf(refused)).toMatchObject({ code: "OUTPUT_INVALID" });
    expect(refused.executed).toEqual({ source: 1 });
    expect(named(refused, "limited")).toMatchObject({ state: "FAILED" });
  });

  test("of an input check what comes from a run that executes again", async () => {
    const lab = await Lab.open();
    const first = await lab.run(schemas());
    const own = first.runs.find(({ parentId, name }) => name === "source" && parentId === first.id);
    bonus = 10;
    expect(await lab.rerun(first, own, schemas())).toMatchObject({
      value: { checked: { count: 11, at: "here", bonus: 10 } },
      executed: { source: 1, checked: 1 },
    });
    bonus = 30;
    const refused = await lab.rerun(first, own, schemas());
    expect(failureOf(refused)).toMatchObject({ code: "INPUT_INVALID" });
  });

  test("of the root are applied to new arguments, and to the recorded ones as they were given", async () => {
    const root = func({
      id: "schema root",
      input: z.object({ rate: z.string().transform(Number), times: z.number().default(2) }),
      output: z.number(),
      run: ({ rate, times }) => {
        executes();
        return rate * times;
      },
    });
    const lab = await Lab.open();
    const first = await lab.run(root({ rate: "1.5" }));
    expect(first.value).toBe(3);
    expect(await lab.rerun(first, first.runs[0], again(root))).toMatchObject({
      value: 3,
      executed: { "schema root": 1 },
    });
    expect(await lab.rerun(first, first.runs[0], root({ rate: "2", times: 5 }))).toMatchObject({ value: 10 });
  });
});

describe("an argument of a new call that cannot be put together", () => {
  test("fails the call, though what it is a part of is read from the store", async () => {
    let asks = false;
    const parts: Readonly<Record<string, { readonly whole: number }>> = { known: { whole: 1 } };
    const large = func("large", () => ({ bytes: new Uint8Array(2_000_000), parts }));
    const asking = func("asking", async () => {
      await pass("first").$value();
      return pass({ inside: large().parts[asks ? "other" : "known"]!.whole });
    });
    const lab = await Lab.open();
    const first = await lab.run(asking());
    asks = true;
    const second = await lab.rerun(first, named(first, "pass"), asking());
    expect(failureOf(second).message).toContain("has no part whole");
    expect(named(second, "large")).toMatchObject({ cache: { status: "CLONED" } });
  });
});
