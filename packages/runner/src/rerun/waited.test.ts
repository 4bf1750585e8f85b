import { beforeEach, describe, expect, test } from "vitest";
import { func, type Future, order } from "../index.ts";
import { graphOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, taken } from "./testing/lab.ts";

/** Added to each result of `step`; what changes between a run and its re-run. */
let bonus = 0;
/** How often `tick` was asked. */
let ticks = 0;

beforeEach(() => {
  bonus = 0;
  ticks = 0;
});

const step = func("step", (name: string, value: number) => {
  executes(name);
  return value + 1 + bonus;
});
const tick = func("tick", (_label: string) => {
  executes();
  return (ticks += 1);
});

const five = func("five", () => "five");

/** Names each call of `step` after its first argument. */
function call(name: string, value: number | Future<number>): ReturnType<typeof step> {
  return step(name, value).$set({ name });
}

describe("a body that waited for what is executed again", () => {
  const waiting = func("waiting", async (start: number) => {
    executes();
    const a = await call("a", start).$value();
    const b = await call("b", a).$value();
    const c = await call("c", b).$value();
    return { c, d: call("d", c) };
  });
  const root = func("root of waiting", (start: number) => {
    executes();
    const before = call("before", start);
    const waited = waiting(before);
    return { before, waited, behind: call("behind", waited.d) };
  });
  const value = { before: 1, waited: { c: 4, d: 5 }, behind: 6 };

  test.each<[string, Record<string, number>, string[]]>([
    ["before", { before: 1, waiting: 1, a: 1, b: 1, c: 1, d: 1, behind: 1 }, []],
    // The results are as they were, so what was computed from them still holds.
    ["a", { waiting: 1, a: 1, behind: 1 }, ["before", "b", "c", "d"]],
    ["b", { waiting: 1, b: 1, behind: 1 }, ["before", "a", "c", "d"]],
    ["c", { waiting: 1, c: 1, behind: 1 }, ["before", "a", "b", "d"]],
    // Nobody waited for this one.
    ["d", { d: 1, behind: 1 }, ["before", "a", "b", "c"]],
    ["behind", { behind: 1 }, ["before", "waiting", "a", "b", "c", "d"]],
  ])("executes, and gets recorded results for its other calls: %s", async (from, executed, kept) => {
    const lab = await Lab.open();
    const first = await lab.run(root(0));
    expect(first.value).toEqual(value);
    const second = await lab.rerun(first, named(first, from), again(root));
    expect(second).toMatchObject({ value, error: undefined });
    expect(second.executed).toEqual(executed);
    expect(taken(second).toSorted()).toEqual(kept.toSorted());
    expect(graphOf(second)).toEqual(graphOf(first));
  });

  test.each<[string, number, Record<string, number>]>([
    ["a", 5, { waiting: 1, a: 1, b: 1, c: 1, d: 1, behind: 1 }],
    ["b", 4, { waiting: 1, b: 1, c: 1, d: 1, behind: 1 }],
    ["c", 3, { waiting: 1, c: 1, d: 1, behind: 1 }],
    ["d", 2, { d: 1, behind: 1 }],
  ])("executes calls with other arguments than the recorded ones: behind %s", async (from, changes, executed) => {
    const lab = await Lab.open();
    const first = await lab.run(root(0));
    bonus = 100;
    const second = await lab.rerun(first, named(first, from), again(root));
    const c = from === "d" ? 4 : 4 + (changes - 2) * 100;
    const d = 5 + (changes - 1) * 100;
    expect(second.value).toEqual({ before: 1, waited: { c, d }, behind: 6 + changes * 100 });
    expect(second.executed).toEqual(executed);
  });

  test("is not executed if it only waited for what stays as it is", async () => {
    const lab = await Lab.open();
    const first = await lab.run(root(0));
    const second = await lab.rerun(first, named(first, "d"), again(root));
    expect(second.executedRuns).not.toContain(named(second, "waiting").id);
    expect(named(second, "waiting")).toMatchObject({ state: "RESOLVED", cache: { originRunId: null } });
  });

  test("does so on every level on which somebody waited", async () => {
    const lowest = func("lowest", async () => {
      executes();
      return (await call("deep", 0).$value()) + (await call("beside deep", 0).$value());
    });
    const returning = func("returning", () => {
      executes();
      return { sum: lowest(), own: call("own", 1) };
    });
    const upper = func("upper", async () => {
      executes();
      const other = await call("other", 2).$value();
      const { sum, own } = await returning().$value();
      return other + sum + own;
    });
    const top = func("top", () => {
      executes();
      return call("last", upper());
    });
    const lab = await Lab.open();
    const first = await lab.run(top());
    expect(first.value).toBe(8);
    const second = await lab.rerun(first, named(first, "deep"), top());
    expect(second).toMatchObject({ value: 8, executed: { upper: 1, lowest: 1, deep: 1, last: 1 } });
    expect(second.executed["returning"]).toBeUndefined();
    expect(taken(second).toSorted()).toEqual(["beside deep", "other", "own"]);
    expect(graphOf(second)).toEqual(graphOf(first));
    bonus = 10;
    const third = await lab.rerun(first, named(first, "own"), top());
    expect(third).toMatchObject({ value: 28, executed: { own: 1, upper: 1, last: 1 } });
    expect(taken(third)).toContain("lowest");
  });
});

describe("a call that was answered", () => {
  test.each([true, false])("answers again in a re-run of the re-run, if its caller waited: %s", async (waits) => {
    const family = func(`family ${waits}`, (input: { readonly list: readonly number[] }) => {
      executes();
      return { sum: call("inside", input.list[0]!), own: 1 };
    });
    const top = func(`top of family ${waits}`, async () => {
      executes("top");
      const answered = family({ list: [call("a", 0), 7] });
      const b = await call("b", 1).$value();
      return { answered: waits ? await answered.$value() : answered, c: call("c", b) };
    });
    const value = { answered: { sum: 2, own: 1 }, c: 3 };
    const lab = await Lab.open();
    let last = await lab.run(top());
    const graph = graphOf(last);
    for (const [from, executed] of [
      ["b", { top: 1, b: 1 }],
      // From here on the family waits for what is inside it.
      ["inside", { ...(waits ? { top: 1 } : {}), inside: 1 }],
      ["b", { top: 1, b: 1 }],
      ["inside", { ...(waits ? { top: 1 } : {}), inside: 1 }],
      ["b", { top: 1, b: 1 }],
      ["c", { c: 1 }],
    ] as const) {
      last = await lab.rerun(last, named(last, from), top());
      expect(last).toMatchObject({ value, error: undefined });
      expect(last.executed).toEqual(executed);
      expect(graphOf(last)).toEqual(graph);
    }
  });
});

describe("equal calls of a body that executes again", () => {
  const one = func("one by one", async () => {
    executes();
    const values = [];
    for (let at = 0; at < 3; at += 1) values.push(await tick("same").$value());
    const other = await tick("other").$value();
    return [...values, other, await call("last", 0).$value()];
  });
  const together = func("together", async () => {
    executes();
    const futures = [tick("same"), tick("same"), tick("other"), tick("same")];
    const last = await call("last", 0).$value();
    return [...(await Promise.all(futures.map(async (future) => future.$value()))), last];
  });

  test.each([
    ["one by one", one, [1, 2, 3, 4, 1]],
    ["together", together, [1, 2, 3, 4, 1]],
  ] as const)("get the recorded results in their order: %s", async (_, pipeline, value) => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline(), { concurrency: 1 });
    expect(first.value).toEqual(value);
    const second = await lab.rerun(first, named(first, "last"), pipeline());
    expect(second).toMatchObject({ value, executed: { [pipeline.id]: 1, last: 1 } });
    expect(second.executed["tick"]).toBeUndefined();
    expect(graphOf(second)).toEqual(graphOf(first));
  });

  test("execute where they are more than were recorded", async () => {
    let count = 2;
    const counting = func("counting", async () => {
      executes();
      const values = [];
      for (let at = 0; at < count; at += 1) values.push(await tick("same").$value());
      return [...values, await call("last", 0).$value()];
    });
    const lab = await Lab.open();
    const first = await lab.run(counting());
    expect(first.value).toEqual([1, 2, 1]);
    count = 4;
    const second = await lab.rerun(first, named(first, "last"), counting());
    expect(second).toMatchObject({ value: [1, 2, 3, 4, 1], executed: { tick: 2, last: 1, counting: 1 } });
    count = 1;
    const third = await lab.rerun(second, named(second, "last"), counting());
    expect(third).toMatchObject({ value: [1, 1], executed: { last: 1, counting: 1 } });
    expect(third.runs.map(({ name }) => name)).toEqual(["counting", "tick", "last"]);
  });

  test("are told apart by where their arguments came from", async () => {
    const mixed = func("mixed", async () => {
      executes();
      const label = five();
      const futures = [tick(label), tick("five"), tick(label), tick("five")];
      const last = await call("last", 0).$value();
      return [...(await Promise.all(futures.map(async (future) => future.$value()))), last];
    });
    const lab = await Lab.open();
    const first = await lab.run(mixed(), { concurrency: 1 });
    // Those that wait for their argument execute later.
    expect(first.value).toEqual([3, 1, 4, 2, 1]);
    const second = await lab.rerun(first, named(first, "last"), mixed(), { concurrency: 1 });
    expect(second).toMatchObject({ value: [3, 1, 4, 2, 1], executed: { mixed: 1, last: 1 } });
    expect(second.executed["tick"]).toBeUndefined();
  });

  test("are re-run one by one: the second of three", async () => {
    const lab = await Lab.open();
    const first = await lab.run(one());
    const second = await lab.rerun(first, named(first, "tick", 1), one());
    expect(second).toMatchObject({ value: [1, 5, 3, 4, 1], executed: { tick: 1, "one by one": 1 } });
  });
});

describe("a body that executes again and makes other calls than it had", () => {
  let body: () => unknown = () => undefined;
  const changing = func("changing", async () => {
    executes();
    return body();
  });
  const top = func("top of changing", () => {
    executes();
    return { changed: changing(), beside: call("beside", 0) };
  });

  /** Runs one body, then re-runs another one from a call. */
  async function change(before: () => unknown, from: string, after: () => unknown) {
    const lab = await Lab.open();
    body = before;
    const first = await lab.run(top());
    body = after;
    const second = await lab.rerun(first, named(first, from), top());
    return { first, second, names: second.runs.map(({ name }) => name).sort() };
  }

  const twoCalls = async (): Promise<unknown> => [await call("a", 1).$value(), await call("b", 2).$value()];

  test("executes a new one", async () => {
    const { second, names } = await change(twoCalls, "b", async () => [
      await call("a", 1).$value(),
      await call("new", 5).$value(),
      await call("b", 2).$value(),
    ]);
    expect(second.value).toEqual({ changed: [2, 6, 3], beside: 1 });
    expect(second.executed).toEqual({ changing: 1, new: 1, b: 1 });
    expect(names).toEqual(["a", "b", "beside", "changing", "new", "top of changing"]);
  });

  test("leaves out one that is not made any more, also if it was to be executed", async () => {
    const left = await change(twoCalls, "b", async () => [await call("b", 2).$value()]);
    expect(left.second.value).toEqual({ changed: [3], beside: 1 });
    expect(left.names).toEqual(["b", "beside", "changing", "top of changing"]);
    const target = await change(twoCalls, "b", async () => [await call("a", 1).$value()]);
    expect(target.second).toMatchObject({ value: { changed: [2], beside: 1 }, executed: { changing: 1 } });
    expect(target.names).toEqual(["a", "beside", "changing", "top of changing"]);
  });

  test("executes new maps, and gets the results of the elements of others", async () => {
    const item = (name: string): [string, number] => [name, 0];
    const maps = (names: readonly string[]) => async (): Promise<unknown> => {
      const lists = names.map((list) => step.map(list.split("").map(item)));
      const last = await call("b", 2).$value();
      return [...(await Promise.all(lists.map(async (list) => list.$value()))), last];
    };
    const { second } = await change(maps(["xy", "z", "uvw"]), "b", maps(["new", "xyz", "z", "uw"]));
    expect(second.value).toEqual({ changed: [[1, 1, 1], [1, 1, 1], [1], [1, 1], 3], beside: 1 });
    expect(second.executed).toEqual({ changing: 1, n: 1, e: 1, w: 1, z: 1, b: 1 });
  });

  test("executes one with other arguments, or of another func", async () => {
    const other = func("another func", (name: string, value: number) => {
      executes();
      return `${name} ${value}`;
    });
    const { second } = await change(twoCalls, "b", async () => [
      await other("a", 1).$value(),
      await call("a", 3).$value(),
      await call("b", 2).$value(),
    ]);
    expect(second.value).toEqual({ changed: ["a 1", 4, 3], beside: 1 });
    expect(second.executed).toEqual({ changing: 1, "another func": 1, a: 1, b: 1 });
  });

  test("gets the results of calls that it makes in another order, at other places, under another name", async () => {
    const { second } = await change(twoCalls, "b", async () => {
      const b = call("b", 2);
      const a = step("a", 1).$set({ name: "renamed", tags: ["new"] });
      return { sums: [call("sum", a)], b: await b.$value(), a };
    });
    expect(second.value).toEqual({ changed: { sums: [3], b: 3, a: 2 }, beside: 1 });
    expect(second.executed).toEqual({ changing: 1, b: 1, sum: 1 });
    expect(named(second, "renamed")).toMatchObject({ tags: ["new"], cache: { status: "CLONED" } });
  });

  test("gives what its new code gives, and fails as it fails", async () => {
    const { second } = await change(twoCalls, "a", async () => `only ${await call("a", 1).$value()}`);
    expect(second.value).toEqual({ changed: "only 2", beside: 1 });
    const failing = await change(twoCalls, "a", async () => {
      await call("a", 1).$value();
      throw new TypeError("new and broken");
    });
    expect(failureOf(failing.second)).toMatchObject({ name: "TypeError", message: "new and broken" });
    expect(named(failing.second, "changing").state).toBe("FAILED");
  });
});

describe("a body that waited in other ways", () => {
  test("for whichever came first", async () => {
    let gate = Promise.withResolvers<void>();
    let loser = "slow";
    const runner = func("runner", async (name: string) => {
      executes(name);
      if (name === loser) await gate.promise;
      return name;
    });
    const racing = func("racing", async () => {
      executes();
      const [fast, slow] = ["fast", "slow"].map((name) => runner(name).$set({ name }));
      const winner = await Promise.race([fast!.$value(), slow!.$value()]);
      gate.resolve();
      return { winner, last: call("last", winner.length) };
    });
    const lab = await Lab.open();
    const first = await lab.run(racing());
    expect(first.value).toEqual({ winner: "fast", last: 5 });
    gate = Promise.withResolvers();
    const fromSlow = await lab.rerun(first, named(first, "slow"), racing());
    expect(fromSlow).toMatchObject({ value: first.value, executed: { racing: 1, slow: 1 } });
    expect(taken(fromSlow)).toEqual(["fast", "last"]);
    const fromLast = await lab.rerun(first, named(first, "last"), racing());
    expect(fromLast).toMatchObject({ value: first.value, executed: { last: 1 } });
    gate = Promise.withResolvers();
    loser = "fast";
    const fromFast = await lab.rerun(first, named(first, "fast"), racing());
    expect(fromFast).toMatchObject({ value: { winner: "slow", last: 5 }, executed: { racing: 1, fast: 1 } });
    expect(taken(fromFast)).toEqual(["slow", "last"]);
  });

  test("and gave up", async () => {
    const gate = Promise.withResolvers<void>();
    const held = func("held", async () => {
      executes();
      await gate.promise;
      return 1;
    });
    const impatient = func("impatient", async () => {
      executes();
      const stop = new AbortController();
      const waits = held()
        .$value({ signal: stop.signal })
        .catch(() => "gave up");
      const other = await call("other", 0).$value();
      stop.abort();
      const outcome = await waits;
      gate.resolve();
      return { other, outcome };
    });
    const lab = await Lab.open();
    const first = await lab.run(impatient());
    expect(first.value).toEqual({ other: 1, outcome: "gave up" });
    const second = await lab.rerun(first, named(first, "other"), impatient());
    expect(second).toMatchObject({ executed: { impatient: 1, other: 1 } });
    expect(second.value).toMatchObject({ other: 1 });
    const third = await lab.rerun(first, named(first, "held"), impatient());
    expect(third).toMatchObject({ value: { other: 1 }, executed: { impatient: 1, held: 1 } });
    expect(taken(third)).toEqual(["other"]);
  });

  test("for a failure, which it handled", async () => {
    let breaks = true;
    const risky = func("risky", (value: number) => {
      executes();
      if (breaks) throw new RangeError("risky");
      return value;
    });
    const careful = func("careful", async () => {
      executes();
      const outcome = await risky(7)
        .$value()
        .catch((error: Error) => `${error.name}: ${(error.cause as Error).message}`);
      const next = await call("next", 1).$value();
      return { outcome, next, last: call("last", 2) };
    });
    const lab = await Lab.open();
    const first = await lab.run(careful());
    const value = { outcome: "RunFailedError: risky", next: 2, last: 3 };
    expect(first.value).toEqual(value);
    // Its body is not executed, so nobody asks for the call that failed.
    expect(await lab.rerun(first, named(first, "last"), careful())).toMatchObject({ value, executed: { last: 1 } });
    const second = await lab.rerun(first, named(first, "next"), careful());
    expect(second).toMatchObject({ value, executed: { careful: 1, risky: 1, next: 1 } });
    breaks = false;
    const healed = await lab.rerun(first, named(first, "risky"), careful());
    expect(healed).toMatchObject({ value: { ...value, outcome: 7 }, executed: { careful: 1, risky: 1 } });
  });

  test("for a part", async () => {
    const record = func("record", () => {
      executes();
      return { size: 2 + bonus, list: [10, 20] };
    });
    const parted = func("parted", async () => {
      executes();
      const { size, list } = record();
      const first = await size.$value();
      return { first, last: call("last", list[1]!) };
    });
    const lab = await Lab.open();
    const first = await lab.run(parted());
    expect(first.value).toEqual({ first: 2, last: 21 });
    bonus = 5;
    const second = await lab.rerun(first, named(first, "record"), parted());
    expect(second).toMatchObject({ value: { first: 7, last: 26 }, executed: { parted: 1, record: 1, last: 1 } });
  });

  test("for a map, and for elements of one", async () => {
    const mapping = func("mapping", async () => {
      executes();
      const list = await step
        .map([
          ["x", 1],
          ["y", 2],
        ])
        .$value();
      const group = step.map([["z", 3]]);
      return [...list, await group[0]!.$value(), call("last", 0)];
    });
    const lab = await Lab.open();
    const first = await lab.run(mapping());
    expect(first.value).toEqual([2, 3, 4, 1]);
    for (const [name, at] of [
      ["x", 0],
      ["y", 1],
      ["z", 2],
    ] as const) {
      const second = await lab.rerun(first, named(first, "step", at), mapping());
      expect(second.value).toEqual([2, 3, 4, 1]);
      expect(second.executed).toEqual({ mapping: 1, [name]: 1 });
      expect(graphOf(second)).toEqual(graphOf(first));
    }
    const group = await lab.rerun(first, named(first, "step.map"), mapping());
    expect(group).toMatchObject({ value: [2, 3, 4, 1], executed: { mapping: 1, x: 1, y: 1 } });
    const last = await lab.rerun(first, named(first, "last"), mapping());
    expect(last).toMatchObject({ value: [2, 3, 4, 1], executed: { last: 1 } });
  });
});

describe("an order without values", () => {
  test("makes the later call execute, not the earlier one", async () => {
    const ordering = func("ordering", () => {
      executes();
      const [a, b, c] = [call("a", 0), call("b", 1), call("c", 2)];
      order(a, b);
      return [a, b, c.$after(b), call("apart", 3)];
    });
    const lab = await Lab.open();
    const first = await lab.run(ordering());
    const from = async (name: string) => lab.rerun(first, named(first, name), ordering());
    const a = await from("a");
    expect(a).toMatchObject({ value: [1, 2, 3, 4], executed: { a: 1, b: 1, c: 1 } });
    expect(graphOf(a)).toEqual(graphOf(first));
    expect(await from("b")).toMatchObject({ executed: { b: 1, c: 1 } });
    expect((await from("b")).executed["a"]).toBeUndefined();
    expect((await from("c")).executed).toEqual({ c: 1 });
  });

  test("holds between calls that are executed and calls that are answered", async () => {
    const mixed = func("mixed order", async () => {
      executes();
      const a = call("a", 0);
      const b = call("b", 1).$after(a);
      await b.$value();
      return call("c", 2).$after(a, b);
    });
    const lab = await Lab.open();
    const first = await lab.run(mixed());
    const second = await lab.rerun(first, named(first, "b"), mixed());
    expect(second).toMatchObject({ value: 3, executed: { "mixed order": 1, b: 1, c: 1 } });
    expect(taken(second)).toEqual(["a"]);
    expect(graphOf(second)).toEqual(graphOf(first));
  });
});
