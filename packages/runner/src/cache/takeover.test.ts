import { describe, expect, test } from "vitest";
import {
  executions,
  firstThatSays,
  meetingWith,
  notesOf,
  onlyEntry,
  resultOf,
  statusesOf,
} from "../testing/cache-meeting.ts";
import { compileCache } from "../testing/compile-cache.ts";
import { stopWithoutLock } from "../testing/stop-process.ts";
import { homeOf } from "../testing/temporary-home.ts";

const meeting = meetingWith(compileCache());

describe("when the process that computes", () => {
  test.each([
    ["is killed", "works", "SIGKILL"],
    ["calls process.exit in the body", "exits in the body", undefined],
    ["throws outside of everything", "throws outside of everything", undefined],
    ["ends because nothing is left to do", "has nothing left to do", undefined],
    ["leaves while a run goes on", "leaves while a run goes on", undefined],
    ["is interrupted", "works", "SIGINT"],
  ] as const)("%s, exactly one of those that wait takes over at once", async (_, scenario, signal) => {
    const { shared, start, startWaiter } = meeting();
    const owner = start(scenario, "go on");
    await owner.says("begins");
    const waiters = await Promise.all([startWaiter(), startWaiter(), startWaiter()]);
    if (signal === undefined) shared.raise("go on");
    else owner.kill(signal);
    const next = await firstThatSays(waiters, "begins");
    await owner.ended;
    shared.raise("finish");
    await Promise.all(waiters.map((child) => child.says("ended")));

    expect(executions(shared)).toEqual([String(owner.process.pid), String(next.process.pid)]);
    expect(waiters.map(resultOf)).toEqual(waiters.map(() => `of ${next.process.pid}`));
    expect(statusesOf(next)).toEqual(["WAITING", "MISS"]);
    const others = waiters.filter((waiter) => waiter !== next);
    expect(others.map((waiter) => statusesOf(waiter))).toEqual(others.map(() => ["WAITING", "HIT"]));
    expect(await onlyEntry(shared.home)).toMatchObject({ answer: `of ${next.process.pid}`, leases: [] });
  });

  test("cancels its run and goes on, one of those that wait takes over at once", async () => {
    const { shared, start, startWaiter } = meeting();
    const owner = start("works", "never");
    await owner.says("begins");
    const waiters = await Promise.all([startWaiter(), startWaiter()]);
    shared.raise(`cancel ${owner.process.pid}`);
    const next = await firstThatSays(waiters, "begins");
    shared.raise("finish");
    await Promise.all([owner, ...waiters].map((child) => child.says("ended")));
    expect(executions(shared)).toEqual([String(owner.process.pid), String(next.process.pid)]);
    expect(owner.lines.join("\n")).toMatch(/^failed .*canceled/m);
    expect(waiters.map(resultOf)).toEqual(waiters.map(() => `of ${next.process.pid}`));
  });

  test("is stopped for longer than the grace, another takes over, and what it gives later is not stored", async () => {
    const lease = { heartbeat: 200, grace: 2_000 };
    const { shared, start, startWaiter } = meeting(lease);
    const owner = start("works", "late");
    await owner.says("begins");
    const next = await startWaiter();
    const stoppedAt = performance.now();
    stopWithoutLock(owner, `${shared.home}/cache.db`);
    await next.says("begins");
    // Taken over because nothing was heard of it, and not because it was thought to be gone.
    expect(performance.now() - stoppedAt).toBeGreaterThan(lease.grace - lease.heartbeat - 100);
    shared.raise("late");
    owner.kill("SIGCONT");
    await owner.says("ended");
    expect(resultOf(owner)).toBe(`of ${owner.process.pid}`);
    expect(statusesOf(owner)).toEqual(["MISS", "PUT_FAILED"]);
    expect(notesOf(owner).join()).toContain("was not heard of for too long");
    const home = await homeOf(shared.home);
    expect(await home.cache.list()).toEqual([]);
    expect(await home.cache.leases()).toMatchObject([{ pid: next.process.pid }]);

    shared.raise("finish");
    await next.says("ended");
    expect(resultOf(next)).toBe(`of ${next.process.pid}`);
    expect(executions(shared)).toEqual([String(owner.process.pid), String(next.process.pid)]);
    expect(await onlyEntry(shared.home)).toMatchObject({ answer: `of ${next.process.pid}`, leases: [] });
    const runs = await home.backend.listPipelineRuns();
    expect(runs.map(({ state }) => state)).toEqual(["COMPLETE", "COMPLETE"]);
    const late = (await home.backend.listRuns(runs.at(-1)?.id ?? ""))[0];
    expect(late).toMatchObject({ state: "RESOLVED", cache: { status: "PUT_FAILED" } });
  });
});
