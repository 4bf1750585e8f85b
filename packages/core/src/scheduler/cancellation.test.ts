import { describe, expect, it } from "vitest";
import { statesOf, World } from "./testing/world.ts";

describe("cancel", () => {
  it("ends the run and everything below it, whatever it was doing", () => {
    const world = new World({ concurrency: 4 });
    const root = world.root();
    const done = world.run("done", root);
    const running = world.run("running", root);
    const ran = world.run("ran", root);
    const leaf = world.run("leaf", ran);
    const retrying = world.run("retrying", root, { retry: { retries: 1, delay: 100 } });
    const waiting = world.run("waiting", root, { needs: [running] });
    world.returns(done);
    world.returns(ran, { assembles: true });
    world.throws(retrying);
    const scheduled = world.run("scheduled", root);
    const another = world.run("another", root);
    expect(world.cancels(root, "the user pressed Ctrl-C")).toBe(true);
    expect(statesOf(root, done, running, ran, leaf, retrying, waiting, scheduled, another)).toEqual({
      root: "CANCELED",
      done: "RESOLVED",
      running: "CANCELED",
      ran: "CANCELED",
      leaf: "CANCELED",
      retrying: "CANCELED",
      waiting: "CANCELED",
      scheduled: "CANCELED",
      another: "CANCELED",
    });
    expect(root.reason).toBe("the user pressed Ctrl-C");
    expect(leaf.reason).toBe("its ancestor root was canceled: the user pressed Ctrl-C");
    expect(world.ended).toBe(true);
    expect(world.scheduler.running).toBe(0);
  });

  it("tells each executing body once", () => {
    const world = new World();
    const root = world.root();
    const child = world.run("child", root);
    world.returns(world.run("done", root));
    world.cancels(root);
    expect(world.aborted.toSorted()).toEqual(["child#1", "root#1"]);
    expect(world.cancels(child)).toBe(false);
    expect(world.aborted.length).toBe(2);
  });

  it("does nothing to a run that has ended", () => {
    const world = new World();
    const root = world.root();
    world.returns(root);
    expect(world.cancels(root)).toBe(false);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
    const failed = new World();
    const bad = failed.root();
    failed.throws(bad);
    expect(failed.cancels(bad)).toBe(false);
    expect(statesOf(bad)).toEqual({ root: "FAILED" });
  });

  it("of one subtree fails what needs it and leaves the rest alone", () => {
    const world = new World();
    const root = world.root();
    const subtree = world.run("subtree", root);
    const leaf = world.run("leaf", subtree);
    const needs = world.run("needs", root, { needs: [subtree] });
    const other = world.run("other", root);
    world.cancels(subtree, "not needed");
    expect(statesOf(root, subtree, leaf, needs, other)).toEqual({
      root: "RUNNING",
      subtree: "CANCELED",
      leaf: "CANCELED",
      needs: "CANCELED",
      other: "RUNNING",
    });
    expect(needs.reason).toBe("it needs subtree, which was canceled");
    world.returns(root);
    expect(statesOf(root)).toEqual({ root: "NESTED_FAILED" });
    expect(root.failure?.message).toBe("its child subtree was canceled: not needed");
  });

  it("of one subtree is delivered to the body that waits for it, which may go on", () => {
    const world = new World();
    const root = world.root();
    const subtree = world.run("subtree", root);
    world.waits(root, subtree);
    world.cancels(subtree);
    expect(world.delivered.length).toBe(1);
    world.returns(root);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
  });

  it("drops what the bodies still give, and delivers nothing to them", () => {
    const world = new World();
    const root = world.root();
    const child = world.run("child", root);
    world.waits(root, child);
    world.cancels(root);
    expect(world.returns(child)).toBe(false);
    expect(world.throws(root)).toBe(false);
    expect(world.delivered).toEqual([]);
    world.pass(10_000);
    expect(statesOf(root, child)).toEqual({ root: "CANCELED", child: "CANCELED" });
  });
});
