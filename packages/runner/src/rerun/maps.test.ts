import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { func, type Func, RunFailure } from "../index.ts";
import { graphOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, taken } from "./testing/lab.ts";

let bonus = 0;
const broken = new Set<number>();
/** Elements that execute at the same time, and the most that ever did. */
let live = 0;
let most = 0;

beforeEach(() => {
  bonus = 0;
  most = 0;
  broken.clear();
});

const numbers = func("numbers", (count: number) => {
  executes();
  return Array.from({ length: count }, (_, at) => at + 1);
});
const double = func("double", (value: number) => {
  executes();
  return value * 2 + bonus;
});
const element = func("element", async (value: number) => {
  executes(`element ${value}`);
  live += 1;
  most = Math.max(most, live);
  await turn();
  live -= 1;
  if (broken.has(value)) throw new RangeError(`element ${value}`);
  return value * 10 + bonus;
});
const sum = func("sum", (list: readonly number[]) => {
  executes();
  return list.reduce((total, value) => total + value, 0);
});

/** Maps of all kinds; each is given 1, 2 and 3. */
const kinds: Readonly<Record<string, Func<[], number>>> = {
  "an array": func("of an array", () => {
    executes("pipeline");
    return sum(element.map([1, 2, 3]));
  }),
  "an array with futures": func("of an array with futures", () => {
    executes("pipeline");
    // Of the second item's values one has changed when the first is executed again.
    const one = double(0.5);
    return sum(element.map([one, double(one), 3]));
  }),
  "the future of an array": func("of a future", () => {
    executes("pipeline");
    return sum(element.map(numbers(3)));
  }),
};

describe.each(Object.entries(kinds))("a map of %s", (_, pipeline) => {
  test("is re-run from one element", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    expect(first.value).toBe(60);
    const second = await lab.rerun(first, named(first, "element", 1), pipeline());
    expect(second).toMatchObject({ value: 60, error: undefined });
    expect(second.executed).toEqual({ "element 2": 1, sum: 1 });
    expect(graphOf(second)).toEqual(graphOf(first));
    bonus = 1;
    const changed = await lab.rerun(second, named(second, "element", 1), pipeline());
    expect(changed).toMatchObject({ value: 61, executed: { "element 2": 1, sum: 1 } });
    expect(taken(changed).filter((name) => name === "element")).toHaveLength(2);
  });

  test("is re-run as a whole", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const second = await lab.rerun(first, named(first, "element.map"), pipeline());
    expect(second.value).toBe(60);
    expect(second.executed).toEqual({ "element 1": 1, "element 2": 1, "element 3": 1, sum: 1 });
    expect(graphOf(second)).toEqual(graphOf(first));
  });

  test("is taken over", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const second = await lab.rerun(first, named(first, "sum"), pipeline());
    expect(second).toMatchObject({ value: 60, executed: { sum: 1 } });
    expect(graphOf(second)).toEqual(graphOf(first));
  });

  test("goes on with the elements that did not succeed", async () => {
    broken.add(2);
    const lab = await Lab.open();
    const first = await lab.run(pipeline(), { concurrency: 1 });
    expect(failureOf(first).message).toBe("element 2");
    expect(await lab.continue(first, pipeline(), { concurrency: 1 })).toMatchObject({ row: { state: "FAILED" } });
    broken.clear();
    const second = await lab.continue(first, pipeline());
    expect(second.value).toBe(60);
    expect(second.executed["element 2"]).toBe(1);
    const resolved = first.runs.filter(({ name, state }) => name === "element" && state === "RESOLVED").length;
    expect(taken(second).filter((name) => name === "element")).toHaveLength(resolved);
    expect(graphOf(second)).toEqual(graphOf(await lab.run(pipeline())));
  });
});

describe("a map whose items change", () => {
  test("has as many elements as there are items now", async () => {
    let count = 3;
    const counted = func("counted", () => {
      executes();
      return Array.from({ length: count }, (_, at) => at + 1);
    });
    const pipeline = func("changing items", () => {
      executes();
      return element.map(counted());
    });
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    count = 5;
    const more = await lab.rerun(first, named(first, "counted"), pipeline());
    expect(more.value).toEqual([10, 20, 30, 40, 50]);
    count = 0;
    const none = await lab.rerun(more, named(more, "counted"), pipeline());
    expect(none).toMatchObject({ value: [], executed: { counted: 1 } });
    count = 1;
    expect(await lab.rerun(none, named(none, "counted"), pipeline())).toMatchObject({
      value: [10],
      executed: { counted: 1, "element 1": 1 },
    });
  });

  test("of an array executes those whose futures change", async () => {
    const pipeline = kinds["an array with futures"]!;
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const second = await lab.rerun(first, named(first, "double", 0), pipeline());
    expect(second).toMatchObject({ value: 60, executed: { double: 2, "element 1": 1, "element 2": 1, sum: 1 } });
    expect(second.executed["element 3"]).toBeUndefined();
    const third = await lab.rerun(first, named(first, "double", 1), pipeline());
    expect(third.executed).toEqual({ double: 1, "element 2": 1, sum: 1 });
    bonus = 1;
    const changed = await lab.rerun(first, named(first, "double", 1), pipeline());
    expect(changed).toMatchObject({ value: 10 + 31 + 30, executed: { double: 1, "element 3": 1, sum: 1 } });
  });
});

describe("the options of a map", () => {
  const limited = func("limited", () => {
    executes();
    return element
      .map([1, 2, 3, 4], { concurrency: 2, tolerate: 2, each: { name: "each", tags: ["x"], retry: { retries: 1 } } })
      .$set({ name: "the group", tags: ["group"] });
  });
  const limitedFuture = func("limited future", () => {
    executes();
    return element
      .map(numbers(4), { concurrency: 2, tolerate: 2, each: { name: "each", tags: ["x"], retry: { retries: 1 } } })
      .$set({ name: "the group", tags: ["group"] });
  });

  test.each([limited, limitedFuture])("hold in a re-run: $id", async (pipeline) => {
    const lab = await Lab.open();
    broken.add(3);
    const first = await lab.run(pipeline());
    expect(first.value).toEqual([10, 20, expect.any(RunFailure), 40]);
    expect(first.executed["element 3"]).toBe(2);
    expect(most).toBe(2);
    most = 0;
    const group = await lab.rerun(first, named(first, "the group"), pipeline());
    expect(most).toBe(2);
    expect(group).toMatchObject({ executed: { "element 1": 1, "element 3": 2 } });
    expect(group.value).toEqual([10, 20, expect.any(RunFailure), 40]);
    expect(named(group, "the group")).toMatchObject({ tags: ["group"], options: named(first, "the group").options });
    expect(group.runs.filter(({ name, tags }) => name === "each" && tags.join() === "x")).toHaveLength(4);
    expect(named(group, "each")).toMatchObject({ options: named(first, "each").options });
    // One more failure than is tolerated.
    broken.add(1).add(4);
    const third = await lab.rerun(first, named(first, "the group"), pipeline(), { concurrency: 1 });
    expect(third.row.state).toBe("FAILED");
  });

  test.each([limited, limitedFuture])("of an element that was tolerated: it executes again: $id", async (pipeline) => {
    const lab = await Lab.open();
    broken.add(3);
    const first = await lab.run(pipeline());
    const same = await lab.rerun(first, named(first, "each", 0), pipeline());
    expect(same.value).toEqual([10, 20, expect.any(RunFailure), 40]);
    expect(same.executed).toEqual({ "element 1": 1, "element 3": 2 });
    // What stands in the result names the run of the re-run, not that of before.
    const failures = (same.value as unknown[]).filter((one) => one instanceof RunFailure);
    expect(failures.map(({ runId }) => runId)).toEqual([named(same, "each", 2).id]);
    broken.clear();
    const healed = await lab.rerun(first, named(first, "each", 2), pipeline());
    expect(healed).toMatchObject({ value: [10, 20, 30, 40], executed: { "element 3": 1 } });
    expect(taken(healed).filter((name) => name === "each")).toHaveLength(3);
  });

  test("limit the elements of a map that waits for them", async () => {
    const pipeline = func("many tolerated", () => {
      executes();
      return element.map([1, 2, 3, 4, 5, 6], { concurrency: 2, tolerate: 6 });
    });
    for (const value of [2, 3, 4, 5, 6]) broken.add(value);
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    most = 0;
    broken.clear();
    const second = await lab.rerun(first, named(first, "element"), pipeline());
    expect(second.value).toEqual([10, 20, 30, 40, 50, 60]);
    expect(Object.keys(second.executed)).toHaveLength(6);
    expect(most).toBe(2);
  });

  test("a map that tolerated a failure and is not touched keeps it", async () => {
    const beside = func("beside a map", () => {
      executes();
      return { list: element.map([1, 2], { tolerate: 1 }), one: double(1) };
    });
    broken.add(2);
    const lab = await Lab.open();
    const first = await lab.run(beside());
    const { list } = first.value as { list: unknown[] };
    const second = await lab.rerun(first, named(first, "double"), beside());
    expect(second).toMatchObject({ value: { list, one: 2 }, executed: { double: 1 } });
    const third = await lab.continue(first, again(beside));
    expect(third).toMatchObject({ value: { list, one: 2 }, executed: {} });
  });
});

describe("maps of other shapes", () => {
  test("an empty one", async () => {
    const pipeline = func("empty maps", () => {
      executes();
      return { literal: element.map([]), future: element.map(numbers(0)), total: sum(element.map([])) };
    });
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const value = { literal: [], future: [], total: 0 };
    expect(first.value).toEqual(value);
    for (const run of first.runs) {
      const second = await lab.rerun(first, run, pipeline());
      expect(second).toMatchObject({ value, error: undefined });
      expect(graphOf(second)).toEqual(graphOf(first));
    }
    expect(await lab.continue(first, pipeline())).toMatchObject({ value, executed: {} });
  });

  test("one of another, with elements that call", async () => {
    const nested = func("nested element", (value: number) => {
      executes(`nested ${value}`);
      return { half: double(value), part: element(value) };
    });
    const pipeline = func("chained maps", () => {
      executes();
      const list = nested.map(double.map([1, 2]));
      return { list, first: list[0]!.half, length: list.$get("length") };
    });
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const value = {
      list: [
        { half: 4, part: 20 },
        { half: 8, part: 40 },
      ],
      first: 4,
      length: 2,
    };
    expect(first.value).toEqual(value);
    for (const run of first.runs) {
      const second = await lab.rerun(first, run, pipeline());
      expect(second).toMatchObject({ value, error: undefined });
      expect(graphOf(second)).toEqual(graphOf(first));
    }
    const deepest = await lab.rerun(first, named(first, "element", 1), pipeline());
    expect(deepest.executed).toEqual({ "element 4": 1 });
    const early = await lab.rerun(first, named(first, "double", 0), pipeline());
    expect(early.executed["chained maps"]).toBeUndefined();
    expect(early.executed).toMatchObject({ "nested 2": 1, "nested 4": 1 });
  });

  test("one of a func with several arguments, some of them futures", async () => {
    const join = func("join", (name: string, value: number) => {
      executes(name);
      return `${name} ${value}`;
    });
    const pipeline = func("several arguments", () => {
      executes();
      const value = double(4);
      return join.map([
        ["a", 1],
        ["b", value],
      ]);
    });
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    expect(first.value).toEqual(["a 1", "b 8"]);
    const fromB = await lab.rerun(first, named(first, "join", 1), pipeline());
    expect(fromB).toMatchObject({ value: ["a 1", "b 8"], executed: { b: 1 } });
    bonus = 1;
    const fromValue = await lab.rerun(first, named(first, "double"), pipeline());
    expect(fromValue).toMatchObject({ value: ["a 1", "b 9"] });
    expect(fromValue.executed).toEqual({ double: 1, b: 1 });
    expect(taken(fromValue)).toEqual(["join"]);
  });

  test("one that is the root", async () => {
    const lab = await Lab.open();
    const first = await lab.run(element.map([1, 2, 3]));
    const second = await lab.rerun(first, named(first, "element", 2), element.map([1, 2, 3]));
    expect(second).toMatchObject({ value: [10, 20, 30], executed: { "element 3": 1 } });
    broken.add(2);
    const failed = await lab.run(element.map([1, 2, 3]), { concurrency: 1 });
    broken.clear();
    const continued = await lab.continue(failed, element.map([1, 2, 3]));
    expect(continued).toMatchObject({ value: [10, 20, 30], executed: { "element 2": 1 } });
    expect(continued.executed["element 1"]).toBeUndefined();
    // A map has no recorded arguments of its own: those of its elements are the recorded ones.
    const other = lab.rerun(first, named(first, "element", 0), element.map([1, 2]));
    await expect(other).rejects.toMatchObject({ code: "RERUN_REFUSED" });
  });
});
