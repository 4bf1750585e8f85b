import { describe, expect, test } from "vitest";
import { func } from "../func.ts";
import { LocalRunner } from "../local-runner.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const double = func({ id: "double", cache: { version: "1" }, run: (value: number) => count("double") && value * 2 });
const inner = func("inner", (value: number) => count("inner") && value + 1);

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
