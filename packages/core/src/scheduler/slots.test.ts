import { describe, expect, it } from "vitest";
import { statesOf, TestRun, World } from "./testing/world.ts";

describe("slots", () => {
  it("are as many as the concurrency says", () => {
    const world = new World({ concurrency: 2 });
    const root = world.root();
    const runs = ["a", "b", "c", "d"].map((label) => world.run(label, root));
    world.returns(root, { assembles: true });
    expect(Object.values(statesOf(...runs))).toEqual(["RUNNING", "RUNNING", "SCHEDULED", "SCHEDULED"]);
    world.returns(runs[1]!);
    expect(Object.values(statesOf(...runs))).toEqual(["RUNNING", "RESOLVED", "RUNNING", "SCHEDULED"]);
    expect(world.scheduler.running).toBe(2);
  });

  it("are given up by a body that waits and taken again when it goes on", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const child = world.run("child", root);
    expect(statesOf(child)).toEqual({ child: "SCHEDULED" });
    world.waits(root, child);
    expect(statesOf(child)).toEqual({ child: "RUNNING" });
    world.returns(child);
    expect(world.delivered.length).toBe(1);
    expect(root.holdsSlot).toBe(true);
    expect(world.scheduler.running).toBe(1);
  });

  it("never run out, however deep bodies wait within bodies", () => {
    const world = new World({ concurrency: 1 });
    const nest: TestRun[] = [world.root()];
    for (let depth = 1; depth <= 50; depth += 1) {
      const above = nest[depth - 1]!;
      const below = world.run(`n${depth}`, above);
      world.waits(above, below);
      expect(below.state).toBe("RUNNING");
      nest.push(below);
    }
    for (const run of nest.toReversed()) world.returns(run);
    expect(nest.every((run) => run.state === "RESOLVED")).toBe(true);
    expect(world.delivered.length).toBe(50);
  });

  it("go first to bodies that can go on, then to bodies that can begin", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const first = world.run("first", root);
    const second = world.run("second", root);
    const wait = world.waits(root, first);
    world.returns(first);
    expect(world.delivered).toEqual([wait]);
    expect(statesOf(second)).toEqual({ second: "SCHEDULED" });
    world.returns(root, { assembles: true });
    expect(statesOf(second)).toEqual({ second: "RUNNING" });
  });

  it("make a body that can go on wait for its turn", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const first = world.run("first", root);
    const second = world.run("second", root);
    const third = world.run("third", second);
    world.waits(root, first);
    world.returns(first);
    // The root goes on and waits again: `second` begins and holds the slot when `third`, which it made, has its turn.
    world.waits(root, second);
    expect(world.scheduler.running).toBe(1);
    expect(statesOf(second, third)).toEqual({ second: "RUNNING", third: "SCHEDULED" });
    world.returns(second);
    expect(world.scheduler.running).toBe(1);
    world.returns(third);
    expect(root.holdsSlot).toBe(true);
    expect(world.delivered.length).toBe(2);
  });

  it("are not held by a body that waits for all of several", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const a = world.run("a", root);
    const b = world.run("b", root);
    world.waits(root, a);
    world.waits(root, b);
    expect(root.waits).toBe(2);
    world.returns(a);
    expect(world.delivered.length).toBe(1);
    expect(root.holdsSlot).toBe(false);
    expect(statesOf(b)).toEqual({ b: "RUNNING" });
    world.returns(b);
    expect(root.holdsSlot).toBe(true);
    world.returns(root);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
  });

  it("are not needed to hear of the first of several, since the body still waits", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const busy = world.run("busy", root);
    const queued = world.run("queued", root);
    world.waits(root, busy);
    const wait = world.waits(root, queued);
    world.cancels(queued);
    expect(statesOf(busy)).toEqual({ busy: "RUNNING" });
    expect(world.delivered).toEqual([wait]);
  });

  it("do not stop a body that took the first of several from ending", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const fast = world.run("fast", root);
    const slow = world.run("slow", root);
    world.waits(root, fast);
    world.waits(root, slow);
    world.returns(fast);
    expect(world.delivered.length).toBe(1);
    world.returns(root);
    expect(statesOf(root, slow)).toEqual({ root: "RAN", slow: "RUNNING" });
    world.returns(slow);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
    expect(world.scheduler.running).toBe(0);
  });

  it("let a body that got one back have all that it waits for", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const first = world.run("first", root, { asksCache: true });
    const second = world.run("second", root, { asksCache: true });
    const other = world.run("other", root, { asksCache: true });
    // The body goes on with the earlier of two waits for one run while it has no slot for the later one, and waits again.
    const waits = [world.waits(root, first), world.waits(root, first)];
    world.misses(other);
    world.hits(first);
    expect(world.delivered).toEqual([waits[0]]);
    waits.push(world.waits(root, second));
    world.hits(second);
    expect(world.delivered).toEqual([waits[0]]);
    world.returns(other);
    expect(world.delivered).toEqual(waits);
    expect(world.scheduler.running).toBe(1);
  });

  it("are given back when a wait is given up", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const slow = world.run("slow", root);
    const wait = world.waits(root, slow);
    if (wait === undefined) throw new Error("there is something to wait for");
    world.scheduler.stopWaiting(wait);
    world.settle();
    expect(world.delivered).toEqual([]);
    world.returns(slow);
    expect(world.delivered).toEqual([wait]);
    expect(root.holdsSlot).toBe(true);
    world.scheduler.stopWaiting(wait);
    world.settle();
    expect(world.delivered).toEqual([wait]);
  });

  it("are given back by bodies that fail, time out or are canceled, waiting or not", () => {
    const world = new World({ concurrency: 3 });
    const root = world.root();
    const failing = world.run("failing", root);
    const late = world.run("late", root, { timeout: 10 });
    const stopped = world.run("stopped", root);
    const below = world.run("below", stopped);
    world.waits(stopped, below);
    world.throws(failing);
    world.pass(10);
    world.cancels(stopped);
    expect(statesOf(failing, late, stopped, below)).toEqual({
      failing: "FAILED",
      late: "FAILED",
      stopped: "CANCELED",
      below: "CANCELED",
    });
    expect(world.scheduler.running).toBe(1);
    world.cancels(root);
    expect(world.scheduler.running).toBe(0);
  });

  it("are filled past runs that ended while they queued", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const runs = ["a", "b", "c", "d"].map((label) => world.run(label, root));
    for (const run of runs.slice(0, 3)) world.cancels(run);
    for (const run of runs.slice(0, 3)) world.waits(root, run);
    world.waits(root, runs[3]!);
    expect(world.started).toEqual(["root", "d"]);
  });

  it("are filled by at most as many bodies as dispatch is told, so that others get their turn", () => {
    const world = new World();
    const root = world.root();
    const runs = ["a", "b", "c"].map((label) => new TestRun(label, root, {}, world));
    for (const run of runs) world.scheduler.create(run, [], world.now);
    world.scheduler.dispatch(world.now, 2);
    expect(Object.values(statesOf(...runs))).toEqual(["RUNNING", "RUNNING", "SCHEDULED"]);
    world.settle();
    expect(Object.values(statesOf(...runs))).toEqual(["RUNNING", "RUNNING", "RUNNING"]);
  });
});
