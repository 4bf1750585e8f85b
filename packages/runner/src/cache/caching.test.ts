import { describe, expect, test } from "vitest";
import { z } from "zod";
import { context } from "../context.ts";
import { func } from "../func.ts";
import { SilentRunner } from "../silent-runner.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const double = func({ id: "double", cache: { version: "1" }, run: (value: number) => count("double") && value * 2 });
const inner = func("inner", (value: number) => count("inner") && value + 1);
const outer = func({ id: "outer", cache: { version: "1" }, run: (value: number) => inner(inner(value)) });
const values = func({
  id: "values",
  cache: { version: "1" },
  run: () => {
    count("values");
    return { map: new Map([[-0, new Set([1n])]]), date: new Date(0), not: Number.NaN, missing: undefined, minus: [-0] };
  },
});
const nothing = func({ id: "nothing", cache: { version: "1" }, run: () => void count("nothing") });

async function runsOf(home: string, rootId: string) {
  const { backend } = await homeOf(home);
  return backend.listRuns(rootId);
}

describe("a hit", () => {
  test("executes nothing, gives the same value, and names the run that computed it", async () => {
    resetCounts();
    const home = temporaryFolder();
    const first = await runnerFor(home).runner.submit(double(3));
    expect(await first.result()).toBe(6);
    const second = await runnerFor(home).runner.submit(double(3));
    expect(await second.result()).toBe(6);
    expect(counts).toEqual({ double: 1 });
    const [run] = await runsOf(home, second.id);
    expect(run).toMatchObject({ state: "RESOLVED", attempt: 0, startedAt: null });
    expect(run?.cache).toMatchObject({ status: "HIT", originRunId: first.id, saved: expect.any(Number) });
    const [origin] = await runsOf(home, first.id);
    expect(origin?.cache).toMatchObject({ status: "MISS", key: run?.cache.key, originRunId: null });
    expect(run?.output).toBe(origin?.output);
  });

  test("names the first run that computed it, however often it was reused", async () => {
    const home = temporaryFolder();
    const first = await runnerFor(home).runner.submit(double(4));
    await first.result();
    await runnerFor(home).runner.run(double(4));
    const third = await runnerFor(home).runner.submit(double(4));
    await third.result();
    expect((await runsOf(home, third.id))[0]?.cache.originRunId).toBe(first.id);
  });

  test("makes no rows for what the body would have called", async () => {
    resetCounts();
    const home = temporaryFolder();
    await runnerFor(home).runner.run(outer(1));
    const again = await runnerFor(home).runner.submit(outer(1));
    expect(await again.result()).toBe(3);
    expect(counts).toEqual({ inner: 2 });
    expect(await runsOf(home, again.id)).toHaveLength(1);
  });

  test("gives back every type as it was, and a value that its caller may change", async () => {
    resetCounts();
    const home = temporaryFolder();
    const first = await runnerFor(home).runner.run(values());
    first.map.clear();
    const second = await runnerFor(home).runner.run(values());
    expect(second).toEqual({
      map: new Map([[0, new Set([1n])]]),
      date: new Date(0),
      not: Number.NaN,
      missing: undefined,
      minus: [-0],
    });
    expect(Object.hasOwn(second, "missing")).toBe(true);
    expect(Object.is(second.minus[0], -0)).toBe(true);
    second.date.setTime(5);
    expect((await runnerFor(home).runner.run(values())).date).toEqual(new Date(0));
    expect(counts).toEqual({ values: 1 });
  });

  test("of a func that returns nothing is a real result", async () => {
    resetCounts();
    const home = temporaryFolder();
    const after = func("after nothing", (value: undefined) => `got ${String(value)}`);
    const both = func("nothing, then something", () => after(nothing()));
    expect(await runnerFor(home).runner.run(both())).toBe("got undefined");
    expect(await runnerFor(home).runner.run(both())).toBe("got undefined");
    expect(counts).toEqual({ nothing: 1 });
  });

  test("leaves uncached funcs alone", async () => {
    resetCounts();
    const home = temporaryFolder();
    const { runner, told } = runnerFor(home);
    await runner.run(inner(1));
    await runner.run(inner(1));
    expect(counts).toEqual({ inner: 2 });
    expect(told.statuses["inner"]).toEqual(["none", "none"]);
  });

  test("does not happen with a silent runner", async () => {
    resetCounts();
    await new SilentRunner().run(double(3));
    await new SilentRunner().run(double(3));
    expect(counts).toEqual({ double: 2 });
  });
});

describe("what is stored", () => {
  test("are successes alone", async () => {
    const home = temporaryFolder();
    let calls = 0;
    const fails = func({
      id: "fails",
      cache: { version: "1" },
      run: () => {
        calls += 1;
        throw new Error("always");
      },
    });
    const { runner } = runnerFor(home);
    await expect(runner.run(fails())).rejects.toThrow("always");
    await expect(runner.run(fails())).rejects.toThrow("always");
    expect(calls).toBe(2);
  });

  test("is the result of the attempt that succeeds, once", async () => {
    const home = temporaryFolder();
    let calls = 0;
    const third = func({
      id: "third time",
      cache: { version: "1" },
      retry: { retries: 3 },
      run: () => {
        calls += 1;
        if (calls < 3) throw new Error("not yet");
        return "done";
      },
    });
    const { runner, told } = runnerFor(home);
    expect(await runner.run(third())).toBe("done");
    expect(await runner.run(third())).toBe("done");
    expect(calls).toBe(3);
    expect(told.statuses["third time"]).toEqual(["MISS", "HIT"]);
    const { cache } = await homeOf(home);
    expect(await cache.list()).toHaveLength(1);
  });

  test("is not what canceled or timed out", async () => {
    const home = temporaryFolder();
    let began = Promise.withResolvers<void>();
    const slow = func({
      id: "slow",
      cache: { version: "1" },
      timeout: "1ms",
      run: async () => {
        began.resolve();
        await new Promise((resolve) => context().signal.addEventListener("abort", resolve));
      },
    });
    const { runner } = runnerFor(home);
    await expect(runner.run(slow())).rejects.toThrow(/timeout/);
    began = Promise.withResolvers();
    const handle = await runner.submit(slow().$set({ timeout: "1h" }));
    await began.promise;
    await handle.cancel();
    const { cache } = await homeOf(home);
    expect(await cache.list()).toEqual([]);
    expect(await cache.leases()).toEqual([]);
  });

  test("is not what a body says is not to be reused, which counts for its attempt", async () => {
    const home = temporaryFolder();
    let calls = 0;
    const fallback = func({
      id: "fallback",
      cache: { version: "1" },
      retry: { retries: 1 },
      run: (good: boolean) => {
        calls += 1;
        if (!good || context().attempt === 1) context().noCache();
        if (good && context().attempt === 1) throw new Error("once");
        return "value";
      },
    });
    const { runner } = runnerFor(home);
    for (let time = 0; time < 2; time += 1) await runner.run(fallback(false));
    expect(calls).toBe(2);
    for (let time = 0; time < 2; time += 1) await runner.run(fallback(true));
    expect(calls).toBe(4);
  });

  test("is there for a later pipeline run although this one failed", async () => {
    resetCounts();
    const home = temporaryFolder();
    const broken = func("broken end", (value: number) => {
      throw new Error(`broken after ${value}`);
    });
    const pipeline = func("fails at the end", () => broken(double(21)));
    for (let time = 0; time < 2; time += 1) {
      await expect(runnerFor(home).runner.run(pipeline())).rejects.toThrow("broken after 42");
    }
    expect(counts).toEqual({ double: 1 });
  });
});

describe("what follows", () => {
  test("is reused if its inputs are the same, although they were computed again", async () => {
    resetCounts();
    const home = temporaryFolder();
    const early = func("early", (seed: number) => count("early") && seed % 2);
    const late = func({ id: "late", cache: { version: "1" }, run: (value: number) => count("late") && value * 10 });
    const pipeline = func("early, then late", (seed: number) => late(early(seed)));
    expect(await runnerFor(home).runner.run(pipeline(1))).toBe(10);
    expect(await runnerFor(home).runner.run(pipeline(3))).toBe(10);
    expect(counts).toEqual({ early: 2, late: 1 });
  });
});

describe("schemas", () => {
  test("fill defaults before the key is made", async () => {
    resetCounts();
    const home = temporaryFolder();
    const train = func({
      id: "train with defaults",
      input: z.object({ epochs: z.number().default(3) }),
      cache: { version: "1" },
      run: ({ epochs }) => count("train") && epochs,
    });
    const { runner } = runnerFor(home);
    expect(await runner.run(train({}))).toBe(3);
    expect(await runner.run(train({ epochs: 3 }))).toBe(3);
    expect(counts).toEqual({ train: 1 });
  });

  test("that refuse an input fail the run as ever", async () => {
    const home = temporaryFolder();
    const strict = func({
      id: "strict",
      input: z.object({ epochs: z.number() }),
      cache: { version: "1" },
      run: ({ epochs }) => epochs,
    });
    const { runner, told } = runnerFor(home);
    await expect(runner.run(strict({ epochs: "3" } as never))).rejects.toThrow(/does not match/);
    expect(told.warnings).toEqual([]);
  });

  test("that a stored result no longer meets make a miss, and the result takes its place", async () => {
    resetCounts();
    const home = temporaryFolder();
    let limit = 100;
    const bounded = func({
      id: "bounded",
      output: z.number().refine((value) => value < limit),
      cache: { version: "1" },
      run: () => (count("bounded") === 1 ? 50 : 5),
    });
    expect(await runnerFor(home).runner.run(bounded())).toBe(50);
    expect(await runnerFor(home).runner.run(bounded())).toBe(50);
    limit = 10;
    const { runner, told } = runnerFor(home);
    expect(await runner.run(bounded())).toBe(5);
    expect(told.warnings.join()).toContain("no longer matches the output schema");
    expect(await runnerFor(home).runner.run(bounded())).toBe(5);
    expect(counts).toEqual({ bounded: 2 });
  });

  test("that transform are not asked again about what they have made", async () => {
    resetCounts();
    const home = temporaryFolder();
    const parsed = func({
      id: "parsed",
      output: z.string().transform((text) => text.length),
      cache: { version: "1" },
      run: () => (count("parsed") > 0 ? "four" : ""),
    });
    expect(await runnerFor(home).runner.run(parsed())).toBe(4);
    expect(await runnerFor(home).runner.run(parsed())).toBe(4);
    expect(counts).toEqual({ parsed: 1 });
  });
});

describe("maxAge", () => {
  test("makes an older entry count as expired, and the new result takes its place", async () => {
    resetCounts();
    const home = temporaryFolder();
    const aged = func("aged", () => count("aged"));
    const call = (maxAge: number) => aged().$set({ cache: { version: "1", maxAge } });
    expect(await runnerFor(home).runner.run(call(60_000))).toBe(1);
    expect(await runnerFor(home).runner.run(call(60_000))).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { runner, told } = runnerFor(home);
    expect(await runner.run(call(1))).toBe(2);
    expect(told.statuses["aged"]).toEqual(["EXPIRED"]);
    expect(await runnerFor(home).runner.run(call(60_000))).toBe(2);
  });
});

describe("verification", () => {
  test("executes a hit all the same, reports another result with the difference, and keeps the stored one", async () => {
    resetCounts();
    const home = temporaryFolder();
    const random = func("random", () => ({ fixed: 1, number: count("random") }));
    const call = () => random().$set({ cache: { version: "1", verify: 1 } });
    await runnerFor(home).runner.run(call());
    const { runner, told } = runnerFor(home);
    expect(await runner.run(call())).toEqual({ fixed: 1, number: 1 });
    expect(counts).toEqual({ random: 2 });
    expect(told.statuses["random"]).toEqual(["HIT"]);
    expect(told.warnings.join()).toMatch(/not deterministic.*output\.number: 1 → 2/);
  });

  test("says nothing of a func that gives the same", async () => {
    resetCounts();
    const home = temporaryFolder();
    const call = () => double(8).$set({ cache: { version: "1", verify: 1 } });
    await runnerFor(home).runner.run(call());
    const { runner, told } = runnerFor(home);
    expect(await runner.run(call())).toBe(16);
    expect(counts).toEqual({ double: 2 });
    expect(told.warnings).toEqual([]);
  });
});

describe("a key that cannot be made", () => {
  test("means that the call executes uncached, with a warning that names the ingredient", async () => {
    resetCounts();
    const home = temporaryFolder();
    const keyed = func({
      id: "keyed",
      cache: {
        version: "1",
        key: () => {
          throw new Error("no key today");
        },
      },
      run: (value: number) => count("keyed") && value,
    });
    const { runner, told } = runnerFor(home);
    for (let time = 0; time < 2; time += 1) expect(await runner.run(keyed(1))).toBe(1);
    expect(counts).toEqual({ keyed: 2 });
    expect(told.statuses["keyed"]).toEqual(["DISABLED", "DISABLED"]);
    expect(told.warnings[0]).toMatch(/keyed.*not cached.*no key today/);
  });
});
