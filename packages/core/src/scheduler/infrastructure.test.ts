import { describe, expect, it } from "vitest";
import { OutOfMemoryError } from "../run-errors.ts";
import { statesOf, TestRun, type TestRunOptions, World } from "./testing/world.ts";

/** A run in a lane, whose body executes. */
function executing(world: World, options: TestRunOptions = {}, parent = world.root()): TestRun {
  const run = world.run("run", parent, { ...options, lane: "workers" });
  world.begins(run);
  return run;
}

function worldWith(infrastructureRetries?: number): World {
  return new World({ lanes: () => ({ limit: 1 }), infrastructureRetries });
}

/** Waits until a run that is retried executes again. */
function again(world: World, run: TestRun): void {
  world.live(60_000);
  world.begins(run);
}

describe("an attempt that was lost", () => {
  it("is followed by another, after a while that grows, and it is told why", () => {
    const world = worldWith();
    const run = executing(world);
    world.loses(run);
    expect(statesOf(run)).toEqual({ run: "RETRYING" });
    expect(world.scheduler.running).toBe(1);
    world.pass(99);
    expect(statesOf(run)).toEqual({ run: "RETRYING" });
    world.pass(1);
    expect(statesOf(run)).toEqual({ run: "SCHEDULED" });
    world.begins(run);
    world.loses(run);
    world.pass(199);
    expect(statesOf(run)).toEqual({ run: "RETRYING" });
    world.pass(1);
    world.begins(run);
    world.returns(run);
    expect(run).toMatchObject({ state: "RESOLVED", attempt: 3 });
    expect(world.retried).toEqual([
      { label: "run", delay: 100, infrastructure: { retry: 1, of: 2 } },
      { label: "run", delay: 200, infrastructure: { retry: 2, of: 2 } },
    ]);
  });

  it("fails the run when two others have followed", () => {
    const world = worldWith();
    const run = executing(world);
    for (let lost = 0; lost < 2; lost += 1) {
      world.loses(run);
      again(world, run);
    }
    world.loses(run, { error: new OutOfMemoryError("too much") });
    expect(run).toMatchObject({ state: "FAILED", attempt: 3 });
    expect(run.failure).toMatchObject({ name: "OutOfMemoryError", code: "OUT_OF_MEMORY" });
  });

  it.each([0, 1, 5])("is followed by as many as the runner allows: %i", (retries) => {
    const world = worldWith(retries);
    const run = executing(world);
    for (let lost = 0; lost < retries; lost += 1) {
      world.loses(run);
      again(world, run);
    }
    expect(run.attempt).toBe(retries + 1);
    world.loses(run);
    expect(run.state).toBe("FAILED");
  });

  it("need not have begun", () => {
    const world = worldWith();
    const run = world.run("run", world.root(), { lane: "workers" });
    expect(world.loses(run)).toBe(true);
    expect(run.state).toBe("RETRYING");
    expect(world.scheduler.running).toBe(1);
    again(world, run);
    world.returns(run);
    expect(run.state).toBe("RESOLVED");
  });

  it("leaves nothing behind of what its body called and waited for", () => {
    const world = worldWith();
    const run = executing(world);
    const child = world.run("child", run);
    world.waits(run, child);
    world.loses(run);
    expect(statesOf(child)).toEqual({ child: "CANCELED" });
    expect(child.reason).toBe("the worker of run was lost");
    expect(world.aborted).toEqual(["run#1", "child#1"]);
    again(world, run);
    expect(run.waits).toBe(0);
    world.returns(run);
    expect(run.state).toBe("RESOLVED");
    expect(world.delivered).toEqual([]);
  });

  it("counts only while it is the one that is made", () => {
    const world = worldWith();
    const run = executing(world);
    world.loses(run);
    expect(world.loses(run, { attempt: 1 })).toBe(false);
    again(world, run);
    expect(world.loses(run, { attempt: 1 })).toBe(false);
    const child = world.run("child", run);
    world.returns(run, { assembles: true });
    expect(world.loses(run)).toBe(false);
    world.returns(child);
    expect(world.loses(run)).toBe(false);
    expect(run.state).toBe("RESOLVED");
  });

  it("is final if it is said to be", () => {
    const world = worldWith();
    const run = executing(world);
    expect(world.loses(run, { isFinal: true })).toBe(true);
    expect(run).toMatchObject({ state: "FAILED", attempt: 1 });
    expect(world.retried).toEqual([]);
  });

  it("asks the cache again before the next one", () => {
    const world = worldWith();
    const run = world.run("run", world.root(), { lane: "workers", asksCache: true });
    world.misses(run);
    world.loses(run);
    world.live(100);
    expect(world.lookups).toEqual(["run", "run"]);
    expect(world.hits(run)).toBe(true);
    expect(run.state).toBe("RESOLVED");
  });
});

describe("retries of a func's own", () => {
  it("are not used up by lost attempts, nor the other way round", () => {
    const world = worldWith(1);
    const run = executing(world, { retry: { retries: 2, delay: 10 } });
    world.throws(run);
    again(world, run);
    world.loses(run);
    again(world, run);
    world.throws(run);
    again(world, run);
    expect(world.retried).toEqual([
      { label: "run", delay: 10, infrastructure: undefined },
      { label: "run", delay: 100, infrastructure: { retry: 1, of: 1 } },
      // The second of its own: twice the first, as if nothing had been lost in between.
      { label: "run", delay: 20, infrastructure: undefined },
    ]);
    world.throws(run);
    expect(run).toMatchObject({ state: "FAILED", attempt: 4 });
  });

  it("see their own count of attempts", () => {
    const attempts: number[] = [];
    const world = worldWith();
    const run = executing(world, { retry: { retries: 5, when: (_, attempt) => attempts.push(attempt) > 0 } });
    world.loses(run);
    again(world, run);
    world.throws(run);
    again(world, run);
    world.loses(run);
    again(world, run);
    world.throws(run);
    expect(attempts).toEqual([1, 2]);
  });

  it("may name lost attempts, for when the others are used up", () => {
    const world = worldWith(1);
    const run = executing(world, { retry: { retries: 1, exceptions: ["WorkerLostError"] } });
    for (let lost = 0; lost < 2; lost += 1) {
      world.loses(run);
      again(world, run);
    }
    expect(world.retried.map(({ infrastructure }) => infrastructure)).toEqual([{ retry: 1, of: 1 }, undefined]);
    world.loses(run);
    expect(run).toMatchObject({ state: "FAILED", attempt: 3 });
  });

  it("may follow a loss that is final, if they name it", () => {
    const world = worldWith();
    const run = executing(world, { retry: { retries: 1, exceptions: ["WorkerLostError"] } });
    world.loses(run, { isFinal: true });
    expect(run).toMatchObject({ state: "SCHEDULED", attempt: 2 });
  });
});

describe("lost attempts from before an interruption", () => {
  it("count against what is left for others, and not against the run's own retries", () => {
    const world = worldWith(2);
    const root = world.root();
    const run = new TestRun("run", root, { lane: "workers", retry: { retries: 1 } }, world);
    world.scheduler.create(run, [], world.now, { attempt: 2, lost: 1 });
    world.settle();
    expect(run.attempt).toBe(3);
    world.begins(run);
    world.loses(run);
    again(world, run);
    expect(world.retried).toEqual([{ label: "run", delay: 200, infrastructure: { retry: 2, of: 2 } }]);
    // Attempts 1 and 3 were lost: this is the second of its own, the last that it has.
    world.throws(run);
    expect(run).toMatchObject({ state: "FAILED", attempt: 4 });
  });

  it("beyond those that are free had been retries of its own", () => {
    const world = worldWith(1);
    const root = world.root();
    const run = new TestRun("run", root, { lane: "workers", retry: { retries: 2 } }, world);
    world.scheduler.create(run, [], world.now, { attempt: 2, lost: 2 });
    world.settle();
    world.begins(run);
    // One of the three was free, so this is the second of its own.
    world.throws(run);
    expect(run).toMatchObject({ state: "SCHEDULED", attempt: 4 });
  });

  it("are known of a run whose body had returned", () => {
    const world = worldWith();
    const root = new TestRun("root", null, {}, world);
    world.scheduler.adoptReturned(root, { attempt: 3, lost: 2 }, false, world.now);
    expect(root.lost).toBe(2);
    const fresh = new TestRun("fresh", root, {}, world);
    expect(fresh.lost).toBe(0);
  });
});
