import { getEventListeners } from "node:events";
import { NotInFuncError, type RunFailedError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { func, type Future, isFuture, type Pending, type RunContext, SilentRunner } from "./index.ts";

const run = <T>(future: Future<T>): Promise<T> => new SilentRunner().run(future);

/** The user's own error of a pipeline run that failed. */
async function causeOf(future: Future<unknown>): Promise<unknown> {
  const error = (await run(future).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as Error & { cause?: RunFailedError };
  return error.cause?.cause;
}

const add = func("add", (a: number, b: number) => a + b);
const identity = func("identity", (value: unknown) => value);
const person = func("person", () => ({ name: "Ada", born: { year: 1815 }, tags: ["x", "y"] }));
const pair = func("pair", (): [number, string] => [1, "a"]);

describe("a part of a future", () => {
  it("is a future, at any depth", async () => {
    const pipeline = func("parts", () => {
      const ada = person();
      expect(isFuture(ada.born.year)).toBe(true);
      return [ada.name, ada.born.year, ada.tags[1], ada.tags.$get("length")];
    });
    expect(await run(pipeline())).toEqual(["Ada", 1815, "y", 2]);
  });

  it("comes by destructuring, of objects and of tuples", async () => {
    const pipeline = func("destructuring", () => {
      const {
        name,
        born: { year },
      } = person();
      const [number, text] = pair();
      const [, second] = pair();
      return { name, year, number, text, second };
    });
    expect(await run(pipeline())).toEqual({ name: "Ada", year: 1815, number: 1, text: "a", second: "a" });
  });

  it("comes by $get for computed keys and keys that begin with $", async () => {
    const odd = func("odd", () => ({ $id: "own", "a b": 2, ["then" as "after"]: 3, toJSON: 4 }));
    const pipeline = func("get", (key: "a b") => {
      const value = odd();
      return [value.$get("$id"), value.$get(key), value.$get("then" as "after"), value.$get("toJSON"), pair().$get(0)];
    });
    expect(await run(pipeline("a b"))).toEqual(["own", 2, 3, 4, 1]);
  });

  it("costs no run", async () => {
    let executed = 0;
    const once = func("once", () => ({ a: ++executed, b: { c: 2 } }));
    const pipeline = func("cost", () => {
      const value = once();
      return [value.a, value.b.c, value];
    });
    expect(await run(pipeline())).toEqual([1, 2, { a: 1, b: { c: 2 } }]);
    expect(executed).toBe(1);
  });

  it("that is not there is undefined; a part of nothing is an error that names it", async () => {
    const missing = func("missing", () => identity((person() as unknown as { nick: Pending<string> }).nick));
    expect(await run(missing())).toBeUndefined();
    const deeper = func("deeper", () => (person() as unknown as { nick: { first: Pending<string> } }).nick.first);
    expect(await causeOf(deeper())).toMatchObject({
      message: expect.stringMatching(/has no part first: .* undefined/),
    });
  });

  it("takes nothing from prototypes", async () => {
    const pipeline = func("prototypes", () =>
      identity([person().$get("toString" as "name"), pair().$get("map" as "0")]),
    );
    expect(await run(pipeline())).toEqual([undefined, undefined]);
  });

  it.each([[1.5], [null], [undefined], [Symbol("x")]])("cannot be got by %s", async (key) => {
    const pipeline = func(`get ${String(key)}`, () => person().$get(key as unknown as "name"));
    expect(await causeOf(pipeline())).toMatchObject({ message: expect.stringMatching(/\$get takes a property name/) });
  });
});

describe("futures in arguments and results", () => {
  const one = func("one", () => 1);
  const two = func("two", async () => 2);

  it("are found at any depth of arrays, objects, Maps and Sets", async () => {
    const seen: unknown[] = [];
    const look = func("look", (value: unknown) => void seen.push(value));
    const pipeline = func("depth", () => {
      const value = () => ({
        list: [[one()], { deep: [two()] }],
        map: new Map<unknown, unknown>([
          ["a", one()],
          [{ key: 1 }, new Map([["b", [two()]]])],
        ]),
        set: new Set([one(), two(), 3]),
        bare: Object.assign(Object.create(null) as object, { x: one() }),
        plain: "text",
      });
      look(value());
      return value();
    });
    const expected = {
      list: [[1], { deep: [2] }],
      map: new Map<unknown, unknown>([
        ["a", 1],
        [{ key: 1 }, new Map([["b", [2]]])],
      ]),
      set: new Set([1, 2, 3]),
      bare: { x: 1 },
      plain: "text",
    };
    expect(await run(pipeline())).toEqual(expected);
    expect(seen).toEqual([expected]);
  });

  it("may be the whole argument, part of several, and the whole result", async () => {
    const pipeline = func("whole", () => add(one(), add(two(), one())));
    expect(await run(pipeline())).toBe(4);
    expect(await run(func("async whole", async () => one())())).toBe(1);
  });

  it("leave what stands around them untouched", async () => {
    const around = {
      list: [1, { f: 2 as unknown }],
      empty: {},
      undefined,
      big: 10n,
      at: new Date(0),
      bytes: new Uint8Array(2),
    };
    const pipeline = func("around", () => {
      const given = { ...around, list: [one(), { f: two() }] };
      const result = identity(given);
      expect(isFuture(given.list[0])).toBe(true);
      return result;
    });
    expect(await run(pipeline())).toEqual({ ...around, list: [1, { f: 2 }] });
  });

  it("keep holes of arrays and the order of Maps and keys", async () => {
    const pipeline = func("order", () => {
      const sparse: unknown[] = [];
      sparse[2] = one();
      return identity({
        z: sparse,
        a: new Map([
          ["z", one()],
          ["a", two()],
        ]),
      });
    });
    const value = (await run(pipeline())) as { z: unknown[]; a: Map<string, number> };
    expect(Object.keys(value)).toEqual(["z", "a"]);
    expect([...value.a.keys()]).toEqual(["z", "a"]);
    expect(0 in value.z).toBe(false);
    expect(value.z[2]).toBe(1);
  });

  it("do not mind what keys the Maps around them have", async () => {
    const keys = [Object.assign(Object.create(null) as object, { bare: 1 }), new Date(0), Symbol.iterator, 1n];
    const pipeline = func("odd keys", (map: Map<unknown, unknown>) =>
      identity(new Map([...map].map(([key]) => [key, [one()]]))),
    );
    const result = (await run(pipeline(new Map(keys.map((key) => [key, {}]))))) as Map<unknown, unknown>;
    expect([...result]).toEqual(keys.map((key) => [key, [1]]));
  });

  it("cannot be keys of Maps", async () => {
    const pipeline = func("keys", () => identity(new Map([[one(), 1]])));
    expect(await causeOf(pipeline())).toMatchObject({
      code: "FUTURE_MISUSE",
      message: expect.stringMatching(/^value of func "identity": a future cannot be the key of a Map/),
    });
  });

  it("in what refers to itself are an error, not a hang", async () => {
    const pipeline = func("loop", () => {
      const loop: Record<string, unknown> = { future: one() };
      loop["self"] = loop;
      return identity(loop);
    });
    expect(await causeOf(pipeline())).toMatchObject({
      message: expect.stringMatching(/nested deeper than 500 levels/),
    });
  });

  it("in prototypes' fields are no danger", async () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}') as object;
    const pipeline = func("proto", () => identity({ evil, one: one() }));
    const value = (await run(pipeline())) as { evil: object };
    expect(Object.hasOwn(value.evil, "__proto__")).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("in objects with a __proto__ key stay in that object", async () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
    const pipeline = func("proto future", () => {
      evil["one"] = one();
      return identity({ evil });
    });
    const { evil: copy } = (await run(pipeline())) as { evil: object };
    expect(Object.keys(copy)).toEqual(["__proto__", "one"]);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  it("of one call run it once, however often they are used", async () => {
    let executed = 0;
    const count = func("count", () => (executed += 1));
    const pipeline = func("twice", async () => {
      const c = count();
      return [add(c, c), c, await c.$value(), identity([c, { c }])];
    });
    expect(await run(pipeline())).toEqual([2, 1, 1, [1, { c: 1 }]]);
    expect(executed).toBe(1);
  });

  it("that nobody uses run all the same, and the parent waits for them", async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const unused = func("unused", async () => {
      await gate.promise;
      order.push("unused");
    });
    const pipeline = func("unusing", () => {
      unused();
      order.push("body");
      return 1;
    });
    const result = run(pipeline()).then((value) => {
      order.push("result");
      return value;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["body"]);
    gate.resolve();
    expect(await result).toBe(1);
    expect(order).toEqual(["body", "unused", "result"]);
  });

  it("start as soon as their inputs are there, also while the body goes on", async () => {
    const begun = Promise.withResolvers<string>();
    const begin = func("begin", (name: string) => begun.resolve(name));
    const pipeline = func("going on", async () => {
      await Promise.resolve();
      begin("child");
      return begun.promise;
    });
    expect(await run(pipeline())).toBe("child");
  });

  it("must be of the same body", async () => {
    let leaked: Pending<number> | undefined;
    const leak = func("leak", () => void (leaked = one()));
    const use = func("use", () => add(leaked as Pending<number>, 1));
    const wait = func("wait", () => (leaked as Pending<number>).$value());
    const give = func("give", () => leaked as Pending<number>);
    for (const [user, place] of [
      [use, "add"],
      [wait, "wait"],
      [give, "give"],
    ] as const) {
      const pipeline = func(`foreign ${user.id}`, () => user().$after(leak()));
      expect(await causeOf(pipeline())).toMatchObject({
        code: "FUTURE_MISUSE",
        message: expect.stringMatching(new RegExp(`^func "${place}".* uses the future of func "one"`)),
      });
    }
  });
});

describe("$value", () => {
  it("gives the value inside a body, for branches and loops on results", async () => {
    const collatz = func("collatz", async (n: number) => {
      let steps = 0;
      for (let at = n; at !== 1; steps += 1) {
        const isOdd = await func(`odd ${n} ${steps}`, (x: number) => x % 2 === 1)(at).$value();
        at = await add(isOdd ? 3 * at + 1 : at / 2, 0).$value();
      }
      return steps;
    });
    expect(await run(collatz(6))).toBe(8);
  });

  it("gives parts", async () => {
    const pipeline = func("value parts", async () => [await person().born.year.$value(), await pair()[1].$value()]);
    expect(await run(pipeline())).toEqual([1815, "a"]);
  });

  it("throws outside a body and says where to go", () => {
    const future = add(1, 2);
    expect(() => future.$value()).toThrow(NotInFuncError);
    expect(() => future.$value()).toThrow(
      /\$value\(\) of the future of add works only inside the body of a func\. .*runner/,
    );
  });

  it("is refused once the body has ended", async () => {
    const late = Promise.withResolvers<unknown>();
    const pipeline = func("late", () => {
      const future = add(1, 2);
      setImmediate(() => void future.$value().then(late.resolve, late.reject));
      return 1;
    });
    await run(pipeline());
    await expect(late.promise).rejects.toMatchObject({
      code: "FUTURE_MISUSE",
      message: expect.stringMatching(/\$value\(\) was called after the body of func "late".* had ended/),
    });
  });

  it("comes also after the body has ended, and then a failure is no rejection of its own", async () => {
    const held = Promise.withResolvers<number>();
    const slow = func("slow to lose", () => held.promise);
    const abort = new AbortController();
    const late = Promise.withResolvers<unknown>();
    const race = func("race", (fails: boolean) => {
      const { signal } = abort;
      if (fails) void slow().$value({ signal });
      else slow().$value({ signal }).then(late.resolve, late.reject);
      setImmediate(() => (fails ? held.reject(new Error("too slow")) : held.resolve(1)));
      return 2;
    });
    expect(await run(race(false))).toBe(2);
    expect(await late.promise).toBe(1);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    const failing = Promise.withResolvers<number>();
    Object.assign(held, failing);
    await expect(run(race(true))).rejects.toThrow("too slow");
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });

  it("stops waiting when its signal is aborted, with the signal's reason", async () => {
    const gate = Promise.withResolvers<number>();
    const slow = func("slow", () => gate.promise);
    const pipeline = func("impatient", async () => {
      const future = slow();
      const abort = new AbortController();
      const waiting = future.$value({ signal: abort.signal });
      abort.abort(new Error("no patience"));
      const already = future.$value({ signal: AbortSignal.abort(new Error("none at all")) });
      const messages = (await Promise.allSettled([waiting, already])).map(
        (one) => one.status === "rejected" && (one.reason as Error).message,
      );
      gate.resolve(3);
      return [...messages, await future.$value({ signal: new AbortController().signal })];
    });
    expect(await run(pipeline())).toEqual(["no patience", "none at all", 3]);
  });
});

describe("$id", () => {
  it("is the run's id, the same for its parts, known before it runs", async () => {
    const ids: string[] = [];
    const own = func("own", (context: RunContext) => ids.push(context.runId));
    const pipeline = func("ids", () => {
      const future = own();
      ids.push(future.$id);
      return future;
    });
    await run(pipeline());
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[1]).toBe(ids[0]);
    const future = person();
    expect(future.born.year.$id).toBe(future.$id);
  });
});
