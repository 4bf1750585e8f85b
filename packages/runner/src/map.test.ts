import type { RepriseError, RunFailedError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { func, type Future, type MapOptions, RunFailure, type RunContext, SilentRunner } from "./index.ts";

const run = <T>(future: Future<T>): Promise<T> => new SilentRunner().run(future);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function failureOf(future: Future<unknown>): Promise<RepriseError> {
  const error = (await run(future).then(
    () => ({}),
    (thrown: unknown) => thrown,
  )) as { cause?: RunFailedError };
  return error.cause?.cause as RepriseError;
}

const double = func("double", (n: number) => 2 * n);
const add = func("add", (a: number, b: number) => a + b);
const picky = func("picky", (n: number) => {
  if (n < 0) throw new RangeError(`${n} is below 0`);
  return n;
});

describe("map", () => {
  it("runs a func once per item and keeps the items' order, whatever ends first", async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const ended: number[] = [];
    const wait = func("wait", async (at: number) => {
      await gates[at]?.promise;
      ended.push(at);
      gates[at - 1]?.resolve();
      return `item ${at}`;
    });
    gates[2]?.resolve();
    expect(await run(wait.map([0, 1, 2]))).toEqual(["item 0", "item 1", "item 2"]);
    expect(ended).toEqual([2, 1, 0]);
  });

  it("takes plain items, items with futures, and the future of an array", async () => {
    const numbers = func("numbers", () => [1, 2, 3]);
    const pipeline = func("items", () => ({
      plain: double.map([1, 2]),
      mixed: double.map([1, double(2)]),
      future: double.map(numbers()),
      chained: double.map(double.map([1, 2])),
      part: double.map(func("parted", () => ({ ns: [5] }))().ns),
    }));
    expect(await run(pipeline())).toEqual({
      plain: [2, 4],
      mixed: [2, 8],
      future: [2, 4, 6],
      chained: [4, 8],
      part: [10],
    });
  });

  it("is a future as any other: of an array, with parts", async () => {
    const pipeline = func("parts", async () => {
      const doubled = double.map([1, 2, 3]);
      return [doubled[1], await doubled.$value(), doubled.$get("length")];
    });
    expect(await run(pipeline())).toEqual([4, [2, 4, 6], 3]);
  });

  it("takes no items, holes, and items that are undefined", async () => {
    const type = func("type", (value: unknown) => typeof value);
    const sparse: unknown[] = [1];
    sparse[2] = "x";
    expect(await run(double.map([]))).toEqual([]);
    expect(await run(type.map(sparse))).toEqual(["number", "undefined", "string"]);
    expect(await run(type.map([undefined, null]))).toEqual(["undefined", "object"]);
  });

  it("starts elements as soon as their own item is there", async () => {
    const gate = Promise.withResolvers<number>();
    const late = func("late", () => gate.promise);
    const order: number[] = [];
    const note = func("note", (n: number) => {
      order.push(n);
      if (n === 1) gate.resolve(2);
      return n;
    });
    expect(await run(func("early", () => note.map([late(), 1]))())).toEqual([2, 1]);
    expect(order).toEqual([1, 2]);
  });

  it("of a func with several parameters takes tuples, also as futures, in whole or in part", async () => {
    const pair = func("pair", (): [number, number] => [3, 4]);
    const pipeline = func("tuples", () => add.map([[1, 2], pair(), [pair()[0], double(1)]]));
    expect(await run(pipeline())).toEqual([3, 7, 5]);
    expect(
      await run(
        func("tuple list", () =>
          add.map(
            func("pairs", (): [number, number][] => [
              [1, 2],
              [3, 4],
            ])(),
          ),
        )(),
      ),
    ).toEqual([3, 7]);
  });

  it("of a func with one parameter passes an array as it is", async () => {
    const size = func("size", (list: number[]) => list.length);
    const named = func("named", (list: number[], context: RunContext) => `${list.length} ${context.funcId}`);
    expect(await run(size.map([[1, 2], []]))).toEqual([2, 0]);
    expect(await run(named.map([[1, 2, 3]]))).toEqual(["3 named"]);
  });

  it("of a func with a rest parameter takes arrays, but no futures of them", async () => {
    const total = func("total", (...ns: number[]) => ns.reduce((a, b) => a + b, 0));
    const list = func("list", () => [1, 2]);
    expect(await run(total.map([[1, 2, 3], []]))).toEqual([6, 0]);
    const error = await failureOf(func("rest", () => total.map([list()]))());
    expect(error.message).toMatch(
      /^map of func "total": it takes any number of arguments, so an item cannot be a future/,
    );
  });

  it("refuses items that are none of these", async () => {
    const wrong = (items: unknown) => func(`wrong ${String(items)}`, () => double.map(items as number[]));
    for (const items of [3, null, new Set([1]), { 0: 1 }]) {
      const error = await failureOf(wrong(items)());
      expect(error.code).toBe("INPUT_INVALID");
      expect(error.message).toMatch(/^map of func "double": the items must be an array, not /);
    }
    expect((await failureOf(func("one", () => add.map([1 as unknown as [number, number]]))())).message).toMatch(
      /^map of func "add": it takes several arguments, so each item must be an array of them, not number/,
    );
  });

  it("settles futures in the elements' results", async () => {
    const nested = func("nested", (n: number) => ({ n: double(n), list: [add(n, n)] }));
    expect(await run(nested.map([1, 2]))).toEqual([
      { n: 2, list: [2] },
      { n: 4, list: [4] },
    ]);
  });

  it("nests", async () => {
    const row = func("row", (ns: number[]) => double.map(ns));
    expect(await run(row.map([[1, 2], [], [3]]))).toEqual([[2, 4], [], [6]]);
  });

  it("of ten thousand elements is no trouble", async () => {
    const items = Array.from({ length: 10_000 }, (_, at) => at);
    const doubled = await run(double.map(items));
    expect(doubled.length).toBe(10_000);
    expect(doubled[9_999]).toBe(19_998);
  });
});

describe("the options of map", () => {
  it.each(["retry", "cache", "standalone", "resources"])(
    "take %s for the elements; $set on the map refuses it",
    (field) => {
      const options = { retry: { retries: 1 }, cache: true, standalone: true, resources: { cpu: 1 } }[field];
      expect(() => double.map([1]).$set({ [field]: options })).toThrow(
        `$set of a map of func "double": ${field} is for the elements, not for the group. Give it with the map: map(items, { each: { ${field}: … } }).`,
      );
      expect(() => double.map([1], { each: { [field]: options } }).$set({ name: "all", timeout: "1m" })).not.toThrow();
    },
  );

  it("limit how many elements are at work at once", async () => {
    let working = 0;
    let most = 0;
    const work = func("work", async () => {
      working += 1;
      most = Math.max(most, working);
      await turn();
      working -= 1;
    });
    const items = Array.from({ length: 9 }, () => undefined);
    await run(work.map(items as never[], { concurrency: 2 }));
    expect(most).toBe(2);
    await run(work.map(items as never[]));
    expect(most).toBe(9);
  });

  it("never deadlock, whatever both limits are", async () => {
    const outer = func("outer", async (n: number) => {
      const inner = await double.map([n, n + 1], { concurrency: 1 }).$value();
      return inner.reduce((a, b) => a + b, 0);
    });
    const pipeline = func("limited", () => outer.map([1, 2, 3], { concurrency: 2 }));
    expect(await new SilentRunner({ concurrency: 1 }).run(pipeline())).toEqual([6, 10, 14]);
  });

  it("tolerate so many failures, which stand in their places", async () => {
    const results = await run(picky.map([1, -1, 3, -4], { tolerate: 2 }));
    expect(results.map((result) => (result instanceof RunFailure ? "failed" : result))).toEqual([
      1,
      "failed",
      3,
      "failed",
    ]);
    const failed = results[1] as RunFailure;
    expect(failed).toMatchObject({ funcId: "picky", failure: { name: "RangeError", message: "-1 is below 0" } });
    expect(failed.toError()).toMatchObject({ name: "RangeError", message: "-1 is below 0" });
    expect(failed.runId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("fail with one failure more, which is the cause", async () => {
    await expect(run(picky.map([1, -1, -3], { tolerate: 1 }))).rejects.toThrow(/of func "picky" failed: -3 is below 0/);
    await expect(run(picky.map([1, -1]))).rejects.toThrow(/-1 is below 0/);
    expect(await run(picky.map([-1, -2], { tolerate: Number.POSITIVE_INFINITY }))).toHaveLength(2);
  });

  it("tolerate what begins below an element, and what befalls its item", async () => {
    const nested = func("nested failure", (n: number) => picky(n));
    const pipeline = func("tolerant", async () => {
      const item = picky(-7);
      const results = nested.map([1, -2, item], { tolerate: 2 });
      await item.$value().catch(() => undefined);
      return results;
    });
    const [first, second, third] = (await run(pipeline())) as [number, RunFailure, RunFailure];
    expect(first).toBe(1);
    expect(second.failure.message).toBe("-2 is below 0");
    expect(third.failure.message).toBe("-7 is below 0");
  });

  it("change the calls of the elements with `each`", async () => {
    const executed = new Map<number, number>();
    const flaky = func("flaky", (n: number) => {
      const count = (executed.get(n) ?? 0) + 1;
      executed.set(n, count);
      if (count < 2) throw new Error("not yet");
      return count;
    });
    expect(await run(flaky.map([1, 2], { each: { retry: { retries: 1 } } }))).toEqual([2, 2]);
  });

  it.each<[unknown, RegExp]>([
    [{ limit: 3 }, /unknown option "limit"; known: concurrency, tolerate, each/],
    [{ concurrency: 0 }, /concurrency must be a whole number above 0/],
    [{ concurrency: 2.5 }, /concurrency must be/],
    [{ tolerate: -1 }, /tolerate must be a whole number from 0/],
    [{ tolerate: "all" }, /tolerate must be/],
    [{ each: { nmae: "x" } }, /each of map of func "double": unknown option "nmae"/],
    [null, /options must be an object/],
  ])("are refused at once: %j", (options, message) => {
    expect(() => double.map([1], options as MapOptions)).toThrow(message);
    expect(() => double.map([1], options as MapOptions)).toThrow(/map of func "double"/);
  });
});
