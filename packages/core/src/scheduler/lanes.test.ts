import { describe, expect, it } from "vitest";
import type { LaneOptions } from "./lanes.ts";
import { gateFor, statesOf, type TestRun, type TestRunOptions, World } from "./testing/world.ts";

/** A world with one lane called `workers`. */
function worldWith(workers: LaneOptions, concurrency = 64): World {
  return new World({ concurrency, lanes: (name) => (name === "workers" ? workers : undefined) });
}

/** A run in the lane. */
function worker(world: World, label: string, parent: TestRun, options: TestRunOptions = {}): TestRun {
  return world.run(label, parent, { ...options, lane: "workers" });
}

describe("a run in a lane of its own", () => {
  it("is SCHEDULED while it is handed over, and RUNNING when its body begins", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const run = worker(world, "a", root);
    expect(world.started).toEqual(["root", "a"]);
    expect(statesOf(run)).toEqual({ a: "SCHEDULED" });
    expect(world.begins(run)).toBe(true);
    expect(statesOf(run)).toEqual({ a: "RUNNING" });
    expect(world.announced).toContain("a RUNNING");
    world.returns(run);
    expect(statesOf(run)).toEqual({ a: "RESOLVED" });
  });

  it("begins once, and only in the attempt that was handed over", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const run = worker(world, "a", root, { retry: { retries: 1 } });
    const queued = worker(world, "b", root);
    expect(world.begins(run, { attempt: 2 })).toBe(false);
    expect(world.begins(queued)).toBe(false);
    expect(statesOf(run, queued)).toEqual({ a: "SCHEDULED", b: "SCHEDULED" });
    world.begins(run);
    expect(world.begins(run)).toBe(false);
    world.throws(run);
    expect(world.begins(run, { attempt: 1 })).toBe(false);
    expect(statesOf(run)).toEqual({ a: "SCHEDULED" });
  });

  it("may be over before it was heard that it began", () => {
    const world = worldWith({ limit: 2 });
    const root = world.root();
    const a = worker(world, "a", root);
    const b = worker(world, "b", root, { retry: { retries: 1 } });
    expect(world.returns(a)).toBe(true);
    expect(world.throws(b)).toBe(true);
    expect(statesOf(a, b)).toEqual({ a: "RESOLVED", b: "SCHEDULED" });
    expect(world.changes.filter((change) => change.startsWith("a "))).toEqual([
      "a CREATED",
      "a SCHEDULED",
      "a RUNNING",
      "a RESOLVED",
    ]);
    expect(world.started).toEqual(["root", "a", "b", "b"]);
  });

  it("cannot be over before it was handed over", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    worker(world, "a", root);
    const queued = worker(world, "b", root);
    expect(world.returns(queued)).toBe(false);
    expect(world.throws(queued)).toBe(false);
    expect(world.loses(queued)).toBe(false);
    expect(statesOf(queued)).toEqual({ b: "SCHEDULED" });
  });

  it("takes no place of those that execute inline, nor they one of its", () => {
    const world = worldWith({ limit: 2 }, 1);
    const root = world.root();
    const inline = world.run("inline", root);
    const remote = ["a", "b", "c"].map((label) => worker(world, label, root));
    expect(world.started).toEqual(["root", "a", "b"]);
    world.returns(root, { assembles: true });
    expect(statesOf(inline)).toEqual({ inline: "RUNNING" });
    expect(world.scheduler.running).toBe(3);
    world.begins(remote[0]!);
    world.returns(remote[0]!);
    expect(world.started).toEqual(["root", "a", "b", "inline", "c"]);
  });

  it("is handed over before bodies begin inline", () => {
    const world = worldWith({ limit: 1 }, 1);
    const root = world.root();
    const gate = world.run("gate", root);
    world.run("inline", root, { needs: [gate] });
    worker(world, "remote", root, { needs: [gate] });
    world.waits(root, gate);
    world.returns(gate);
    world.returns(root);
    expect(world.started).toEqual(["root", "gate", "remote", "inline"]);
  });

  it("is inline in a lane that nobody knows", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const run = world.run("a", root, { lane: "other" });
    expect(statesOf(run)).toEqual({ a: "RUNNING" });
    world.returns(run);
    expect(statesOf(run)).toEqual({ a: "RESOLVED" });
    expect(world.scheduler.running).toBe(1);
  });

  it("is inline where there are no lanes", () => {
    const world = new World();
    const run = world.run("root", null, { lane: "workers" });
    expect(statesOf(run)).toEqual({ root: "RUNNING" });
  });

  it("is told to stop when it is canceled or out of time, whether it has begun or not", () => {
    const world = worldWith({ limit: 4 });
    const root = world.root({ tolerate: 4 });
    const canceled = worker(world, "canceled", root);
    worker(world, "late", root, { timeout: 10 });
    const executing = worker(world, "executing", root);
    world.begins(executing);
    world.cancels(canceled);
    world.pass(10);
    world.cancels(executing);
    expect(world.aborted).toEqual(["canceled#1", "late#1", "executing#1"]);
    expect(world.begins(canceled)).toBe(false);
    expect(world.scheduler.running).toBe(1);
  });

  it("is not told to stop while it queues", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root({ tolerate: 1 });
    worker(world, "a", root);
    world.cancels(worker(world, "b", root));
    expect(world.aborted).toEqual([]);
  });

  it("is handed over once, however often it was queued", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const first = worker(world, "first", root);
    const late = worker(world, "late", root, { timeout: 10, retry: { retries: 3 } });
    // It queues twice now; whoever comes first in the queue is for the attempt that counts.
    world.pass(10);
    expect(late.attempt).toBe(2);
    world.returns(first);
    expect(world.started).toEqual(["root", "first", "late"]);
    const next = worker(world, "next", root);
    world.returns(late, { attempt: 2 });
    expect(statesOf(late, next)).toEqual({ late: "RESOLVED", next: "SCHEDULED" });
    expect(world.started).toEqual(["root", "first", "late", "next"]);
    expect(world.scheduler.running).toBe(2);
  });

  it("that is lost while it queues twice is not handed over twice", () => {
    const world = new World({ lanes: () => ({ limit: 2 }) });
    const root = world.root();
    const busy = [worker(world, "a", root), worker(world, "b", root)];
    worker(world, "late", root, { timeout: 10, retry: { retries: 3 } });
    world.pass(10);
    for (const run of busy) world.returns(run);
    expect(world.started.filter((label) => label === "late")).toEqual(["late"]);
    expect(world.scheduler.running).toBe(2);
  });

  it("waits at its gate like any other", () => {
    const world = worldWith({ limit: 8 });
    const root = world.root();
    const gate = gateFor(1);
    const a = worker(world, "a", root, { gate });
    worker(world, "b", root, { gate });
    expect(world.started).toEqual(["root", "a"]);
    world.begins(a);
    world.returns(a);
    expect(world.started).toEqual(["root", "a", "b"]);
  });
});

describe("the order in a lane", () => {
  it("is deepest first, and first come first served at one depth", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const inline = world.run("inline", root);
    const inner = world.run("inner", inline);
    const runs = [
      worker(world, "first", root),
      worker(world, "b", root),
      worker(world, "c1", inline),
      worker(world, "c2", inline),
      worker(world, "d", inner),
    ];
    for (const label of ["first", "d", "c1", "c2", "b"]) {
      expect(world.started.at(-1)).toBe(label);
      world.returns(runs.find((run) => run.label === label) as TestRun);
    }
    expect(runs.every(({ state }) => state === "RESOLVED")).toBe(true);
  });

  it("keeps bodies from waiting at once while their children queue behind their siblings", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const parents = ["p0", "p1", "p2"].map((label) => worker(world, label, root));
    for (const parent of parents) {
      expect(world.begins(parent)).toBe(true);
      const child = worker(world, `child of ${parent.label}`, parent);
      world.waits(parent, child);
      expect(world.started.at(-1)).toBe(child.label);
      world.begins(child);
      world.returns(child);
      world.returns(parent);
    }
    expect(parents.every(({ state }) => state === "RESOLVED")).toBe(true);
  });
});

describe("a body that waits in a lane", () => {
  it("gives its place to others and takes one again before it goes on", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const parent = worker(world, "parent", root);
    world.begins(parent);
    const inline = world.run("inline", parent);
    const other = worker(world, "other", root);
    world.waits(parent, inline);
    expect(world.started.at(-1)).toBe("other");
    world.begins(other);
    world.returns(inline);
    // Its child is there, its place is not.
    expect(world.delivered).toEqual([]);
    expect(parent.holdsSlot).toBe(false);
    world.returns(other);
    expect(world.delivered.length).toBe(1);
    expect(parent.holdsSlot).toBe(true);
  });

  it("goes on before others begin", () => {
    const world = worldWith({ limit: 1 });
    const root = world.root();
    const parent = worker(world, "parent", root);
    world.begins(parent);
    const child = worker(world, "child", parent);
    const queued = worker(world, "queued", parent);
    world.waits(parent, child);
    world.begins(child);
    world.returns(child);
    expect(world.delivered.length).toBe(1);
    expect(world.started).not.toContain("queued");
    world.returns(parent);
    expect(world.started.at(-1)).toBe("queued");
    expect(statesOf(queued)).toEqual({ queued: "SCHEDULED" });
  });

  it("never keeps others from beginning, however deep bodies wait in one another", () => {
    const world = worldWith({ limit: 1 });
    const nest: TestRun[] = [world.root()];
    for (let depth = 1; depth <= 30; depth += 1) {
      const above = nest[depth - 1]!;
      const below = worker(world, `n${depth}`, above);
      world.waits(above, below);
      expect(world.begins(below)).toBe(true);
      nest.push(below);
    }
    world.live(60_000);
    for (const run of nest.toReversed()) world.returns(run);
    expect(nest.every((run) => run.state === "RESOLVED")).toBe(true);
  });

  it("keeps its place where the lane says so", () => {
    const world = worldWith({ limit: 1, keepsSlot: true });
    const root = world.root();
    const parent = worker(world, "parent", root);
    world.begins(parent);
    const inline = world.run("inline", parent);
    worker(world, "other", root);
    const wait = world.waits(parent, inline);
    expect(parent.holdsSlot).toBe(true);
    expect(world.started).not.toContain("other");
    world.returns(inline);
    expect(world.delivered).toEqual([wait]);
    world.returns(parent);
    expect(world.started.at(-1)).toBe("other");
  });
});

describe("the backlog of a lane", () => {
  it("is handed over on top of the limit", () => {
    const world = worldWith({ limit: 1, backlog: () => 2 });
    const root = world.root();
    for (const label of ["a", "b", "c", "d"]) worker(world, label, root);
    expect(world.started).toEqual(["root", "a", "b", "c"]);
  });

  it("is asked for each time", () => {
    let backlog = 0;
    const world = worldWith({ limit: 1, backlog: () => backlog });
    const root = world.root();
    worker(world, "a", root);
    worker(world, "b", root);
    expect(world.started).toEqual(["root", "a"]);
    backlog = 1;
    world.settle();
    expect(world.started).toEqual(["root", "a", "b"]);
  });

  it("does not count while a body waits, nor before that body has gone on", () => {
    const world = worldWith({ limit: 1, backlog: () => 1 });
    const root = world.root();
    const parent = worker(world, "parent", root);
    const other = worker(world, "other", root);
    world.begins(parent);
    const inline = world.run("inline", parent);
    world.waits(parent, inline);
    for (const label of ["x", "y"]) worker(world, label, root);
    expect(world.started).toEqual(["root", "parent", "other", "inline"]);
    world.returns(inline);
    // `other` has the only place: nobody is handed over on top of it before the parent has gone on.
    expect(world.delivered).toEqual([]);
    expect(world.started).not.toContain("x");
    world.begins(other);
    world.returns(other);
    expect(world.delivered.length).toBe(1);
    expect(world.started.slice(4)).toEqual(["x"]);
  });

  it("counts again when the body that waited goes on, also where it kept its place", () => {
    for (const keepsSlot of [false, true]) {
      const world = worldWith({ limit: 1, backlog: () => 1, keepsSlot });
      const root = world.root();
      const run = worker(world, "run", root);
      world.begins(run);
      const inline = world.run("inline", run);
      world.waits(run, inline);
      world.returns(inline);
      worker(world, "next", root);
      expect(world.started.at(-1)).toBe("next");
      expect(world.scheduler.nextTick).toBeUndefined();
    }
  });

  it("counts again when a body goes on that waited once more before it had its place back", () => {
    const world = worldWith({ limit: 1, backlog: () => 1 });
    const root = world.root();
    const run = worker(world, "run", root);
    world.begins(run);
    const [first, second] = [world.run("first", run), world.run("second", run)];
    world.waits(run, first);
    const other = worker(world, "other", root);
    world.returns(first);
    world.waits(run, second);
    world.returns(second);
    world.begins(other);
    world.returns(other);
    expect(world.delivered.length).toBe(2);
    worker(world, "next", root);
    expect(world.started.at(-1)).toBe("next");
  });

  it("counts again when the body that waited has ended in any way", () => {
    const world = worldWith({ limit: 1, backlog: () => 1 });
    const root = world.root({ tolerate: 9 });
    for (const [label, end] of [
      ["thrown", (run: TestRun) => world.throws(run)],
      ["lost", (run: TestRun) => world.loses(run, { isFinal: true })],
      ["canceled", (run: TestRun) => world.cancels(run)],
      // It has taken the first of two values, and returns.
      ["returned", (run: TestRun) => world.returns(run)],
    ] as const) {
      const run = worker(world, label, root);
      world.begins(run);
      world.waits(run, world.run(`of ${label}`, run));
      end(run);
      const next = [0, 1].map((at) => worker(world, `${label} ${at}`, root));
      expect(world.started.slice(-2)).toEqual(next.map((one) => one.label));
      for (const one of next) world.returns(one);
    }
  });
});
