import { setTimeout as pause } from "node:timers/promises";
import type { PipelineRunError, RunFailedError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { context, func, RunFailure } from "./index.ts";
import { compileCache } from "./testing/compile-cache.ts";
import { CrashedHome, recorded } from "./testing/resume-home.ts";
import { noted } from "./testing/resume-log.ts";

const env = compileCache();

// The funcs as they are after the crash; `testing/resume-scenarios.ts` has what they were before.
const quick = func("quick", (number: number) => noted(number, () => number * -2));
const stays = func("stays", (number: number) => noted(number, () => number + 100));
func("kept", (value: unknown) => value);
const fails = func({ id: "fails", retry: { retries: 5 }, run: (number: number) => noted(number, () => number) });
const newer = func("newer", (number: number) => noted(number, () => number + 0.5));
const waitsForOne = func("waits for one", async (number: number, text: string) => {
  const doubled = await quick(number).$value();
  return [doubled, text, await stays(doubled).$value()];
});

/** Of what has time limits, in ms. */
const limit = 3_000;
const untilTold = (number: number): Promise<void> =>
  noted(number, () => pause(60_000, undefined, { signal: context().signal }));
const endless = func("endless", untilTold);
const limited = func({ id: "limited", timeout: limit, run: untilTold });
const limitedAbove = func({ id: "limited above", timeout: limit, run: (number: number) => endless(number) });
const hasTimeLimits = func("has time limits", async () => {
  const ended = await Promise.allSettled([limited(1).$value(), limitedAbove(2).$value()]);
  return ended.map((one) => (one.status === "rejected" ? ((one.reason as Error).cause as Error).name : ""));
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
    const crashed = await CrashedHome.after("has time limits", env);
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const executing = new Set<string>();
    const runner = crashed.runner({
      onEvent: (event) => {
        if (event.type === "run" && event.state === "RUNNING" && event.funcId !== root.id) executing.add(event.funcId);
        if (executing.size === 2) resolve();
      },
    });
    const root = hasTimeLimits;
    const handle = await runner.submit(root());
    await begun;
    expect(await handle.cancel("no longer wanted")).toBe(true);
    await expect(handle.result()).rejects.toMatchObject({ code: "PIPELINE_RUN_FAILED", state: "CANCELED" });
    expect(await crashed.pipelineRun()).toMatchObject({ state: "CANCELED" });
    const runs = await crashed.runs();
    expect(runs.map(({ id, state }) => [id, state])).toEqual(crashed.left.map(({ id }) => [id, "CANCELED"]));
    expect(runs[0]?.reason).toBe("no longer wanted");
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
      `Run ${id} of func "fails" failed: not 1, attempt 2`,
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

describe("an attempt that was interrupted", () => {
  test("gets its own calls back, and not those of an earlier attempt", async () => {
    const crashed = await CrashedHome.after("is at its second attempt", env);
    const unsteady = func("unsteady", (number: number) => noted(number, () => number + 7));
    const root = func({
      id: "is at its second attempt",
      retry: { retries: 1 },
      run: async () => [await quick(1).$value(), await unsteady(1).$value(), context().attempt],
    });
    expect(await crashed.resume(root())).toEqual([2, 8, 2]);
    expect(crashed.executed).toEqual([["unsteady", 1, 1]]);
    const calls = [...(await crashed.runsOf("quick")), ...(await crashed.runsOf("unsteady"))];
    expect(calls.map(({ id, state, parentAttempt }) => [id, state, parentAttempt])).toEqual([
      [crashed.left[1]?.id, "RESOLVED", 1],
      [crashed.left[3]?.id, "RESOLVED", 2],
      [crashed.left[2]?.id, "FAILED", 1],
      [crashed.left[4]?.id, "RESOLVED", 2],
    ]);
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
    const [most, now] = [new Map<boolean, number>(), new Map<boolean, number>()];
    func("element", (number: number) =>
      noted(number, async () => {
        const ofKnown = number < 10;
        const count = (now.get(ofKnown) ?? 0) + 1;
        now.set(ofKnown, count);
        most.set(ofKnown, Math.max(most.get(ofKnown) ?? 0, count));
        await pause(5);
        now.set(ofKnown, count - 1);
        if (number === 20) throw new Error("tolerated");
        return number * 10;
      }),
    );
    func("items", (count: number) => noted(count, () => [10 * count, 20, 300]));
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
    expect(later).toEqual([300, expect.any(RunFailure), 3_000]);
    expect([...most.values()]).toEqual([1, 1]);
    const executed = crashed.executed.map(([of, input, attempt]) => `${of} ${String(input)} ${attempt}`);
    expect(executed.toSorted()).toEqual(
      [
        "picky 1 2",
        "picky 1 3",
        "stays 4 1",
        "element 2 1",
        "element 3 1",
        "items 3 1",
        "element 30 1",
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

describe("a map that had not made its elements", () => {
  test("is called once more by the body that had returned it, because nothing else knows its items", async () => {
    const scenario = "has returned a map that waits for its turn";
    const crashed = await CrashedHome.after(scenario, env, (runs) => runs.at(-1)?.state === "SCHEDULED");
    expect(crashed.left.map(({ func: { id }, kind, state }) => `${id} ${kind} ${state}`)).toEqual([
      `${scenario} func RAN`,
      "stays func RUNNING",
      "quick map SCHEDULED",
    ]);
    const root = func(scenario, () =>
      noted("again", async () => {
        const first = stays(1);
        // It is recorded meanwhile that it executes.
        await first.$value();
        await pause(20);
        return [first, quick.map([1, 2, 3])];
      }),
    );
    expect(await crashed.resume(root())).toEqual([101, [-2, -4, -6]]);
    const executed = crashed.executed.map(([of, input, attempt]) => `${of} ${String(input)} ${attempt}`);
    expect(executed.toSorted()).toEqual(
      ["quick 1 1", "quick 2 1", "quick 3 1", "stays 1 1", `${scenario} again 1`].toSorted(),
    );
    expect((await crashed.runs()).map(({ id }) => id).slice(0, 3)).toEqual(crashed.left.map(({ id }) => id));
    await crashed.verify();
  });
});

describe("a time limit", () => {
  test("goes on from when the run was first scheduled", { timeout: 20_000 }, async () => {
    const crashed = await CrashedHome.after("has time limits", env);
    await pause(1_000);
    expect(await crashed.resume(hasTimeLimits())).toEqual(["TimeoutError", "TimeoutError"]);
    const [{ time: resumedAt } = { time: 0 }] = await crashed.events("resume");
    for (const run of [...(await crashed.runsOf("limited")), ...(await crashed.runsOf("limited above"))]) {
      const { scheduledAt, finishedAt } = run;
      expect(run).toMatchObject({ state: "FAILED", attempt: 1, failure: { code: "TIMEOUT" } });
      expect(scheduledAt).toBe(crashed.left.find(({ id }) => id === run.id)?.scheduledAt);
      expect((finishedAt ?? 0) - (scheduledAt ?? 0)).toBeGreaterThanOrEqual(limit);
      expect((finishedAt ?? 0) - resumedAt).toBeLessThan(limit - 500);
    }
    const [nested] = await crashed.runsOf("endless");
    expect(nested).toMatchObject({ state: "CANCELED" });
    await crashed.verify();
  });

  test("that was over before anybody resumed fails at once", async () => {
    const crashed = await CrashedHome.after("has a short time limit", env);
    await pause(1_600);
    const root = func("has a short time limit", () => 0);
    const error = await crashed.resume(recorded(root)).catch((thrown: PipelineRunError) => thrown);
    expect(error).toMatchObject({ code: "PIPELINE_RUN_FAILED", cause: { cause: { code: "TIMEOUT" } } });
    const [{ time: resumedAt } = { time: 0 }] = await crashed.events("resume");
    const [run] = await crashed.runsOf("limited");
    expect(run).toMatchObject({ state: "FAILED", attempt: 1, failure: { code: "TIMEOUT" } });
    expect((run?.finishedAt ?? 0) - resumedAt).toBeLessThan(1_400);
    await crashed.verify();
  });
});

describe("a re-run whose driver was killed", () => {
  test("goes on as a re-run: what it had taken over stays taken over", async () => {
    const original = await CrashedHome.after("is re-run", env);
    const crashed = await original.rerun("is re-run", env);
    expect(crashed.rootId).not.toBe(original.rootId);
    const [source] = await original.runsOf("kept");
    const cache = { status: "CLONED", originRunId: source?.id };
    expect((await crashed.runsOf("kept"))[0]).toMatchObject({ state: "RESOLVED", cache });
    const rerun = { rootId: original.rootId, runId: original.rootId, mode: "continue", code: "current" };
    expect(await crashed.pipelineRun()).toMatchObject({ state: "RUNNING", rerun });

    const root = func("is re-run", () => 0);
    expect(await crashed.resume(recorded(root))).toEqual(["text", 105]);
    expect(crashed.executed).toEqual([["stays", 5, 1]]);
    expect((await crashed.runsOf("kept"))[0]).toMatchObject({ state: "RESOLVED", cache });
    expect(await crashed.pipelineRun()).toMatchObject({ state: "COMPLETE", rerun });
    // The original is still as the first crash has left it.
    expect(await original.runs()).toEqual(original.left);
    await crashed.verify();
  });
});
