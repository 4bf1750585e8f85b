import { describe, expect, test } from "vitest";
import { context } from "../context.ts";
import { func } from "../func.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const double = func({ id: "double", cache: { version: "1" }, run: (value: number) => count("double") && value * 2 });

describe("equal calls of one pipeline run", () => {
  const slowly = func({
    id: "slowly",
    cache: { version: "1" },
    run: async (value: number) => {
      count("slowly");
      await new Promise(setImmediate);
      if (value < 0) throw new Error("negative");
      return value;
    },
  });

  test("are one execution", async () => {
    resetCounts();
    const home = temporaryFolder();
    const many = func("many", () => [slowly(1), slowly(1), slowly(2), slowly(1)]);
    const { runner, told } = runnerFor(home);
    expect(await runner.run(many())).toEqual([1, 1, 2, 1]);
    expect(counts).toEqual({ slowly: 2 });
    expect(told.statuses["slowly"]?.toSorted()).toEqual(["HIT", "HIT", "MISS", "MISS"]);
  });

  test("share a failure", async () => {
    resetCounts();
    const home = temporaryFolder();
    const many = func("many fail", async () => {
      const both = [slowly(-1), slowly(-1)];
      const ended = await Promise.allSettled(both.map((one) => one.$value()));
      return ended.map(({ status }) => status);
    });
    expect(await runnerFor(home).runner.run(many())).toEqual(["rejected", "rejected"]);
    expect(counts).toEqual({ slowly: 1 });
  });

  test("execute apart if they are not serialized, and one later reuses", async () => {
    resetCounts();
    const home = temporaryFolder();
    const many = func("many apart", async () => {
      const call = () => slowly(5).$set({ cache: { version: "1", serialize: false } });
      const both = await Promise.all([call().$value(), call().$value()]);
      return [...both, await call().$value()];
    });
    expect(await runnerFor(home).runner.run(many())).toEqual([5, 5, 5]);
    expect(counts).toEqual({ slowly: 2 });
  });

  test("go on when the one that computes is canceled: the next takes over", async () => {
    resetCounts();
    const home = temporaryFolder();
    let first = true;
    const began = Promise.withResolvers<void>();
    const cancelable = func({
      id: "cancelable",
      cache: { version: "1" },
      run: async () => {
        count("cancelable");
        if (first) {
          first = false;
          began.resolve();
          await new Promise((resolve) => context().signal.addEventListener("abort", resolve));
        }
        return "done";
      },
    });
    const hasty = func({ id: "hasty", timeout: "100ms", run: () => cancelable() });
    const pair = func("one hasty", async () => {
      const quick = hasty();
      await began.promise;
      const slow = cancelable();
      const [a, b] = await Promise.allSettled([quick.$value(), slow.$value()]);
      return [a.status, b];
    });
    expect(await runnerFor(home).runner.run(pair())).toEqual(["rejected", { status: "fulfilled", value: "done" }]);
    expect(counts).toEqual({ cancelable: 2 });
  });

  test("that would wait for themselves fail with an error that says so", async () => {
    const home = temporaryFolder();
    const endless = func({
      id: "endless",
      cache: { version: "1" },
      run: async (value: number): Promise<number> => again(value),
    });
    async function again(value: number): Promise<number> {
      return endless(value).$value();
    }
    await expect(runnerFor(home).runner.run(endless(1))).rejects.toThrow(/would wait for itself/);
  });

  test("that wait for each other in a circle execute once more instead", async () => {
    resetCounts();
    const home = temporaryFolder();
    // The second element owns the key that the body of the first asks for, and queues behind it.
    const step = func({
      id: "step",
      cache: { version: "1" },
      run: async (at: number): Promise<number> => (at === 0 ? (await second()) + 10 : count("step")),
    });
    async function second(): Promise<number> {
      return step(1).$value();
    }
    const circle = func("circle", () => step.map([0, 1], { concurrency: 1 }));
    expect(await runnerFor(home).runner.run(circle())).toEqual([11, 2]);
  });

  test("of a map are one execution, in any order", async () => {
    resetCounts();
    const home = temporaryFolder();
    const all = func("map of doubles", (list: number[]) => double.map(list));
    expect(await runnerFor(home).runner.run(all([1, 2, 1, 1, 3]))).toEqual([2, 4, 2, 2, 6]);
    expect(counts).toEqual({ double: 3 });
    expect(await runnerFor(home).runner.run(all([3, 2, 1, 9]))).toEqual([6, 4, 2, 18]);
    expect(counts).toEqual({ double: 4 });
  });
});
