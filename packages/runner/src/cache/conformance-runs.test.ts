import { type Home, collectGarbage, openHome } from "@reprise/store";
import { describe, expect, test } from "vitest";
import { context } from "../context.ts";
import { func } from "../func.ts";
import { LocalRunner } from "../local-runner.ts";
import type { RunnerEvent } from "../runner-events.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const cache = { version: "1" };

describe("a hit", () => {
  test("waits for no slot", async () => {
    const home = temporaryFolder();
    const quick = func({ id: "quick", cache, run: () => "quick" });
    await runnerFor(home).runner.run(quick());
    const { promise: reused, resolve: reuse } = Promise.withResolvers<void>();
    // It has the only slot until the other one is done.
    const holder = func("holds the slot", () => reused);
    const both = func("both", () => [holder(), quick()]);
    const states: string[] = [];
    const onEvent = (event: RunnerEvent): void => {
      if (event.type !== "run" || event.funcId !== "quick") return;
      states.push(event.state);
      if (event.cache?.status === "HIT") reuse();
    };
    expect(await new LocalRunner({ home, concurrency: 1, onEvent }).run(both())).toEqual([undefined, "quick"]);
    expect(states).not.toContain("RUNNING");
  });

  test("needs neither the pipeline run that computed it, nor the entries of others that have the same result", async () => {
    resetCounts();
    const home = temporaryFolder();
    const makeBytes = (name: string) => () => count(name) && new Uint8Array(100_000).fill(7);
    const one = func({ id: "one", cache, run: makeBytes("one") });
    const other = func({ id: "other", cache, run: makeBytes("other") });
    const first = await runnerFor(home).runner.submit(one());
    const bytes = await first.result();
    await runnerFor(home).runner.run(other());
    const { cache: entries, backend, ...rest } = await homeOf(home);
    const { entries: cleared } = await entries.clear({ func: "other" }, { dryRun: false });
    expect(cleared).toBe(1);
    const later = Date.now() + 30 * 86_400_000;
    await collectGarbage({ home: { ...rest, cache: entries, backend }, olderThan: 86_400_000, now: later });
    expect(await backend.getRun(first.id)).toBeUndefined();

    const again = await runnerFor(home).runner.submit(one());
    expect(await again.result()).toEqual(bytes);
    expect(counts).toEqual({ one: 1, other: 1 });
    expect((await backend.listRuns(again.id))[0]?.cache).toMatchObject({ status: "HIT", originRunId: first.id });
  });

  test("is counted with the time it saved, apart from its own", async () => {
    const home = temporaryFolder();
    const slow = func({
      id: "slow",
      cache,
      run: async (value: number) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return value;
      },
    });
    const all = func("all slow", () => slow.map([1, 2]));
    await runnerFor(home).runner.run(all());
    const handle = await runnerFor(home).runner.submit(all());
    await handle.result();
    const { backend } = await homeOf(home);
    const summary = (await backend.listPipelineRuns()).find(({ id }) => id === handle.id);
    expect(summary?.hits).toBe(2);
    expect(summary?.saved).toBeGreaterThanOrEqual(2 * 55);
    for (const { cache: told, kind, startedAt } of await backend.listRuns(handle.id)) {
      if (kind !== "func" || told.status !== "HIT") continue;
      expect([startedAt, (told.saved ?? 0) >= 55]).toEqual([null, true]);
    }
  });
});

describe("a parent that executes", () => {
  test("has each of its children looked up", async () => {
    resetCounts();
    const home = temporaryFolder();
    const child = func({ id: "child", cache, run: (value: number) => count("child") && value });
    const parent = func({
      id: "parent",
      cache,
      run: (values: number[]) => count("parent") && values.map((value) => child(value)),
    });
    const { runner, told } = runnerFor(home);
    await runner.run(parent([1, 2]));
    await runner.run(parent([1, 2, 3]));
    expect(counts).toEqual({ parent: 2, child: 3 });
    expect(told.statuses["child"]?.toSorted()).toEqual(["HIT", "HIT", "MISS", "MISS", "MISS"]);
  });
});

describe("a retry", () => {
  test("does not execute if somebody else has the result by then", async () => {
    const home = temporaryFolder();
    let fails = true;
    const { promise: stored, resolve: store } = Promise.withResolvers<void>();
    const executed: string[] = [];
    const flaky = func({
      id: "flaky",
      cache: { ...cache, serialize: false },
      retry: { retries: 3 },
      run: async () => {
        executed.push(context().rootId);
        if (!fails) return "value";
        await stored;
        throw new Error("not yet");
      },
    });
    const first = await runnerFor(home).runner.submit(flaky());
    await expect.poll(() => executed).toHaveLength(1);
    fails = false;
    await using other = runnerFor(home).runner;
    await other.run(flaky());
    store();
    expect(await first.result()).toBe("value");
    expect(executed).toHaveLength(2);
    const { backend } = await homeOf(home);
    const [run] = await backend.listRuns(first.id);
    expect(run).toMatchObject({ state: "RESOLVED", attempt: 1, cache: { status: "HIT", originRunId: executed[1] } });
  });
});

describe("a refresh", () => {
  test("leaves what was there to others until it is done, and gives the new result a new age", async () => {
    const home = temporaryFolder();
    let made = 0;
    const { promise: ready, resolve: finish } = Promise.withResolvers<void>();
    const numbered = func({
      id: "numbered anew",
      cache,
      run: async () => {
        made += 1;
        const mine = made;
        if (mine === 2) await ready;
        return mine;
      },
    });
    await runnerFor(home).runner.run(numbered());
    const { cache: entries } = await homeOf(home);
    const [old] = await entries.list();
    const refreshing = await runnerFor(home, { cache: "refresh" }).runner.submit(numbered());
    await expect.poll(() => made).toBe(2);
    expect(await runnerFor(home).runner.run(numbered())).toBe(1);
    finish();
    expect(await refreshing.result()).toBe(2);
    expect(await runnerFor(home).runner.run(numbered())).toBe(2);
    const [fresh] = await entries.list();
    expect(fresh).toMatchObject({ key: old?.key, originRunId: refreshing.id });
    expect(fresh?.createdAt).toBeGreaterThan(old?.createdAt ?? Infinity);
  });
});

describe("a result that is not to be reused", () => {
  test("is not given to equal calls of the same pipeline run either", async () => {
    resetCounts();
    const home = temporaryFolder();
    const fallback = func({
      id: "fallback",
      cache,
      run: async () => {
        const time = count("fallback");
        if (time === 1) context().noCache();
        await Promise.resolve();
        return time;
      },
    });
    const three = func("three", () => [fallback(), fallback(), fallback()]);
    expect(await runnerFor(home).runner.run(three())).toEqual([1, 2, 2]);
    expect(await runnerFor(home).runner.run(fallback())).toBe(2);
  });
});

/** A runner that says how many keys each question to the cache was about. */
class CountingRunner extends LocalRunner {
  readonly questions: number[] = [];
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  protected override async openHome(): Promise<Home> {
    const home = await openHome({ path: this.#path });
    const { cache: entries } = home;
    const claim = entries.claim.bind(entries);
    entries.claim = (requests) => {
      this.questions.push(requests.length);
      return claim(requests);
    };
    return home;
  }
}

test("the elements of a map are looked up many at once", async () => {
  const home = temporaryFolder();
  const identity = func({ id: "identity", cache, run: (value: number) => value });
  const values = Array.from({ length: 2_000 }, (_, value) => value);
  const all = func("all identities", () => identity.map(values));
  await using first = new CountingRunner(home);
  await first.run(all());
  await using second = new CountingRunner(home);
  expect(await second.run(all())).toEqual(values);
  for (const { questions } of [first, second]) {
    expect(questions.reduce((total, asked) => total + asked, 0)).toBe(values.length);
    expect(questions.length).toBeLessThan(50);
  }
});

test("what the cache did for each run is recorded, every status by its own name", async () => {
  const home = temporaryFolder();
  const plain = func("plain", () => 1);
  const kept = func({ id: "kept", cache, run: () => 1 });
  const aged = func({ id: "aged", cache: { ...cache, maxAge: 0.001 }, run: () => 1 });
  const opaque = func({ id: "opaque", cache: { ...cache, key: () => () => 1 }, run: () => 1 });
  const all = func("all", () => [plain(), kept(), aged(), opaque()]);
  const statusesOf = async (mode: "on" | "refresh" | "readOnly" | "off"): Promise<Record<string, string>> => {
    const handle = await runnerFor(home, { cache: mode }).runner.submit(all());
    await handle.result();
    const { backend } = await homeOf(home);
    const statuses: Record<string, string> = {};
    for (const run of await backend.listRuns(handle.id)) statuses[run.func.id] = run.cache.status;
    return statuses;
  };
  const never = { all: "DISABLED", plain: "DISABLED", opaque: "DISABLED" };
  expect(await statusesOf("off")).toEqual({ ...never, kept: "DISABLED", aged: "DISABLED" });
  expect(await statusesOf("on")).toEqual({ ...never, kept: "MISS", aged: "MISS" });
  expect(await statusesOf("on")).toEqual({ ...never, kept: "HIT", aged: "EXPIRED" });
  expect(await statusesOf("refresh")).toEqual({ ...never, kept: "REFRESHED", aged: "REFRESHED" });
  expect(await statusesOf("readOnly")).toEqual({ ...never, kept: "HIT", aged: "EXPIRED" });
});
