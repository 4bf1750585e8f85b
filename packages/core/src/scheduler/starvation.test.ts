import { describe, expect, it } from "vitest";
import type { LaneOptions } from "./lanes.ts";
import { gateFor, statesOf, type TestRun, type TestRunOptions, World } from "./testing/world.ts";

/** A world with lanes of actors whose bodies keep their places, by name with their limits. */
function worldWith(limits: Readonly<Record<string, number>>, more: Partial<LaneOptions> = {}): World {
  return new World({
    lanes: (name) => (limits[name] === undefined ? undefined : { limit: limits[name], keepsSlot: true, ...more }),
  });
}

/** A run on an actor, whose body begins if there is a place for it. */
function on(world: World, lane: string, label: string, parent: TestRun, options: TestRunOptions = {}): TestRun {
  const run = world.run(label, parent, { ...options, lane });
  world.begins(run);
  return run;
}

/** A body on an actor that waits for a child on the same actor, for which there is no place. */
function stuck(world: World, label: string, root: TestRun): { readonly parent: TestRun; readonly child: TestRun } {
  const parent = on(world, "gpu", label, root);
  const child = on(world, "gpu", `child of ${label}`, parent);
  world.waits(parent, child);
  return { parent, child };
}

/** Two bodies that hold both places of an actor, each to wait for a child there. */
function twoStuck(world: World, root: TestRun): { readonly parents: TestRun[]; readonly children: TestRun[] } {
  const parents = ["one", "two"].map((label) => on(world, "gpu", label, root));
  const children = parents.map((parent) => on(world, "gpu", `child of ${parent.label}`, parent));
  for (const [at, parent] of parents.entries()) world.waits(parent, children[at]!);
  return { parents, children };
}

/** A run whose body has returned. */
function finished(world: World, run: TestRun): TestRun {
  world.returns(run);
  return run;
}

/** More than it takes to be sure that nobody has more to say. */
const soon = 2_000;

describe("a run that needs a place which those who wait for it hold", () => {
  it("fails soon, and says who holds the places", () => {
    const world = worldWith({ gpu: 1 });
    const { parent, child } = stuck(world, "parent", world.root());
    expect(child.state).toBe("SCHEDULED");
    world.live(soon);
    expect(statesOf(parent, child)).toEqual({ parent: "RUNNING", "child of parent": "FAILED" });
    expect(child.failure).toEqual({
      name: "RepriseError",
      code: "ACTOR_STARVED",
      classes: ["RepriseError", "Error"],
      message:
        "child of parent can never begin: the only place of gpu is held by a body that can only go on when such a place is free (parent). Raise replicas.max or concurrency, return the future of the inner call instead of waiting for it, or give the inner func another environment.",
    });
    // The body that waited hears of it and may go on in whatever way.
    expect(world.delivered.map(({ source }) => source.label)).toEqual(["child of parent"]);
    world.returns(parent);
    expect(parent.state).toBe("RESOLVED");
  });

  it("does not fail at once: the body may have more to say", () => {
    const world = worldWith({ gpu: 1 });
    const { child } = stuck(world, "parent", world.root());
    world.live(500);
    expect(child.state).toBe("SCHEDULED");
  });

  it("is not tried again: that would be the same", () => {
    const world = worldWith({ gpu: 1 });
    const parent = on(world, "gpu", "parent", world.root());
    const child = on(world, "gpu", "child", parent, { retry: { retries: 5 } });
    world.waits(parent, child);
    world.live(soon);
    expect(child).toMatchObject({ state: "FAILED", attempt: 1 });
    expect(world.retried).toEqual([]);
  });

  it("fails alone, if that lets the others go on", () => {
    const world = worldWith({ gpu: 2 });
    const root = world.root({ tolerate: 2 });
    const { parents, children } = twoStuck(world, root);
    world.live(soon);
    expect(statesOf(...children)).toEqual({ "child of one": "FAILED", "child of two": "SCHEDULED" });
    expect(children[0]!.failure?.message).toContain("all 2 places of gpu are held by bodies");
    expect(children[0]!.failure?.message).toContain("(one, two)");
    world.throws(parents[0]!, { child: children[0]! });
    world.begins(children[1]!);
    world.live(soon);
    world.returns(children[1]!);
    world.returns(parents[1]!);
    expect(statesOf(parents[1]!, children[1]!)).toEqual({ two: "RESOLVED", "child of two": "RESOLVED" });
  });

  it("fails after another one, if that has not helped", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const children = ["a", "b", "c"].map((label) => on(world, "gpu", label, parent));
    for (const child of children) world.waits(parent, child);
    world.live(soon);
    expect(statesOf(...children)).toEqual({ a: "FAILED", b: "SCHEDULED", c: "SCHEDULED" });
    // Nobody can see whether the body waits on, for all, or goes on, with the first.
    world.live(40_000);
    expect(statesOf(...children)).toEqual({ a: "FAILED", b: "FAILED", c: "SCHEDULED" });
  });

  it("names some of many holders", () => {
    const world = worldWith({ gpu: 7 });
    const root = world.root();
    const parents = Array.from({ length: 7 }, (_, at) => on(world, "gpu", `p${at}`, root));
    for (const parent of parents) world.waits(parent, on(world, "gpu", `c of ${parent.label}`, parent));
    world.live(soon);
    expect(world.delivered[0]?.source.failure?.message).toContain("(p0, p1, p2, p3, p4 and 2 more)");
  });

  it("is found through other runs between", () => {
    const world = worldWith({ gpu: 1 });
    const parent = on(world, "gpu", "parent", world.root());
    const inline = world.run("inline", parent);
    world.waits(parent, inline);
    const map = world.run("map", inline);
    const gate = gateFor(1);
    const first = world.run("first", map, { gate });
    const second = world.run("second", map, { gate });
    world.returns(map, { assembles: true });
    const dependent = world.run("dependent", inline, { needs: [map] });
    world.waits(inline, dependent);
    const queued = on(world, "gpu", "queued", first);
    world.returns(first, { assembles: true });
    world.live(soon);
    expect(queued.failure?.code).toBe("ACTOR_STARVED");
    expect(statesOf(first, second, map, dependent)).toEqual({
      first: "NESTED_FAILED",
      second: "CANCELED",
      map: "NESTED_FAILED",
      dependent: "CANCELED",
    });
    world.live(soon);
    expect(statesOf(parent, inline)).toEqual({ parent: "RUNNING", inline: "RUNNING" });
  });

  it("is found behind a gate whose holder is stuck", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const map = world.run("map", parent);
    const gate = gateFor(1);
    const first = world.run("first", map, { gate });
    const second = world.run("second", map, { gate, asksCache: true });
    world.misses(second);
    const queued = on(world, "gpu", "queued", first);
    world.returns(first, { assembles: true });
    // It waits for the second only, which needs the place behind the gate that the first holds.
    world.waits(parent, second);
    world.live(soon);
    expect(statesOf(queued)).toEqual({ queued: "FAILED" });
  });

  it("is found across actors", () => {
    const world = worldWith({ gpu: 1, cpu: 1 });
    const root = world.root();
    const a = on(world, "gpu", "a", root);
    const b = on(world, "cpu", "b", root);
    const inA = on(world, "cpu", "in a", a);
    const inB = on(world, "gpu", "in b", b);
    world.waits(a, inA);
    world.live(soon);
    expect(statesOf(inA, inB)).toEqual({ "in a": "SCHEDULED", "in b": "SCHEDULED" });
    world.waits(b, inB);
    world.live(soon);
    expect(statesOf(inA, inB)).toEqual({ "in a": "FAILED", "in b": "SCHEDULED" });
    expect(inA.failure?.message).toContain("the only place of cpu is held by a body");
    expect(inA.failure?.message).toContain("(b)");
  });

  it("is not one that merely queues there too", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const { child } = stuck(world, "parent", root);
    const inline = world.run("inline", root);
    const inner = world.run("inner", inline);
    const bystander = on(world, "gpu", "bystander", world.run("innermost", inner));
    world.live(soon);
    expect(statesOf(child, bystander)).toEqual({ "child of parent": "FAILED", bystander: "SCHEDULED" });
  });

  it("may have been handed over before, on top of the limit", () => {
    const world = worldWith({ gpu: 1 }, { backlog: () => 3 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const child = world.run("child", parent, { lane: "gpu" });
    expect(world.started.at(-1)).toBe("child");
    world.waits(parent, child);
    world.live(soon);
    expect(child.failure?.code).toBe("ACTOR_STARVED");
    expect(child.failure?.message).toContain("(parent)");
    expect(world.aborted).toEqual(["child#1"]);
    expect(world.scheduler.running).toBe(2);
  });

  it("may ask the cache and have to wait for one that computes the same", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const same = on(world, "gpu", "same", root);
    const child = world.run("child", parent, { asksCache: true });
    child.follows = same;
    world.waits(parent, child);
    world.live(soon);
    expect(statesOf(same, child)).toEqual({ same: "FAILED", child: "CREATED" });
    world.misses(child);
    expect(statesOf(child)).toEqual({ child: "RUNNING" });
  });

  it("may have to wait for one that computes the same before its next attempt", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const same = on(world, "gpu", "same", root);
    const child = world.run("child", parent, { asksCache: true, retry: { retries: 1 } });
    world.misses(child);
    world.throws(child);
    expect(child.state).toBe("RETRYING");
    child.follows = same;
    world.waits(parent, child);
    world.live(soon);
    expect(statesOf(same, child)).toEqual({ same: "FAILED", child: "RETRYING" });
  });

  it("is found next to another actor that stands still only for a while", () => {
    const world = worldWith({ cpu: 1, gpu: 1 });
    const root = world.root();
    const busy = on(world, "cpu", "busy", root);
    world.waits(busy, world.run("executing", busy));
    const queued = on(world, "cpu", "queued", root);
    const { child } = stuck(world, "parent", root);
    world.live(soon);
    expect(statesOf(queued, child)).toEqual({ queued: "SCHEDULED", "child of parent": "FAILED" });
  });

  it("is found although others execute", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const busy = world.run("busy", root);
    const { child } = stuck(world, "parent", root);
    world.live(soon);
    expect(statesOf(busy, child)).toEqual({ busy: "RUNNING", "child of parent": "FAILED" });
  });
});

describe("a run is left in the queue of an actor", () => {
  /** A body that holds the only place and waits for `source`, and a run in the queue that it waits for as well. */
  function withPartner(partner: (world: World, parent: TestRun) => TestRun): {
    readonly world: World;
    readonly source: TestRun;
    readonly child: TestRun;
  } {
    const world = worldWith({ gpu: 1 });
    const parent = on(world, "gpu", "parent", world.root());
    const child = on(world, "gpu", "child", parent);
    const source = partner(world, parent);
    world.waits(parent, child);
    world.waits(parent, source);
    return { world, source, child };
  }

  it.each([
    ["executes", (world: World, parent: TestRun) => world.run("partner", parent)],
    [
      "waits for its next attempt",
      (world: World, parent: TestRun) => {
        const run = world.run("partner", parent, { retry: { retries: 1, delay: 100_000 } });
        world.throws(run);
        return run;
      },
    ],
    ["asks the cache", (world: World, parent: TestRun) => world.run("partner", parent, { asksCache: true })],
    [
      "has a child that executes",
      (world: World, parent: TestRun) => {
        const run = world.run("partner", parent);
        world.run("grandchild", run);
        world.returns(run, { assembles: true });
        return run;
      },
    ],
    [
      "needs one that executes",
      (world: World, parent: TestRun) => world.run("partner", parent, { needs: [world.run("needed", parent)] }),
    ],
    [
      "queues behind a gate whose holder executes",
      (world: World, parent: TestRun) => {
        const gate = gateFor(1);
        world.run("holder", parent, { gate });
        return world.run("partner", parent, { gate });
      },
    ],
    [
      "waits itself for one that executes",
      (world: World, parent: TestRun) => {
        const run = world.run("partner", parent);
        world.waits(run, world.run("grandchild", run));
        return run;
      },
    ],
  ])("while its body waits for another as well, which %s", (_, partner) => {
    const { world, child } = withPartner(partner);
    world.live(90_000);
    expect(child.state).toBe("SCHEDULED");
  });

  it("while others on the actor execute", () => {
    const world = worldWith({ gpu: 2 });
    const root = world.root();
    const busy = on(world, "gpu", "busy", root);
    const { child, parent } = stuck(world, "parent", root);
    world.live(60_000);
    expect(child.state).toBe("SCHEDULED");
    world.returns(busy);
    world.begins(child);
    world.returns(child);
    world.returns(parent);
    expect(parent.state).toBe("RESOLVED");
  });

  it("while one that was handed over has not begun", () => {
    const world = worldWith({ gpu: 2 });
    const root = world.root();
    world.run("starting", root, { lane: "gpu" });
    const { child } = stuck(world, "parent", root);
    world.live(60_000);
    expect(child.state).toBe("SCHEDULED");
  });

  it("while another holder waits for what can still end", () => {
    const world = worldWith({ gpu: 2 });
    const root = world.root();
    const other = on(world, "gpu", "other", root);
    const inline = world.run("inline", other);
    world.waits(other, inline);
    const { child } = stuck(world, "parent", root);
    world.live(60_000);
    expect(child.state).toBe("SCHEDULED");
    world.returns(inline);
    world.live(60_000);
    expect(child.state).toBe("SCHEDULED");
    world.returns(other);
    expect(world.begins(child)).toBe(true);
  });

  it.each([
    ["is being written", (world: World, parent: TestRun) => finished(world, world.run("partner", parent))],
    [
      "needs one whose result is being written",
      (world: World, parent: TestRun) =>
        world.run("partner", parent, { needs: [finished(world, world.run("needed", parent))] }),
    ],
    [
      "has a child whose result is being written",
      (world: World, parent: TestRun) => {
        const run = world.run("partner", parent);
        finished(world, world.run("grandchild", run));
        world.returns(run, { assembles: true });
        return run;
      },
    ],
    [
      "is being put together",
      (world: World, parent: TestRun) => {
        const run = world.run("partner", parent);
        const grandchild = finished(world, world.run("grandchild", run));
        world.publish(grandchild);
        world.returns(run, { assembles: true });
        return run;
      },
    ],
    [
      "asks the cache, and waits for one that computes the same and executes",
      (world: World, parent: TestRun) => {
        const run = world.run("partner", parent, { asksCache: true });
        run.follows = world.run("same", parent.parent);
        return run;
      },
    ],
  ])("while its body waits for another as well, which %s", (_, partner) => {
    const world = worldWith({ gpu: 1 });
    for (const command of ["publish", "assemble"] as const) world.holds.add(command);
    const parent = on(world, "gpu", "parent", world.root());
    const child = on(world, "gpu", "child", parent);
    world.waits(parent, child);
    world.waits(parent, partner(world, parent));
    world.live(90_000);
    expect(child.state).toBe("SCHEDULED");
  });

  it("while more failures than are tolerated could still end what its holder waits for", () => {
    const world = worldWith({ gpu: 1 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const map = world.run("map", parent, { tolerate: 1 });
    const elements = ["a", "b"].map((label) => world.run(label, map));
    const queued = on(world, "gpu", "queued", map);
    world.returns(map, { assembles: true });
    world.waits(parent, map);
    world.live(60_000);
    expect(queued.state).toBe("SCHEDULED");
    // From here on only one can fail, which is tolerated.
    world.returns(elements[0]!);
    world.live(60_000);
    expect(queued.state).toBe("FAILED");
  });

  it("for some time after its holder got one of several values: it may go on with that", () => {
    const world = worldWith({ gpu: 1 });
    const parent = on(world, "gpu", "parent", world.root());
    const child = on(world, "gpu", "child", parent);
    const inline = world.run("inline", parent);
    world.waits(parent, child);
    world.waits(parent, inline);
    world.live(60_000);
    world.returns(inline);
    world.live(20_000);
    expect(child.state).toBe("SCHEDULED");
    world.live(20_000);
    expect(child.state).toBe("FAILED");
  });

  it("for a short time after its holder waits again: that was what it went on to", () => {
    const world = worldWith({ gpu: 1 });
    const parent = on(world, "gpu", "parent", world.root());
    const children = ["a", "b"].map((label) => on(world, "gpu", label, parent));
    const inline = world.run("inline", parent);
    world.waits(parent, children[0]!);
    world.waits(parent, inline);
    world.returns(inline);
    world.live(soon);
    world.waits(parent, children[1]!);
    world.live(soon);
    expect(children.map(({ state }) => state)).toContain("FAILED");
  });

  it("however late the clock is looked at: what its holder said meanwhile was not heard yet", () => {
    const world = worldWith({ gpu: 1 });
    const { child } = stuck(world, "parent", world.root());
    world.pass(60_000);
    expect(child.state).toBe("SCHEDULED");
    world.live(soon);
    expect(child.state).toBe("FAILED");
  });

  it("once somebody has come to its help", () => {
    const world = worldWith({ gpu: 2 });
    const root = world.root({ tolerate: 5 });
    const { parents, children } = twoStuck(world, root);
    world.live(600);
    world.cancels(parents[1]!);
    expect(world.begins(children[0]!)).toBe(true);
    world.live(60_000);
    expect(statesOf(parents[0]!, children[0]!)).toEqual({ one: "RUNNING", "child of one": "RUNNING" });
    expect(world.scheduler.nextTick).toBeUndefined();
  });
});

describe("looking for starvation", () => {
  it("asks for no tick where no lane stands still", () => {
    const world = worldWith({ gpu: 2 });
    const root = world.root();
    const parent = on(world, "gpu", "parent", root);
    const child = world.run("child", parent);
    world.waits(parent, child);
    on(world, "gpu", "other", root);
    on(world, "gpu", "queued", root);
    expect(world.scheduler.nextTick).toBeUndefined();
  });

  it("asks for ticks next to those of timeouts", () => {
    const world = worldWith({ gpu: 1 });
    stuck(world, "parent", world.root({ timeout: 100 }));
    expect(world.scheduler.nextTick).toBe(world.now + 100);
    const other = worldWith({ gpu: 1 });
    stuck(other, "parent", other.root({ timeout: 100_000 }));
    expect(other.scheduler.nextTick).toBe(other.now + 500);
  });

  it("does not touch lanes that give places back", () => {
    const world = new World({ lanes: () => ({ limit: 1 }) });
    const { child } = stuck(world, "parent", world.root());
    expect(world.scheduler.nextTick).toBeUndefined();
    expect(world.begins(child)).toBe(true);
  });
});
