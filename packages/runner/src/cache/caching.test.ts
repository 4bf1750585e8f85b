import { describe, expect, test } from "vitest";
import { z } from "zod";
import { context } from "../context.ts";
import { func } from "../func.ts";
import { LocalRunner, type LocalRunnerOptions } from "../local-runner.ts";
import type { RunnerEvent } from "../runner-events.ts";
import { SilentRunner } from "../silent-runner.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";

/** How often bodies have executed, by name. */
let counts: Record<string, number> = {};
function count(name: string): number {
  counts[name] = (counts[name] ?? 0) + 1;
  return counts[name];
}
function resetCounts(): void {
  counts = {};
}

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

interface Told {
  readonly statuses: Record<string, string[]>;
  readonly warnings: string[];
}

/** A runner, and what it tells: the last cache status of each run, by func. */
function runnerFor(home: string, options: LocalRunnerOptions = {}): { runner: LocalRunner; told: Told } {
  const last = new Map<string, { funcId: string; status: string }>();
  const warnings: string[] = [];
  const onEvent = (event: RunnerEvent): void => {
    if (event.type === "run") last.set(event.id, { funcId: event.funcId, status: event.cache?.status ?? "none" });
    if (event.type === "warning") warnings.push(event.message);
  };
  const told = {
    get statuses() {
      const statuses: Record<string, string[]> = {};
      for (const { funcId, status } of last.values()) (statuses[funcId] ??= []).push(status);
      return statuses;
    },
    warnings,
  };
  return { runner: new LocalRunner({ home, onEvent, ...options }), told };
}

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

describe("switches", () => {
  test("of a call go over those of the func", async () => {
    resetCounts();
    const home = temporaryFolder();
    const { runner } = runnerFor(home);
    await runner.run(inner(1).$set({ cache: { version: "7" } }));
    await runner.run(inner(1).$set({ cache: { version: "7" } }));
    expect(counts).toEqual({ inner: 1 });
    await runner.run(double(1).$set({ cache: false }));
    await runner.run(double(1).$set({ cache: false }));
    expect(counts).toEqual({ inner: 1, double: 2 });
  });

  test("of a map are those of its elements", async () => {
    resetCounts();
    const home = temporaryFolder();
    const all = func("all inner", (list: number[]) => inner.map(list, { each: { cache: { version: "1" } } }));
    await runnerFor(home).runner.run(all([1, 2, 3]));
    expect(await runnerFor(home).runner.run(all([3, 2, 1, 4]))).toEqual([4, 3, 2, 5]);
    expect(counts).toEqual({ inner: 4 });
  });

  test("off neither reads nor writes", async () => {
    resetCounts();
    const home = temporaryFolder();
    await runnerFor(home, { cache: "off" }).runner.run(double(1));
    await runnerFor(home).runner.run(double(1));
    await runnerFor(home, { cache: "off" }).runner.run(double(1));
    expect(counts).toEqual({ double: 3 });
  });

  test("readOnly reads and does not write", async () => {
    resetCounts();
    const home = temporaryFolder();
    const { runner, told } = runnerFor(home, { cache: "readOnly" });
    await runner.run(double(1));
    await runner.run(double(1));
    await runnerFor(home).runner.run(double(1));
    await runner.run(double(1));
    expect(counts).toEqual({ double: 3 });
    expect(told.statuses["double"]).toEqual(["MISS", "MISS", "HIT"]);
  });

  test("refresh executes and replaces what was there, but only when it succeeds", async () => {
    const home = temporaryFolder();
    let made = 0;
    let breaks = false;
    const numbered = func({
      id: "numbered",
      cache: { version: "1" },
      run: () => {
        if (breaks) throw new Error("broken");
        return (made += 1);
      },
    });
    const { runner, told } = runnerFor(home, { cache: "refresh" });
    expect(await runnerFor(home).runner.run(numbered())).toBe(1);
    expect(await runner.run(numbered())).toBe(2);
    expect(await runnerFor(home).runner.run(numbered())).toBe(2);
    breaks = true;
    await expect(runner.run(numbered())).rejects.toThrow("broken");
    expect(await runnerFor(home).runner.run(numbered())).toBe(2);
    expect(told.statuses["numbered"]).toEqual(["REFRESHED", "REFRESHED"]);
  });

  test("refresh does not read before a retry either", async () => {
    const home = temporaryFolder();
    let made = 0;
    const flaky = func({
      id: "flaky refresh",
      cache: { version: "1" },
      retry: { retries: 2 },
      run: () => {
        made += 1;
        if (made === 2) throw new Error("once");
        return made;
      },
    });
    expect(await runnerFor(home).runner.run(flaky())).toBe(1);
    expect(await runnerFor(home, { cache: "refresh" }).runner.run(flaky())).toBe(3);
    expect(await runnerFor(home).runner.run(flaky())).toBe(3);
  });

  test.each([["on!"], [""], [true], [null]])("%j is no mode", (cache) => {
    expect(() => new LocalRunner({ cache: cache as never })).toThrow(/cache must be one of "on", "refresh"/);
  });
});

describe("the namespace", () => {
  test("separates, also where only the end differs", async () => {
    resetCounts();
    const home = temporaryFolder();
    const long = "n".repeat(60);
    for (const cacheNamespace of [`${long}a`, `${long}b`, `${long}a`]) {
      await runnerFor(home, { cacheNamespace }).runner.run(double(1));
    }
    expect(counts).toEqual({ double: 2 });
  });

  test("is the same however its letters are composed", async () => {
    resetCounts();
    const home = temporaryFolder();
    for (const form of ["NFC", "NFD"]) {
      await runnerFor(home, { cacheNamespace: "münchen".normalize(form) }).runner.run(double(1));
    }
    expect(counts).toEqual({ double: 1 });
  });

  test("may come from a function of the root future, called once per pipeline run", async () => {
    resetCounts();
    const home = temporaryFolder();
    const asked: unknown[] = [];
    const pair = func("pair", () => [double(1), double(2)]);
    const root = pair();
    const cacheNamespace = async (future: unknown) => {
      asked.push(future);
      await new Promise(setImmediate);
      return "mine";
    };
    const { runner } = runnerFor(home, { cacheNamespace });
    await runner.run(root);
    await runnerFor(home, { cacheNamespace: "mine" }).runner.run(pair());
    expect(asked).toHaveLength(1);
    // Not compared by the test's own means, which look inside a future.
    expect(asked[0] === root).toBe(true);
    expect(counts).toEqual({ double: 2 });
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no branch");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no branch"))],
    ["gives no text", () => 7 as never],
    ["gives an empty text", () => Promise.resolve(" ")],
  ])("of a function that %s: nothing is reused, with one warning", async (_, cacheNamespace) => {
    resetCounts();
    const home = temporaryFolder();
    const pair = func(`pair ${_}`, () => [double(1), double(2)]);
    const { runner, told } = runnerFor(home, { cacheNamespace });
    expect(await runner.run(pair())).toEqual([2, 4]);
    await runner.run(pair());
    expect(counts).toEqual({ double: 4 });
    expect(told.warnings.filter((warning) => warning.includes("cacheNamespace failed"))).toHaveLength(2);
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
    let calls = 0;
    const slow = func({
      id: "slow",
      cache: { version: "1" },
      timeout: "1ms",
      run: async () => {
        calls += 1;
        await new Promise((resolve) => context().signal.addEventListener("abort", resolve));
      },
    });
    const { runner } = runnerFor(home);
    await expect(runner.run(slow())).rejects.toThrow(/timeout/);
    const handle = await runner.submit(slow().$set({ timeout: "1h" }));
    await expect.poll(() => calls).toBe(2);
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
    await expect(runnerFor(home).runner.run(strict({ epochs: "3" } as never))).rejects.toThrow(/does not match/);
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
