import { describe, expect, it } from "vitest";
import { toFailure } from "../failure.ts";
import { gateFor, statesOf, TestRun, type TestRunOptions, World } from "./testing/world.ts";

/** A run that the scheduler does not know yet. */
function made(world: World, label: string, parent: TestRun | null = null, options: TestRunOptions = {}): TestRun {
  return new TestRun(label, parent, options, world);
}

/** A root whose body had returned, with children that are made by `children`. */
function adopted(world: World, children: (root: TestRun) => void, options: TestRunOptions = {}): TestRun {
  const root = made(world, "root", null, options);
  world.scheduler.adoptReturned(root, { attempt: 1 }, true, world.now);
  children(root);
  world.scheduler.childrenAdopted(root, world.now);
  world.settle();
  return root;
}

describe("a run with a recorded result", () => {
  it("is there at once for others, and nobody hears of it", () => {
    const world = new World();
    const source = made(world, "source");
    let dependent: TestRun | undefined;
    adopted(world, (root) => {
      world.scheduler.adoptResolved(source);
      dependent = world.run("dependent", root, { needs: [source] });
    });
    expect(dependent?.state).toBe("RUNNING");
    expect(world.announced).not.toContain("source RESOLVED");
  });

  it("ends the pipeline run if it is the root", () => {
    const world = new World();
    world.scheduler.adoptResolved(made(world, "root"));
    world.settle();
    expect(world.ended).toBe(true);
  });

  it("is waited for by nobody", () => {
    const world = new World();
    const root = world.root();
    const child = made(world, "child", root);
    world.scheduler.adoptResolved(child);
    expect(world.waits(root, child)).toBeUndefined();
    world.returns(root);
    expect(root.state).toBe("RESOLVED");
  });
});

describe("a run whose body had returned", () => {
  it("waits for its children without executing", () => {
    const world = new World();
    let child: TestRun | undefined;
    const root = adopted(world, (parent) => (child = world.run("child", parent)));
    expect(root.state).toBe("RAN");
    expect(world.started).toEqual(["child"]);
    world.returns(child as TestRun);
    expect(root.state).toBe("RESOLVED");
  });

  it("is put together at once if all of its children are there", () => {
    const world = new World();
    const root = adopted(world, (parent) => world.scheduler.adoptResolved(made(world, "child", parent)));
    expect(root.state).toBe("RESOLVED");
  });

  it("fails with a child, and tolerates as many as it may", () => {
    const world = new World();
    const children: TestRun[] = [];
    const root = adopted(
      world,
      (parent) => {
        for (const label of ["a", "b"]) children.push(world.run(label, parent));
      },
      { tolerate: 1 },
    );
    world.throws(children[0] as TestRun);
    expect(root.state).toBe("RAN");
    world.throws(children[1] as TestRun);
    expect(root.state).toBe("NESTED_FAILED");
  });

  it("waits for all of its children, though one that had failed and was handled ends before the next is there", () => {
    const world = new World();
    const failure = toFailure(new Error("handled before"));
    const children: TestRun[] = [];
    const root = adopted(world, (parent) => {
      const failed = made(world, "failed", parent);
      failed.handled = true;
      failed.asksCache = true;
      world.scheduler.create(failed, [], world.now);
      world.scheduler.refused(failed, failure, failed, world.now);
      children.push(failed, world.run("last", parent));
    });
    expect(statesOf(root, ...children)).toEqual({ root: "RAN", failed: "FAILED", last: "RUNNING" });
    world.returns(children[1] as TestRun);
    expect(root.state).toBe("RESOLVED");
  });

  it("holds its place behind a gate until it ends", () => {
    const world = new World();
    const gate = gateFor(1);
    const group = world.root();
    const inner = made(world, "inner", group, { gate });
    world.scheduler.adoptReturned(inner, { attempt: 1 }, false, world.now);
    const child = world.run("child", inner);
    world.scheduler.childrenAdopted(inner, world.now);
    const next = world.run("next", group, { gate });
    expect(next.state).toBe("CREATED");
    world.returns(child);
    expect(statesOf(inner, next)).toEqual({ inner: "RESOLVED", next: "RUNNING" });
  });

  it("can be one that has asked for a recorded result", () => {
    const world = new World();
    const root = world.root();
    const asks = world.run("asks", root, { asksCache: true });
    world.scheduler.adoptReturned(asks, { attempt: 1 }, false, world.now);
    const child = world.run("child", asks);
    world.scheduler.childrenAdopted(asks, world.now);
    world.returns(root);
    expect(statesOf(root, asks)).toEqual({ root: "RAN", asks: "RAN" });
    world.returns(child);
    expect(statesOf(root, asks)).toEqual({ root: "RESOLVED", asks: "RESOLVED" });
  });

  it("has the rest of its timeout", () => {
    const world = new World();
    const root = made(world, "root", null, { timeout: 100 });
    world.scheduler.adoptReturned(root, { attempt: 1, since: world.now - 60 }, true, world.now);
    world.run("child", root);
    world.scheduler.childrenAdopted(root, world.now);
    world.pass(39);
    expect(root.state).toBe("RAN");
    world.pass(1);
    expect(root.state).toBe("FAILED");
  });
});

describe("a run that goes on", () => {
  it("executes the attempt that was interrupted again, under its number and with the rest of its timeout", () => {
    const world = new World();
    const run = made(world, "run", null, { timeout: 100, retry: { retries: 2 } });
    world.scheduler.create(run, [], world.now, { attempt: 1, since: world.now - 70 });
    world.settle();
    expect(run.attempt).toBe(2);
    world.pass(30);
    // The next attempt has all of it.
    expect(statesOf(run)).toEqual({ run: "RUNNING" });
    expect([run.attempt, run.failure]).toEqual([3, undefined]);
    world.pass(99);
    expect(run.state).toBe("RUNNING");
    world.pass(1);
    expect(run.state).toBe("FAILED");
  });

  it("waits for the moment of its next attempt", () => {
    const world = new World();
    const run = made(world, "run", null, { retry: { retries: 2 } });
    world.scheduler.create(run, [], world.now, { attempt: 1, retryAt: world.now + 50 });
    world.settle();
    expect(run.state).toBe("RETRYING");
    world.pass(49);
    expect(world.started).toEqual([]);
    world.pass(1);
    expect([run.state, run.attempt]).toEqual(["RUNNING", 2]);
  });

  it("holds its place behind a gate while it waits for that", () => {
    const world = new World();
    const gate = gateFor(1);
    const group = world.root();
    const flaky = made(world, "flaky", group, { gate, retry: { retries: 2 } });
    world.scheduler.create(flaky, [], world.now, { attempt: 1, retryAt: world.now + 50 });
    const next = world.run("next", group, { gate });
    expect(statesOf(flaky, next)).toEqual({ flaky: "RETRYING", next: "CREATED" });
    world.pass(50);
    expect(statesOf(flaky, next)).toEqual({ flaky: "RUNNING", next: "CREATED" });
    world.returns(flaky);
    expect(statesOf(flaky, next)).toEqual({ flaky: "RESOLVED", next: "RUNNING" });
  });

  it("executes at once if that moment is over", () => {
    const world = new World();
    const run = made(world, "run", null, { retry: { retries: 2 } });
    world.scheduler.create(run, [], world.now, { attempt: 2, retryAt: world.now - 50 });
    world.pass(0);
    expect([run.state, run.attempt]).toEqual(["RUNNING", 3]);
  });
});
