import type { RunState } from "@reprise/core";
import type { RunnerEvent } from "@reprise/runner";
import { describe, expect, it } from "vitest";
import { RunTree } from "./run-tree.ts";

function change(id: string, parentId: string | null, state: RunState, time: number, more: object = {}): RunnerEvent {
  const funcId = id.replace(/\d+$/, "");
  return { type: "run", id, parentId, funcId, name: funcId, kind: "func", state, attempt: 1, time, ...more };
}

describe("RunTree", () => {
  it("knows states, times and counts of nested runs", () => {
    const tree = new RunTree();
    tree.apply(change("root", null, "CREATED", 0));
    tree.apply(change("root", null, "RUNNING", 10));
    tree.apply(change("step1", "root", "CREATED", 11, { waitsFor: "a slot" }));
    expect(tree.node("step1")?.waitsFor).toBe("a slot");
    tree.apply(change("step1", "root", "RUNNING", 12));
    tree.apply({ type: "progress", runId: "step1", progress: { done: 1, total: 2, note: null }, time: 13 });
    expect(tree.node("step1")).toMatchObject({ waitsFor: null, startedAt: 12, progress: { done: 1, total: 2 } });
    tree.apply(change("step1", "root", "RESOLVED", 20));
    expect(tree.node("step1")).toMatchObject({ state: "RESOLVED", finishedAt: 20 });
    expect(tree.size).toBe(2);
    expect(tree.finished).toBe(1);
  });

  it("takes in a run of which it only hears the end", () => {
    const tree = new RunTree();
    tree.apply(change("root", null, "RESOLVED", 5));
    expect(tree.finished).toBe(1);
  });

  it("counts what was taken over and what executed, each run once", () => {
    const tree = new RunTree();
    const none = { key: null, originRunId: null, saved: null, note: null };
    tree.apply(change("root", null, "RAN", 0));
    tree.apply(change("a1", "root", "RESOLVED", 1, { cache: { ...none, status: "CLONED", saved: 5 } }));
    tree.apply(change("b1", "root", "RESOLVED", 1, { cache: { ...none, status: "RESUMED" } }));
    tree.apply(change("c1", "root", "RUNNING", 1));
    tree.apply(change("c1", "root", "RETRYING", 2));
    tree.apply(change("c1", "root", "RUNNING", 3, { attempt: 2 }));
    tree.apply(change("d1", "root", "RUNNING", 1, { kind: "map" }));
    expect(tree.takeOver).toEqual({ cloned: 1, resumed: 1, executed: 1 });
    expect([tree.hits, tree.saved]).toEqual([0, 0]);
  });

  it("forgets finished members of large groups and what is below them, but not their counts", () => {
    const tree = new RunTree();
    tree.apply(change("root", null, "RUNNING", 0));
    for (let index = 0; index < 1_000; index++) {
      tree.apply(change(`item${index}`, "root", "RUNNING", index));
      tree.apply(change(`part${index}`, `item${index}`, "RUNNING", index));
      tree.apply(change(`part${index}`, `item${index}`, "RESOLVED", index));
      tree.apply(change(`item${index}`, "root", index % 10 === 0 ? "FAILED" : "RESOLVED", index));
    }
    const group = tree.node("root")?.groups.get("func item");
    expect(group?.size).toBe(1_000);
    expect(group?.counts.get("RESOLVED")).toBe(900);
    expect(group?.counts.get("FAILED")).toBe(100);
    expect(group?.members.size).toBeLessThanOrEqual(51);
    expect(tree.node("part999")).toBeUndefined();
    expect(tree.size).toBe(2_001);
    expect(tree.failures).toHaveLength(10);
  });

  it("marks what is unfinished when the process is gone, and leaves the rest", () => {
    const tree = new RunTree();
    tree.apply({ type: "pipeline", id: "root", funcId: "root", name: "root", state: "RUNNING", time: 0 });
    tree.apply(change("root", null, "RUNNING", 0));
    tree.apply(change("a1", "root", "RESOLVED", 1));
    tree.apply(change("b1", "root", "RUNNING", 1));
    tree.cancelAll("killed", 9);
    expect(tree.node("a1")?.state).toBe("RESOLVED");
    expect(tree.node("b1")).toMatchObject({ state: "CANCELED", reason: "killed" });
    expect(tree.pipelines.get("root")).toMatchObject({ state: "CANCELED", finishedAt: 9 });
    expect(tree.finished).toBe(3);
  });
});
