import { beforeEach, describe, expect, test } from "vitest";
import { func } from "../index.ts";
import { again, executes, Lab, named, type Recorded } from "./testing/lab.ts";

let bonus = 0;

beforeEach(() => {
  bonus = 0;
});

const begin = func({
  id: "first",
  cache: { version: "1" },
  run: (value: number) => {
    executes();
    return value + 1 + bonus;
  },
});
const next = func({
  id: "next",
  cache: { version: "1" },
  run: (value: number) => {
    executes();
    return value * 2;
  },
});
const chain = func("chain", (value: number) => {
  executes();
  return next(begin(value));
});

/** Cache status of each run, by name. */
function statuses({ runs }: Pick<Recorded, "runs">): Record<string, string> {
  return Object.fromEntries(runs.map(({ name, cache }) => [name, cache.status]));
}

/** The entries of the cache without the times at which they were used. */
async function entries(lab: Lab): Promise<unknown[]> {
  const list = await lab.home.cache.list();
  return list
    .map(({ key, artifact, originRunId }) => ({ key, artifact, originRunId }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

describe("the run from which is re-run", () => {
  test("executes though its result is in the cache, and what is downstream of it may hit", async () => {
    const lab = await Lab.open();
    const first = await lab.run(chain(1));
    expect(statuses(first)).toEqual({ chain: "DISABLED", first: "MISS", next: "MISS" });
    const second = await lab.rerun(first, named(first, "first"), again(chain));
    expect(second).toMatchObject({ value: 4, executed: { first: 1 } });
    expect(second.executed["next"]).toBeUndefined();
    expect(statuses(second)).toMatchObject({ first: "REFRESHED", next: "HIT" });
    expect(named(second, "next").cache.originRunId).toBe(named(first, "next").id);
  });

  test("replaces what was stored", async () => {
    const lab = await Lab.open();
    const first = await lab.run(chain(1));
    bonus = 10;
    const second = await lab.rerun(first, named(first, "first"), again(chain));
    expect(second).toMatchObject({ value: 24, executed: { first: 1, next: 1 } });
    expect(statuses(second)).toMatchObject({ first: "REFRESHED", next: "MISS" });
    const third = await lab.run(chain(1));
    expect(third).toMatchObject({ value: 24, executed: { chain: 1 } });
    expect(named(third, "first").cache.originRunId).toBe(named(second, "first").id);
  });

  test("executes also if it had been a hit, and the first who computed what is taken over stays known", async () => {
    const lab = await Lab.open();
    const zero = await lab.run(chain(1));
    const first = await lab.run(chain(1));
    expect(statuses(first)).toMatchObject({ first: "HIT", next: "HIT" });
    const last = await lab.rerun(first, named(first, "next"), again(chain));
    expect(last).toMatchObject({ value: 4, executed: { next: 1 } });
    expect(statuses(last)).toMatchObject({ first: "CLONED", next: "REFRESHED" });
    expect(named(last, "first").cache.originRunId).toBe(named(zero, "first").id);
    const second = await lab.rerun(last, named(last, "first"), again(chain));
    expect(statuses(second)).toMatchObject({ first: "REFRESHED", next: "HIT" });
  });

  test.each(["off", "readOnly"] as const)("writes nothing where the runner must not: %s", async (cache) => {
    const lab = await Lab.open();
    const first = await lab.run(chain(1));
    const before = await entries(lab);
    bonus = 10;
    const second = await lab.rerun(first, named(first, "first"), again(chain), { cache });
    expect(second).toMatchObject({ value: 24, executed: { first: 1, next: 1 } });
    expect(await entries(lab)).toEqual(before);
  });

  test("is not served by a call that is the same and executes meanwhile", async () => {
    const twice = func("twice", () => {
      executes();
      return [begin(5).$set({ name: "target" }), begin(5).$set({ name: "other" })];
    });
    const lab = await Lab.open();
    const first = await lab.run(twice());
    const second = await lab.rerun(first, named(first, "target"), twice());
    expect(second).toMatchObject({ value: [6, 6] });
    expect(second.executedRuns).toContain(named(second, "target").id);
    expect(statuses(second)).toMatchObject({ other: "CLONED" });
  });
});

describe("a cached run above it", () => {
  const returning = func({
    id: "returning",
    cache: { version: "1" },
    run: () => {
      executes();
      return { one: begin(1), two: next(7) };
    },
  });
  const waiting = func({
    id: "waiting",
    cache: { version: "1" },
    run: async () => {
      executes();
      return { one: await begin(1).$value(), two: await next(7).$value() };
    },
  });

  test.each([
    ["waits for its calls", returning, {}],
    ["executes again", waiting, { waiting: 1 }],
  ] as const)("is not answered by the cache and stores nothing: it %s", async (_, cached, own) => {
    const root = func(`root of ${cached.id}`, () => (executes("root"), cached()));
    const lab = await Lab.open();
    const first = await lab.run(root());
    expect(statuses(first)).toMatchObject({ [cached.id]: "MISS" });
    const before = (await entries(lab)).find((entry) => {
      const { originRunId } = entry as { originRunId: string };
      return originRunId === named(first, cached.id).id;
    });
    expect(before).toBeDefined();
    bonus = 10;
    const second = await lab.rerun(first, named(first, "first"), again(root));
    expect(second).toMatchObject({ value: { one: 12, two: 14 }, error: undefined });
    expect(second.executed).toEqual({ ...own, first: 1 });
    expect(["HIT", "MISS", "REFRESHED"]).not.toContain(statuses(second)[cached.id]);
    expect(await entries(lab)).toContainEqual(before);
    // Whoever calls it gets what it gave when it executed as a whole.
    expect(await lab.run(root())).toMatchObject({ value: { one: 2, two: 14 }, executed: { root: 1 } });
  });

  test("that was a hit has no calls: it is taken over, or executed as a whole", async () => {
    const root = func("root of hits", () => (executes("root"), { cached: returning(), beside: next(3) }));
    const lab = await Lab.open();
    await lab.run(root());
    const first = await lab.run(root());
    expect(statuses(first)).toMatchObject({ returning: "HIT" });
    const beside = await lab.rerun(first, named(first, "next"), again(root));
    expect(statuses(beside)).toMatchObject({ returning: "CLONED", next: "REFRESHED" });
    const whole = await lab.rerun(first, named(first, "returning"), again(root));
    expect(whole).toMatchObject({ executed: { returning: 1 } });
    expect(statuses(whole)).toMatchObject({ returning: "REFRESHED", first: "HIT" });
  });

  test("that is the root", async () => {
    const lab = await Lab.open();
    const first = await lab.run(waiting());
    const hit = await lab.run(waiting());
    expect(hit).toMatchObject({ executed: {} });
    for (const original of [first, hit]) {
      const whole = await lab.rerun(original, original.runs[0], again(waiting));
      expect(whole).toMatchObject({ value: first.value, executed: { waiting: 1 } });
      expect(statuses(whole)).toMatchObject({ waiting: "REFRESHED", first: "HIT", next: "HIT" });
      const all = await lab.continue(original, again(waiting));
      expect(all).toMatchObject({ value: first.value, executed: {} });
      expect(statuses(all)).toMatchObject({ waiting: "CLONED" });
    }
    const inner = await lab.rerun(first, named(first, "next"), again(waiting));
    expect(inner).toMatchObject({ value: first.value, executed: { waiting: 1, next: 1 } });
    expect(["HIT", "MISS", "REFRESHED"]).not.toContain(statuses(inner)["waiting"]);
  });
});

describe("continuing with a cache", () => {
  test("what did not succeed may hit", async () => {
    let breaks = true;
    const fragile = func("fragile", () => {
      executes();
      if (breaks) throw new Error("fragile");
      return 1;
    });
    const root = func("continued", () => {
      executes();
      const one = fragile();
      return [one, next(one)];
    });
    const lab = await Lab.open();
    const first = await lab.run(root());
    breaks = false;
    const warm = func("warm", () => (executes(), next(1)));
    await lab.run(warm());
    const second = await lab.continue(first, root());
    expect(second).toMatchObject({ value: [1, 2], executed: { fragile: 1 } });
    expect(statuses(second)).toMatchObject({ next: "HIT" });
  });

  test("a root that failed and is cached executes and is stored", async () => {
    let breaks = true;
    const root = func({
      id: "cached and failing",
      cache: { version: "1" },
      run: () => {
        executes();
        if (breaks) throw new Error("not yet");
        return 5;
      },
    });
    const lab = await Lab.open();
    const first = await lab.run(root());
    breaks = false;
    expect(await lab.continue(first, root())).toMatchObject({ value: 5, executed: { "cached and failing": 1 } });
    expect(await lab.run(root())).toMatchObject({ value: 5, executed: {} });
  });
});
