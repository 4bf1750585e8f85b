import { describe, expect, it } from "vitest";
import { toFailure } from "../failure.ts";
import { gateFor, statesOf, World } from "./testing/world.ts";

describe("a run that asks the cache", () => {
  it("asks when its inputs are there, and executes if there is nothing", () => {
    const world = new World();
    const root = world.root();
    const source = world.run("source", root);
    const run = world.run("run", root, { needs: [source], asksCache: true });
    expect(world.lookups).toEqual([]);
    world.returns(source);
    expect(world.lookups).toEqual(["run"]);
    expect(run.state).toBe("CREATED");
    world.misses(run);
    expect(run.state).toBe("RUNNING");
  });

  it("resolves without an attempt if there is something, and its dependents go on", () => {
    const world = new World();
    const root = world.root();
    const run = world.run("run", root, { asksCache: true });
    const dependent = world.run("dependent", root, { needs: [run] });
    expect(world.hits(run)).toBe(true);
    expect(statesOf(run, dependent)).toEqual({ run: "RESOLVED", dependent: "RUNNING" });
    expect(run.attempt).toBe(0);
    expect(world.started).toEqual(["root", "dependent"]);
    expect(world.changes.filter((change) => change.startsWith("run "))).toEqual(["run CREATED", "run RESOLVED"]);
  });

  it("takes neither a slot nor a place behind the gate while it asks", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const gate = gateFor(1);
    const first = world.run("first", root, { gate, asksCache: true });
    const second = world.run("second", root, { gate, asksCache: true });
    const third = world.run("third", root, { gate, asksCache: true });
    world.returns(root, { assembles: true });
    expect(world.lookups).toEqual(["first", "second", "third"]);
    world.hits(second);
    world.misses(third);
    world.misses(first);
    expect(statesOf(first, second, third)).toEqual({ first: "CREATED", second: "RESOLVED", third: "RUNNING" });
    world.returns(third);
    // Behind the gate it does not ask once more.
    expect(first.state).toBe("RUNNING");
    expect(world.lookups).toHaveLength(3);
  });

  it("asks again before each retry, where a result of somebody else ends it", () => {
    const world = new World();
    const root = world.root();
    const run = world.run("run", root, { asksCache: true, retry: { retries: 3, delay: 10 } });
    world.misses(run);
    world.throws(run);
    expect(run.state).toBe("RETRYING");
    world.pass(10);
    expect(world.lookups).toEqual(["run", "run"]);
    world.misses(run);
    expect(run.attempt).toBe(2);
    world.throws(run);
    world.pass(10_000);
    expect(world.hits(run)).toBe(true);
    expect(run.state).toBe("RESOLVED");
    expect(run.attempt).toBe(2);
    expect(world.announced).not.toContain("run FAILED");
  });

  it("may be canceled while it asks, and the answer comes too late", () => {
    const world = new World();
    const root = world.root();
    const run = world.run("run", root, { asksCache: true });
    world.cancels(root);
    expect(world.hits(run)).toBe(false);
    world.misses(run);
    expect(run.state).toBe("CANCELED");
  });

  it("fails without an attempt if it is refused, and what needs it does not run", () => {
    const world = new World();
    const root = world.root();
    const run = world.run("run", root, { asksCache: true });
    const dependent = world.run("dependent", root, { needs: [run] });
    world.returns(root, { assembles: true });
    world.scheduler.refused(run, toFailure(new Error("it would wait for itself")), run, world.now);
    world.settle();
    expect(statesOf(root, run, dependent)).toEqual({ root: "NESTED_FAILED", run: "FAILED", dependent: "CANCELED" });
    expect(root.failure?.message).toContain("it would wait for itself");
  });
});
