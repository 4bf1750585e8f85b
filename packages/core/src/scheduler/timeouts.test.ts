import { describe, expect, it } from "vitest";
import { statesOf, World } from "./testing/world.ts";

describe("a timeout", () => {
  it("fails a run that is not finished in time and says whose time ran out", () => {
    const world = new World();
    const root = world.root({ timeout: 100 });
    world.pass(99);
    expect(statesOf(root)).toEqual({ root: "RUNNING" });
    world.pass(1);
    expect(statesOf(root)).toEqual({ root: "FAILED" });
    expect(root.failure).toMatchObject({ name: "TimeoutError", code: "TIMEOUT" });
    expect(root.failure?.message).toMatch(/^root did not finish within its timeout of 100 ms\./);
    expect(world.aborted).toEqual(["root#1"]);
    expect(world.returns(root)).toBe(false);
  });

  it("counts the wait for a slot", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const queued = world.run("queued", root, { timeout: 50 });
    expect(statesOf(queued)).toEqual({ queued: "SCHEDULED" });
    world.pass(50);
    expect(statesOf(queued)).toEqual({ queued: "FAILED" });
    expect(world.started).toEqual(["root"]);
  });

  it("does not count the wait for inputs", () => {
    const world = new World();
    const root = world.root();
    const slow = world.run("slow", root);
    const next = world.run("next", root, { needs: [slow], timeout: 50 });
    world.pass(500);
    world.returns(slow);
    expect(statesOf(next)).toEqual({ next: "RUNNING" });
    world.pass(49);
    world.returns(next);
    expect(statesOf(next)).toEqual({ next: "RESOLVED" });
  });

  it("counts children, also when the body is done", () => {
    const world = new World();
    const root = world.root({ timeout: 100 });
    const child = world.run("child", root);
    world.returns(root, { assembles: true });
    world.pass(100);
    expect(statesOf(root, child)).toEqual({ root: "FAILED", child: "CANCELED" });
    expect(child.reason).toBe("the timeout of 100 ms of its ancestor root ran out");
  });

  it("means nothing for a run that ended in time", () => {
    const world = new World();
    const root = world.root();
    const child = world.run("child", root, { timeout: 100 });
    world.returns(child);
    world.pass(1_000);
    expect(statesOf(root, child)).toEqual({ root: "RUNNING", child: "RESOLVED" });
  });

  it("of the tightest counts: an ancestor's before the run's own", () => {
    const world = new World();
    const root = world.root();
    const middle = world.run("middle", root, { timeout: 50 });
    const leaf = world.run("leaf", middle, { timeout: 80 });
    world.returns(root, { assembles: true });
    world.waits(middle, leaf);
    world.pass(50);
    expect(statesOf(root, middle, leaf)).toEqual({ root: "NESTED_FAILED", middle: "FAILED", leaf: "CANCELED" });
    expect(leaf.reason).toContain("its ancestor middle");
    expect(root.origin).toBe(middle);
  });

  it("of the tightest counts: the run's own before an ancestor's", () => {
    const world = new World();
    const root = world.root({ timeout: 80 });
    const leaf = world.run("leaf", root, { timeout: 50 });
    world.returns(root, { assembles: true });
    world.pass(50);
    expect(statesOf(root, leaf)).toEqual({ root: "NESTED_FAILED", leaf: "FAILED" });
  });

  it("of the tightest counts, however late the clock is looked at", () => {
    const world = new World();
    const root = world.root({ timeout: 80 });
    const leaf = world.run("leaf", root, { timeout: 50 });
    world.returns(root, { assembles: true });
    world.pass(500);
    expect(statesOf(root, leaf)).toEqual({ root: "NESTED_FAILED", leaf: "FAILED" });
    expect(root.origin).toBe(leaf);
  });

  it("of two at the same moment the outermost counts", () => {
    const world = new World();
    const root = world.root({ timeout: 100 });
    // Its deadline, earlier than the others, turns their order in the heap.
    const early = world.run("early", root, { timeout: 50 });
    const leaf = world.run("leaf", root, { timeout: 100 });
    world.returns(early);
    world.returns(root, { assembles: true });
    world.pass(100);
    expect(statesOf(root, leaf)).toEqual({ root: "FAILED", leaf: "CANCELED" });
  });

  it("of two siblings at the same moment fails both", () => {
    const world = new World();
    const root = world.root();
    const a = world.run("a", root, { timeout: 100 });
    const b = world.run("b", root, { timeout: 100 });
    world.pass(100);
    expect(statesOf(root, a, b)).toEqual({ root: "RUNNING", a: "FAILED", b: "FAILED" });
  });

  it("can be retried, with a clock that starts again", () => {
    const world = new World();
    const root = world.root({ timeout: 100, retry: { retries: 1, exceptions: ["TimeoutError"], delay: 30 } });
    world.pass(100);
    expect(statesOf(root)).toEqual({ root: "RETRYING" });
    world.pass(30);
    expect(statesOf(root)).toEqual({ root: "RUNNING" });
    world.pass(99);
    expect(statesOf(root)).toEqual({ root: "RUNNING" });
    world.returns(root);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
  });

  it("ends every attempt that takes too long", () => {
    const world = new World();
    const root = world.root({ timeout: 100, retry: { retries: 2 } });
    for (const state of ["RUNNING", "RUNNING", "FAILED"]) {
      world.pass(100);
      expect(statesOf(root)).toEqual({ root: state });
    }
    expect(root.attempt).toBe(3);
  });

  it("can be retried while the run still queues for a slot, and then runs once", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const queued = world.run("queued", root, { timeout: 100, retry: { retries: 1 } });
    world.pass(100);
    expect(statesOf(queued)).toEqual({ queued: "SCHEDULED" });
    expect(queued.attempt).toBe(2);
    world.returns(root, { assembles: true });
    expect(world.started).toEqual(["root", "queued"]);
    world.returns(queued);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
    expect(world.started).toEqual(["root", "queued"]);
  });

  it("of an ancestor goes on while a run below it is retried", () => {
    const world = new World();
    const root = world.root({ timeout: 100 });
    const flaky = world.run("flaky", root, { retry: { retries: 9, delay: 60, factor: 1 } });
    world.waits(root, flaky);
    world.throws(flaky);
    world.pass(60);
    world.throws(flaky);
    world.pass(40);
    expect(statesOf(root, flaky)).toEqual({ root: "FAILED", flaky: "CANCELED" });
  });

  it("of a child that the body waits for is delivered to it", () => {
    const world = new World();
    const root = world.root();
    const slow = world.run("slow", root, { timeout: 10 });
    world.waits(root, slow);
    world.pass(10);
    expect(world.delivered.length).toBe(1);
    world.returns(root);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
  });
});
