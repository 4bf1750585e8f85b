import { describe, expect, it } from "vitest";
import { gateFor, statesOf, type TestRun, World } from "./testing/world.ts";

function mapOf(world: World, limit: number, count: number, tolerate = 0): { group: TestRun; elements: TestRun[] } {
  const root = world.root();
  const group = world.run("group", root, { tolerate });
  const gate = gateFor(limit);
  const elements = Array.from({ length: count }, (_, at) => world.run(`e${at}`, group, { gate }));
  world.returns(group, { assembles: true });
  world.returns(root, { assembles: true });
  return { group, elements };
}

function states(runs: readonly TestRun[]): string[] {
  return runs.map((run) => run.state);
}

describe("a gate", () => {
  it("lets so many runs of a group through at a time, in order", () => {
    const world = new World();
    const { group, elements } = mapOf(world, 2, 4);
    expect(states(elements)).toEqual(["RUNNING", "RUNNING", "CREATED", "CREATED"]);
    world.returns(elements[1]!);
    expect(states(elements)).toEqual(["RUNNING", "RESOLVED", "RUNNING", "CREATED"]);
    for (const at of [0, 2, 3]) world.returns(elements[at]!);
    expect(group.state).toBe("RESOLVED");
    expect(world.started.slice(2)).toEqual(["e0", "e1", "e2", "e3"]);
  });

  it("is held by a run with children until all of it is finished", () => {
    const world = new World();
    const { elements } = mapOf(world, 1, 2);
    const child = world.run("child", elements[0]);
    world.returns(elements[0]!, { assembles: true });
    expect(states(elements)).toEqual(["RAN", "CREATED"]);
    world.returns(child);
    expect(states(elements)).toEqual(["RESOLVED", "RUNNING"]);
  });

  it("is held through retries", () => {
    const world = new World();
    const root = world.root();
    const group = world.run("group", root);
    const gate = gateFor(1);
    const flaky = world.run("flaky", group, { gate, retry: { retries: 1, delay: 10 } });
    const next = world.run("next", group, { gate });
    world.throws(flaky);
    expect(states([flaky, next])).toEqual(["RETRYING", "CREATED"]);
    world.pass(10);
    expect(states([flaky, next])).toEqual(["RUNNING", "CREATED"]);
    world.returns(flaky);
    expect(states([flaky, next])).toEqual(["RESOLVED", "RUNNING"]);
  });

  it("takes runs whose inputs are there before those that still wait for theirs", () => {
    const world = new World();
    const root = world.root();
    const item = world.run("item", root);
    const group = world.run("group", root);
    const gate = gateFor(1);
    const waiting = world.run("waiting", group, { gate, needs: [item] });
    const ready = world.run("ready", group, { gate });
    expect(states([waiting, ready])).toEqual(["CREATED", "RUNNING"]);
    world.returns(item);
    expect(states([waiting, ready])).toEqual(["CREATED", "RUNNING"]);
    world.returns(ready);
    expect(states([waiting, ready])).toEqual(["RUNNING", "RESOLVED"]);
  });

  it("passes over runs that were canceled while they queued", () => {
    const world = new World();
    const { elements } = mapOf(world, 1, 3, 2);
    world.cancels(elements[1]!);
    world.returns(elements[0]!);
    expect(states(elements)).toEqual(["RESOLVED", "CANCELED", "RUNNING"]);
  });
});

describe("a map that tolerates failures", () => {
  it("goes on after as many as it tolerates", () => {
    const world = new World();
    const { group, elements } = mapOf(world, 1, 4, 2);
    world.throws(elements[0]!);
    world.throws(elements[1]!);
    expect(states(elements)).toEqual(["FAILED", "FAILED", "RUNNING", "CREATED"]);
    world.returns(elements[2]!);
    world.returns(elements[3]!);
    expect(group.state).toBe("RESOLVED");
  });

  it("fails with one more, and cancels the rest", () => {
    const world = new World();
    const { group, elements } = mapOf(world, 1, 4, 1);
    world.throws(elements[0]!);
    world.throws(elements[1]!);
    expect(states(elements)).toEqual(["FAILED", "FAILED", "CANCELED", "CANCELED"]);
    expect(group.state).toBe("NESTED_FAILED");
    expect(group.origin).toBe(elements[1]);
    expect(world.ended).toBe(true);
  });

  it("tolerates elements whose item has no value, but not the item", () => {
    const world = new World();
    const root = world.root();
    const item = world.run("item", root);
    const group = world.run("group", root, { tolerate: 1 });
    const element = world.run("element", group, { needs: [item] });
    world.returns(group, { assembles: true });
    world.waits(root, item);
    world.throws(item);
    expect(statesOf(element, group)).toEqual({ element: "CANCELED", group: "RESOLVED" });
    world.returns(root);
    expect(root.state).toBe("RESOLVED");
  });

  it("tolerates timeouts and nested failures of elements", () => {
    const world = new World();
    const root = world.root();
    const group = world.run("group", root, { tolerate: 2 });
    const late = world.run("late", group, { timeout: 10 });
    const nested = world.run("nested", group);
    const leaf = world.run("leaf", nested);
    world.returns(group, { assembles: true });
    world.returns(nested, { assembles: true });
    world.throws(leaf);
    world.pass(10);
    expect(statesOf(group, late, nested)).toEqual({ group: "RESOLVED", late: "FAILED", nested: "NESTED_FAILED" });
  });
});
