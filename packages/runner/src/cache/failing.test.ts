import { describe, expect, test } from "vitest";
import { func } from "../func.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const cache = { version: "1" };

describe("a cached func that fails", () => {
  test.each([
    [0, 1],
    [1, 2],
    [3, 4],
  ])("with %d retries executes %d times", async (retries, times) => {
    resetCounts();
    const fails = func({
      id: `fails with ${retries} retries`,
      cache,
      retry: { retries },
      run: (): number => {
        count("always fails");
        throw new Error("as always");
      },
    });
    const root = func(`calls what fails, ${retries} retries`, () => [fails()]);
    await expect(runnerFor(temporaryFolder()).runner.run(root())).rejects.toThrow("as always");
    expect(counts).toEqual({ "always fails": times });
  });

  test("once, and succeeds when it is retried, leaves nothing failed, and its result to others", async () => {
    resetCounts();
    const home = temporaryFolder();
    const flaky = func({
      id: "fails once",
      cache,
      retry: { retries: 1 },
      run: (value: number) => {
        if (count("fails once") === 1) throw new Error("the first time");
        return value * 2;
      },
    });
    const next = func({ id: "next", cache, run: (value: number) => value + 1 });
    const root = func("calls what fails once", () => next(flaky(4)));
    const first = await runnerFor(home).runner.submit(root());
    expect(await first.result()).toBe(9);
    const { backend } = await homeOf(home);
    const runs = await backend.listRuns(first.id);
    expect(runs.map(({ func: { id }, state, attempt }) => [id, state, attempt])).toEqual([
      ["calls what fails once", "RESOLVED", 1],
      ["fails once", "RESOLVED", 2],
      ["next", "RESOLVED", 1],
    ]);
    expect(await runnerFor(home).runner.run(root())).toBe(9);
    expect(counts).toEqual({ "fails once": 2 });
  });

  test("is never reused: it executes the next time, and what it gives then is", async () => {
    resetCounts();
    const home = temporaryFolder();
    let broken = true;
    const mended = func({
      id: "is mended",
      cache,
      run: () => {
        count("is mended");
        if (broken) throw new Error("still broken");
        return "whole";
      },
    });
    for (let time = 0; time < 2; time += 1) {
      await expect(runnerFor(home).runner.run(mended())).rejects.toThrow("still broken");
    }
    broken = false;
    for (let time = 0; time < 2; time += 1) expect(await runnerFor(home).runner.run(mended())).toBe("whole");
    expect(counts).toEqual({ "is mended": 3 });
  });
});
