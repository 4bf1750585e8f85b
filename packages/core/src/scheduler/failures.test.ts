import { describe, expect, it } from "vitest";
import { gateFor, statesOf, World } from "./testing/world.ts";

describe("a failure", () => {
  it("fails the run and, as NESTED_FAILED, everyone above it", () => {
    const world = new World();
    const root = world.root();
    const middle = world.run("middle", root);
    const leaf = world.run("leaf", middle);
    world.returns(root, { assembles: true });
    world.returns(middle, { assembles: true });
    world.throws(leaf);
    expect(statesOf(root, middle, leaf)).toEqual({ root: "NESTED_FAILED", middle: "NESTED_FAILED", leaf: "FAILED" });
    expect([root.origin, middle.origin, leaf.origin]).toEqual([leaf, leaf, leaf]);
    expect(root.failure?.message).toBe("its child leaf failed: leaf broke");
    expect(world.ended).toBe(true);
  });

  it("cancels siblings that have not ended, with the reason, and leaves those that have", () => {
    const world = new World();
    const root = world.root();
    const done = world.run("done", root);
    const busy = world.run("busy", root);
    const waiting = world.run("waiting", root, { needs: [busy] });
    const bad = world.run("bad", root);
    world.returns(done);
    world.returns(root, { assembles: true });
    world.throws(bad);
    expect(statesOf(root, done, busy, waiting, bad)).toEqual({
      root: "NESTED_FAILED",
      done: "RESOLVED",
      busy: "CANCELED",
      waiting: "CANCELED",
      bad: "FAILED",
    });
    expect([busy.reason, waiting.reason]).toEqual(["bad failed", "bad failed"]);
    expect(world.aborted).toEqual(["bad#1", "busy#1"]);
  });

  it("keeps runs that need the value from running, however far away", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    const second = world.run("second", root, { needs: [bad] });
    const third = world.run("third", root, { needs: [second] });
    world.throws(bad);
    expect(statesOf(second, third)).toEqual({ second: "CANCELED", third: "CANCELED" });
    expect(second.reason).toBe("it needs bad, which failed");
    expect([second.origin, third.origin]).toEqual([bad, bad]);
    expect(world.started).toEqual(["root", "bad"]);
  });

  it("keeps a run that is made later from running, too", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    world.throws(bad);
    const late = world.run("late", root, { needs: [bad] });
    expect(statesOf(late)).toEqual({ late: "CANCELED" });
    expect(late.origin).toBe(bad);
  });

  it("lets the body go on; it fails when it ends without having handled it", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    world.throws(bad);
    expect(root.state).toBe("RUNNING");
    const more = world.run("more", root);
    world.returns(root);
    expect(statesOf(root, more)).toEqual({ root: "NESTED_FAILED", more: "CANCELED" });
  });

  it("does not end a body whose own error comes first", () => {
    const world = new World();
    const root = world.root();
    const child = world.run("child", root);
    world.throws(root);
    expect(statesOf(root, child)).toEqual({ root: "FAILED", child: "CANCELED" });
    expect(child.reason).toBe("root failed");
    expect(world.returns(child)).toBe(false);
  });

  it("of a run whose result cannot be put together fails that run", () => {
    const world = new World();
    world.holds.add("assemble");
    const root = world.root();
    world.returns(root, { assembles: true });
    expect(root.state).toBe("RAN");
    world.throws(root, { error: new Error("no such part") });
    expect(statesOf(root)).toEqual({ root: "FAILED" });
    expect(root.failure?.message).toBe("no such part");
  });
});

describe("a failure that a body waited for", () => {
  it("is handled: the parent may go on to a value", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    const wait = world.waits(root, bad);
    world.throws(bad);
    expect(world.delivered).toEqual([wait]);
    world.returns(root);
    expect(root.state).toBe("RESOLVED");
  });

  it("is handled also when it had ended before", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    world.throws(bad);
    expect(world.waits(root, bad)).toBeUndefined();
    world.returns(root);
    expect(root.state).toBe("RESOLVED");
  });

  it("fails the parent as NESTED_FAILED if the body passes it on, whatever its retries", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 5 } });
    const bad = world.run("bad", root);
    world.waits(root, bad);
    world.throws(bad);
    world.throws(root, { child: bad });
    expect(statesOf(root)).toEqual({ root: "NESTED_FAILED" });
    expect(root.attempt).toBe(1);
    expect(root.origin).toBe(bad);
  });

  it("does not excuse the failure of another child", () => {
    const world = new World();
    const root = world.root();
    const seen = world.run("seen", root);
    const unseen = world.run("unseen", root);
    world.waits(root, seen);
    world.throws(seen);
    world.throws(unseen);
    world.returns(root);
    expect(root.state).toBe("NESTED_FAILED");
    expect(root.origin).toBe(unseen);
  });

  it("cannot be part of the parent's result", () => {
    const world = new World();
    world.holds.add("assemble");
    const root = world.root();
    const bad = world.run("bad", root);
    world.waits(root, bad);
    world.throws(bad);
    world.returns(root, { assembles: true });
    world.scheduler.unassembled(root, bad, world.now);
    world.settle();
    expect(statesOf(root)).toEqual({ root: "NESTED_FAILED" });
    expect(root.origin).toBe(bad);
  });

  it("covers the sibling where it began, whichever of the two is waited for", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    const needs = world.run("needs", root, { needs: [bad] });
    world.waits(root, needs);
    world.throws(bad);
    world.returns(root);
    expect(root.state).toBe("RESOLVED");

    const other = new World();
    const parent = other.root();
    const source = other.run("source", parent);
    const dependent = other.run("dependent", parent, { needs: [source] });
    other.throws(source);
    expect(other.waits(parent, dependent)).toBeUndefined();
    other.returns(parent);
    expect(parent.state).toBe("RESOLVED");
  });

  it("covers the item whose failure failed the map that is waited for", () => {
    const world = new World();
    const root = world.root();
    const item = world.run("item", root);
    const group = world.run("group", root);
    const element = world.run("element", group, { needs: [item] });
    world.returns(group, { assembles: true });
    world.waits(root, group);
    world.throws(item);
    expect(statesOf(group, element)).toEqual({ group: "NESTED_FAILED", element: "CANCELED" });
    world.returns(root);
    expect(root.state).toBe("RESOLVED");
  });

  it("is not handled by a body that has ended without waiting for the answer", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    const needs = world.run("needs", root, { needs: [bad] });
    world.waits(root, bad);
    world.waits(root, needs);
    world.returns(root);
    expect(root.state).toBe("RAN");
    world.throws(bad);
    expect(statesOf(root, needs)).toEqual({ root: "NESTED_FAILED", needs: "CANCELED" });
  });

  it("is not handled by a run of another body that needs it", () => {
    const world = new World();
    const root = world.root();
    const bad = world.run("bad", root);
    const group = world.run("group", root, { tolerate: 1 });
    const element = world.run("element", group, { needs: [bad], gate: gateFor(1) });
    world.returns(group, { assembles: true });
    world.throws(bad);
    expect(statesOf(element, group)).toEqual({ element: "CANCELED", group: "RESOLVED" });
    world.returns(root);
    expect(root.state).toBe("NESTED_FAILED");
  });
});
