import { setTimeout as pause } from "node:timers/promises";
import type { PipelineRunError, RepriseError, RunFailedError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { context, func, RunFailure } from "./index.ts";
import { compileCache } from "./testing/compile-cache.ts";
import { CrashedHome, recorded } from "./testing/resume-home.ts";
import { noted } from "./testing/resume-log.ts";

const env = compileCache();

// The funcs as they are after the crash; `testing/resume-scenarios.ts` has what they were before.
const quick = func("quick", (number: number) => noted(number, () => number * -2));
const stays = func("stays", (number: number) => noted(number, () => number + 100));
const kept = func("kept", (value: unknown) => value);
const fails = func({ id: "fails", retry: { retries: 5 }, run: (number: number) => noted(number, () => number) });
const newer = func("newer", (number: number) => noted(number, () => number + 0.5));
const waitsForOne = func("waits for one", async (number: number, text: string) => {
  const doubled = await quick(number).$value();
  return [doubled, text, await stays(doubled).$value()];
});

describe("a pipeline run whose driver was killed", () => {
  test("goes on under its ids with the arguments, and what had ended answers", async () => {
    const crashed = await CrashedHome.after("waits for one", env);
    const { createdAt, startedAt } = await crashed.pipelineRun();
    const events: string[] = [];
    const runner = crashed.runner({ onEvent: (event) => events.push(event.type) });
    const handle = await runner.submit(recorded(waitsForOne));
    expect(handle.id).toBe(crashed.rootId);
    expect(await handle.result()).toEqual([2, "text", 102]);
    // The func would give another value now.
    expect(crashed.executed).toEqual([["stays", 2, 1]]);
    const [root, first, second, ...others] = await crashed.runs();
    expect(others).toEqual([]);
    expect(root).toMatchObject({ state: "RESOLVED", attempt: 1, cache: { status: "DISABLED" } });
    expect(first).toEqual({ ...crashed.left[1], cache: { ...crashed.left[1]?.cache, status: "RESUMED" } });
    expect(second).toMatchObject({
      id: crashed.left[2]?.id,
      state: "RESOLVED",
      attempt: 1,
      cache: { status: "DISABLED" },
    });
    expect(await crashed.pipelineRun()).toMatchObject({ state: "COMPLETE", createdAt, startedAt, rerun: null });
    expect(await crashed.events("resume")).toMatchObject([{ rootId: crashed.rootId }]);
    expect(events).toContain("pipeline");
    await crashed.verify();
  });

  test("takes the same arguments if they are given again", async () => {
    const crashed = await CrashedHome.after("waits for one", env);
    expect(await crashed.resume(waitsForOne(1, "text"))).toEqual([2, "text", 102]);
  });

  test("ends with the failure of what executes again", async () => {
    const crashed = await CrashedHome.after("is tried again later", env, (runs) => runs.at(-1)?.state === "RETRYING");
    const root = func("is tried again later", () => later(1));
    const later = func({
      id: "later",
      retry: { retries: 2, delay: 1_500, factor: 1 },
      run: (number: number): Promise<number> =>
        noted(number, () => Promise.reject(new RangeError(`attempt ${context().attempt}`))),
    });
    const error = await crashed.resume(root()).catch((thrown: PipelineRunError) => thrown);
    expect(error).toMatchObject({ code: "PIPELINE_RUN_FAILED", cause: { cause: { message: "attempt 3" } } });
    expect(crashed.executed).toEqual([
      ["later", 1, 2],
      ["later", 1, 3],
    ]);
    const [failed] = await crashed.runsOf("later");
    expect(failed).toMatchObject({ state: "FAILED", attempt: 3 });
    const attempts = await crashed.home.backend.attemptsOf(failed?.id ?? "");
    expect(attempts.map(({ attempt, failure }) => [attempt, failure.message])).toEqual([
      [1, "not yet"],
      [2, "attempt 2"],
    ]);
    // The wait before the second attempt is over when it would have been, not before.
    const [first, second] = attempts;
    expect((second?.startedAt ?? 0) - (first?.endedAt ?? 0)).toBeGreaterThan(1_450);
    expect(await crashed.pipelineRun()).toMatchObject({ state: "FAILED" });
    await crashed.verify();
  });

  test("is canceled as any other, with all that the crash had left", async () => {
    const crashed = await CrashedHome.after("waits for one", env);
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const root = func("waits for one ", () => 0);
    expect(root.id).not.toBe(waitsForOne.id);
    const handle = await crashed
      .runner({ onEvent: (event) => event.type === "run" && event.state === "RUNNING" && resolve() })
      .submit(recorded(waitsForOne));
    await begun;
    await handle.cancel("no longer wanted");
    await expect(handle.result()).rejects.toMatchObject({ code: "PIPELINE_RUN_FAILED", state: "CANCELED" });
    expect(await crashed.pipelineRun()).toMatchObject({ state: "CANCELED" });
    const states = (await crashed.runs()).map(({ state, reason }) => [state, reason]);
    expect(states[0]).toEqual(["CANCELED", "no longer wanted"]);
    await crashed.verify();
  });
});

describe("a failure that a body had caught before the crash", () => {
  test("is the answer again, and is not tried once more", async () => {
    const crashed = await CrashedHome.after("has caught a failure", env);
    const root = func("has caught a failure", async () => {
      try {
        return await fails(1).$value();
      } catch (error) {
        const { code, message, cause } = error as RunFailedError;
        return [code, message, (cause as Error).name, (cause as Error).message];
      }
    });
    const id = crashed.left[1]?.id;
    expect(await crashed.resume(root())).toEqual([
      "RUN_FAILED",
      `Run ${id} of func "fails" failed: RangeError: not 1, attempt 2`,
      "RangeError",
      "not 1, attempt 2",
    ]);
    expect(crashed.executed).toEqual([]);
    const [, run, ...others] = await crashed.runs();
    expect(others).toEqual([]);
    expect(run).toEqual(crashed.left[1]);
    await crashed.verify();
  });
});

describe("a body that now makes other calls", () => {
  test("gets what those give, and what it no longer calls is canceled if it had not ended", async () => {
    const crashed = await CrashedHome.after("calls what it will not call", env);
    // There is no func "old" any more, and nobody needs one.
    const root = func("calls what it will not call", async () => [
      await newer(7).$value(),
      await quick(1).$value(),
      await newer(8).$value(),
    ]);
    expect(await crashed.resume(root())).toEqual([7.5, 2, 8.5]);
    expect(crashed.executed).toEqual([
      ["newer", 7, 1],
      ["newer", 8, 1],
    ]);
    const [finished, unfinished] = await crashed.runsOf("old");
    expect(finished).toMatchObject({ state: "RESOLVED", attempt: 1, cache: { status: "RESUMED" } });
    expect(unfinished).toMatchObject({ state: "CANCELED", attempt: 1, output: null });
    expect(unfinished?.reason).toMatch(/call/u);
    // What is nested in it, too.
    const [nested] = await crashed.runsOf("stays");
    expect(nested).toMatchObject({ state: "CANCELED", parentId: unfinished?.id });
    expect(nested?.reason).toBeTruthy();
    const fresh = await crashed.runsOf("newer");
    expect(fresh.map(({ state, attempt, position }) => [state, attempt, position])).toEqual([
      ["RESOLVED", 1, crashed.left.length],
      ["RESOLVED", 1, crashed.left.length + 1],
    ]);
    expect(await crashed.events("cancel")).toHaveLength(2);
    await crashed.verify();
  });
});

describe("a body that had returned", () => {
  test("is not executed again: what it called goes on with the options of the calls, and makes up its result", async () => {
    const crashed = await CrashedHome.after("has returned", env);
    const root = func("has returned", () => noted("again", () => ({})));
    let [now, most] = [0, 0];
    func("element", (number: number) =>
      noted(number, async () => {
        now += 1;
        most = Math.max(most, now);
        await pause(5);
        now -= 1;
        if (number === 20) throw new Error("tolerated");
        return number * 10;
      }),
    );
    func("items", (count: number) => noted(count, () => [count, count * 10 - 10, count * 100]));
    func("picky", (number: number) =>
      noted(number, () => {
        if (context().attempt < 3) throw new Error("still too early");
        return `attempt ${context().attempt} of ${number}`;
      }),
    );
    const result = (await crashed.resume(recorded(root))) as { readonly later: readonly unknown[] };
    const { later, ...rest } = result;
    expect(rest).toEqual({
      list: [2, "attempt 3 of 1"],
      map: new Map([["first", 4]]),
      when: new Date(0),
      same: { inside: [6, 104] },
      known: [10, 20, 30],
    });
    expect(later).toEqual([30, expect.any(RunFailure), 3_000]);
    expect(most).toBe(2);
    const executed = crashed.executed.map(([of, input, attempt]) => `${of} ${String(input)} ${attempt}`);
    expect(executed.toSorted()).toEqual(
      [
        "picky 1 2",
        "picky 1 3",
        "stays 4 1",
        "element 2 1",
        "element 3 1",
        "items 3 1",
        "element 3 1",
        "element 20 1",
        "element 20 2",
        "element 300 1",
      ].toSorted(),
    );
    const [patient] = await crashed.runsOf("picky");
    expect(patient).toMatchObject({ name: "patient", state: "RESOLVED", attempt: 3 });
    const tagged = (await crashed.runsOf("element")).filter(({ tags }) => tags.includes("later"));
    expect(tagged.map(({ state }) => state)).toEqual(["RESOLVED", "FAILED", "RESOLVED"]);
    await crashed.verify();
  });
});

describe("a time limit", () => {
  test("goes on from when the run was first scheduled", { timeout: 20_000 }, async () => {
    const limit = 3_000;
    const crashed = await CrashedHome.after("has time limits", env);
    await pause(1_000);
    func({
      id: "limited",
      timeout: limit,
      run: () => context().attempt === 1 && pause(60_000, 0, { signal: context().signal }),
    });
    func({ id: "limited above", timeout: limit, run: () => 0 });
    const limited = recorded as unknown;
    expect(limited).toBeDefined();
    const root = func("has time limits", async () => 0);
    expect(root.id).toBe("has time limits");
  });
});
