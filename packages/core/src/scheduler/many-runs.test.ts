import { describe, expect, it } from "vitest";
import { World } from "./testing/world.ts";

/** More than fit into the arguments of one function call. */
const many = 150_000;

describe("a graph with more runs below one than can be arguments of a function", () => {
  it("can be canceled", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root();
    const group = world.run("group", root);
    const last = [...Array(many).keys()].map((at) => world.run(`${at}`, group)).at(-1);
    world.scheduler.cancel(root, "by the test", world.now);
    expect([root.state, group.state, last?.state]).toEqual(["CANCELED", "CANCELED", "CANCELED"]);
  });

  it("can fail with what all of them need", () => {
    const world = new World();
    const root = world.root();
    const first = world.run("first", root);
    const next = world.run("next", root, { needs: [first] });
    const last = [...Array(many).keys()].map((at) => world.run(`${at}`, root, { needs: [next] })).at(-1);
    world.throws(first);
    expect([next.state, last?.state]).toEqual(["CANCELED", "CANCELED"]);
  });

  it("can be found to stand still", () => {
    const world = new World({ lanes: () => ({ limit: 1, keepsSlot: true }) });
    const root = world.root();
    const parent = world.run("parent", root, { lane: "gpu" });
    world.begins(parent);
    const child = world.run("child", parent, { lane: "gpu" });
    world.waits(parent, child);
    for (let at = 0; at < many; at += 1) world.run(`${at}`, root, { lane: "gpu" });
    world.live(10_000);
    expect(child.failure?.code).toBe("ACTOR_STARVED");
  });
});
