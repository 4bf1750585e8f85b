import { describe, expect, it } from "vitest";
import { statesOf, type TestRun, World } from "./testing/world.ts";

describe("a run", () => {
  it("goes through its states to RESOLVED", () => {
    const world = new World();
    const root = world.root();
    world.returns(root);
    expect(world.changes).toEqual(["root CREATED", "root SCHEDULED", "root RUNNING", "root RESOLVED"]);
    expect(world.ended).toBe(true);
  });

  it("that goes on calling does not hold the children that have ended, but all that have not", () => {
    const world = new World();
    const root = world.root();
    const open: TestRun[] = [];
    for (let number = 0; number < 2_000; number += 1) {
      const child = world.run(`child ${number}`, root);
      if (number % 100 === 0) open.push(child);
      else world.returns(child);
      expect(root.children?.length).toBeLessThan(100);
    }
    world.cancels(root);
    expect(new Set(open.map(({ state }) => state))).toEqual(new Set(["CANCELED"]));
  });

  it("starts when all its inputs are there, not before", () => {
    const world = new World();
    const root = world.root();
    const a = world.run("a", root);
    const b = world.run("b", root);
    const c = world.run("c", root, { needs: [a, b, a] });
    world.returns(a);
    expect(c.state).toBe("CREATED");
    world.returns(b);
    expect(c.state).toBe("RUNNING");
  });

  it("starts at once when its inputs ended before it was made", () => {
    const world = new World();
    const root = world.root();
    const a = world.run("a", root);
    world.returns(a);
    expect(world.run("b", root, { needs: [a] }).state).toBe("RUNNING");
  });

  it("starts only after its input was published", () => {
    const world = new World();
    world.holds.add("publish");
    const root = world.root();
    const a = world.run("a", root);
    const b = world.run("b", root, { needs: [a] });
    world.returns(a);
    expect(statesOf(a, b)).toEqual({ a: "RESOLVED", b: "CREATED" });
    expect(world.run("c", root, { needs: [a] }).state).toBe("CREATED");
    world.publish(a);
    expect(b.state).toBe("RUNNING");
    world.publish(a);
    expect(b.missing).toBe(0);
  });

  it("goes on while an independent sibling still waits", () => {
    const world = new World();
    const root = world.root();
    const slow = world.run("slow", root);
    const afterSlow = world.run("afterSlow", root, { needs: [slow] });
    const fast = world.run("fast", root);
    const afterFast = world.run("afterFast", root, { needs: [fast] });
    world.returns(fast);
    world.returns(afterFast);
    expect(statesOf(slow, afterSlow, fast, afterFast)).toEqual({
      slow: "RUNNING",
      afterSlow: "CREATED",
      fast: "RESOLVED",
      afterFast: "RESOLVED",
    });
  });

  it("lets the first made start first", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const runs = ["a", "b", "c"].map((label) => world.run(label, root));
    world.returns(root, { assembles: true });
    for (const run of runs) world.returns(run);
    expect(world.started).toEqual(["root", "a", "b", "c"]);
  });
});

describe("a run with children", () => {
  it("is finished only when every run that its body started is", () => {
    const world = new World();
    const root = world.root();
    const unused = world.run("unused", root);
    world.returns(root);
    expect(statesOf(root, unused)).toEqual({ root: "RAN", unused: "RUNNING" });
    world.returns(unused);
    expect(root.state).toBe("RESOLVED");
    expect(world.changes).toEqual([
      "root CREATED",
      "root SCHEDULED",
      "root RUNNING",
      "unused CREATED",
      "unused SCHEDULED",
      "unused RUNNING",
      "root RAN",
      "unused RESOLVED",
      "root RESOLVED",
    ]);
  });

  it("is put together when its result holds futures, even if all of them have values", () => {
    const world = new World();
    world.holds.add("assemble");
    const root = world.root();
    const child = world.run("child", root);
    world.returns(child);
    world.returns(root, { assembles: true });
    expect(root.state).toBe("RAN");
    world.assemble(root);
    expect(root.state).toBe("RESOLVED");
  });

  it("does not need to be put together when its result holds none", () => {
    const world = new World();
    world.holds.add("assemble");
    const root = world.root();
    const child = world.run("child", root);
    world.returns(root);
    world.returns(child);
    expect(root.state).toBe("RESOLVED");
  });

  it("waits for a child that is RESOLVED but not published", () => {
    const world = new World();
    world.holds.add("publish");
    const root = world.root();
    const child = world.run("child", root);
    world.returns(root);
    world.returns(child);
    expect(statesOf(root, child)).toEqual({ root: "RAN", child: "RESOLVED" });
    world.publish(child);
    expect(root.state).toBe("RESOLVED");
    expect(world.ended).toBe(false);
    world.publish(root);
    expect(world.ended).toBe(true);
  });

  it("ends deep nests without a deep stack", () => {
    const world = new World();
    const nest = [world.root()];
    for (let depth = 1; depth < 20_000; depth += 1) nest.push(world.run(`n${depth}`, nest[depth - 1]));
    for (const run of nest.slice(0, -1)) world.returns(run, { assembles: true });
    world.returns(nest[nest.length - 1]!);
    expect(nest.every((run) => run.state === "RESOLVED")).toBe(true);
    expect(world.ended).toBe(true);
  });

  it("ends long chains and wide fans in linear time and without a deep stack", () => {
    const world = new World({ concurrency: 8 });
    const root = world.root();
    const open = [world.run("c0", root)];
    for (let at = 1; at < 20_000; at += 1) open.push(world.run(`c${at}`, root, { needs: [open[at - 1]!] }));
    world.throws(open[0]!);
    expect(open.slice(1).every((run) => run.state === "CANCELED")).toBe(true);
    const fan = Array.from({ length: 20_000 }, (_, at) => world.run(`f${at}`, root));
    world.cancels(root);
    expect(fan.every((run) => run.state === "CANCELED")).toBe(true);
  });
});

describe("an answer that nobody asked for", () => {
  it("is dropped when the run has ended", () => {
    const world = new World();
    const root = world.root();
    const child = world.run("child", root);
    world.cancels(root);
    expect(world.returns(child)).toBe(false);
    expect(world.throws(child)).toBe(false);
    world.assemble(child);
    expect(statesOf(root, child)).toEqual({ root: "CANCELED", child: "CANCELED" });
  });

  it("is dropped when the attempt is over", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1 } });
    world.throws(root);
    expect(root.attempt).toBe(2);
    expect(world.returns(root, { attempt: 1 })).toBe(false);
    expect(world.throws(root, { attempt: 1 })).toBe(false);
    expect(root.state).toBe("RUNNING");
    expect(world.returns(root)).toBe(true);
  });

  it("is dropped when the body has given its result already", () => {
    const world = new World();
    const root = world.root();
    world.run("child", root);
    world.returns(root);
    expect(world.returns(root)).toBe(false);
    expect(root.state).toBe("RAN");
  });
});
