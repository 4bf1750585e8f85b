import type { RunState } from "@reprise/core";
import type { RunnerEvent } from "@reprise/runner";
import { describe, expect, it } from "vitest";
import { painter } from "../terminal/paint.ts";
import { textWidth } from "../terminal/text-width.ts";
import { renderTree } from "./render-tree.ts";
import { RunTree } from "./run-tree.ts";

function change(id: string, parentId: string | null, state: RunState, time: number, more: object = {}): RunnerEvent {
  const funcId = id.replace(/\d+$/, "");
  return { type: "run", id, parentId, funcId, name: funcId, kind: "func", state, attempt: 1, time, ...more };
}

function treeOf(...events: RunnerEvent[]): RunTree {
  const tree = new RunTree();
  for (const event of events) tree.apply(event);
  return tree;
}

const plain = painter(false);

describe("renderTree", () => {
  it("shows state, duration, progress, what is waited for, and failures", () => {
    const tree = treeOf(
      change("pipeline", null, "RUNNING", 0),
      change("load1", "pipeline", "RUNNING", 0),
      change("load1", "pipeline", "RESOLVED", 1_200),
      change("train1", "pipeline", "RUNNING", 1_200, { attempt: 2 }),
      { type: "progress", runId: "train1", progress: { done: 5, total: 10, note: "epoch 5" }, time: 2_000 },
      change("check1", "pipeline", "RUNNING", 1_200),
      change("check1", "pipeline", "FAILED", 1_300, {
        failure: { name: "TypeError", message: "no such column\nmore", classes: [] },
      }),
      change("report1", "pipeline", "CREATED", 1_200, { waitsFor: "train#3f2a8c21" }),
    );
    expect(renderTree(tree, { width: 100, height: 20, now: 3_200, paint: plain })).toEqual([
      "● pipeline  3.2 s",
      "├─ ✔ load  1.2 s",
      "├─ ● train  attempt 2  █████░░░░░ 5/10 epoch 5  2.0 s",
      "├─ ✖ check  failed  100 ms  TypeError: no such column",
      "└─ ◌ report  waiting  waits for train#3f2a8c21",
    ]);
  });

  it("puts many equal siblings into one line with counts, and below it those that say how far they are", () => {
    const tree = treeOf(change("pipeline", null, "RUNNING", 0));
    for (let index = 0; index < 24; index++) {
      tree.apply(change(`train${index}`, "pipeline", index < 22 ? "RUNNING" : "CREATED", 0));
      if (index < 18) tree.apply(change(`train${index}`, "pipeline", index < 16 ? "RESOLVED" : "FAILED", 10));
    }
    tree.apply({ type: "progress", runId: "train20", progress: { done: 1, total: 4, note: null }, time: 5 });
    expect(renderTree(tree, { width: 100, height: 20, now: 2_000, paint: plain })).toEqual([
      "● pipeline  2.0 s",
      "└─ ● train ×24: 16 done, 4 running, 2 waiting, 2 failed ██████▋░░░  2.0 s",
      "   └─ ● train  ██▌░░░░░░░ 1/4  2.0 s",
    ]);
  });

  it("shows of a run that only waits for those below it since when", () => {
    const cache = { status: "CLONED", key: null, originRunId: "3f2a8c21", saved: null, note: null };
    const tree = treeOf(
      change("pipeline", null, "RAN", 0),
      change("load1", "pipeline", "RESOLVED", 5, { cache }),
      change("train1", "pipeline", "RUNNING", 5),
    );
    const frame = { width: 100, height: 20, now: 3_200, paint: plain };
    expect(renderTree(tree, frame)[0]).toBe("◐ pipeline  children running  3.2 s");
    tree.apply(change("train1", "pipeline", "RESOLVED", 2_000));
    tree.apply(change("pipeline", null, "RESOLVED", 2_000));
    expect(renderTree(tree, frame)).toEqual([
      "✔ pipeline  2.0 s",
      "├─ ✔ load  CLONED from 3f2a8c21",
      "└─ ✔ train  2.0 s",
    ]);
  });

  it("says what the cache did for a run, and nothing where it was not asked", () => {
    const none = { key: "ab".repeat(32), originRunId: null, saved: null, note: null };
    const hit = { ...none, status: "HIT", originRunId: "01a1fe5b-958e-7000-a0ea-0dafa375aafb", saved: 12_300 };
    const tree = treeOf(
      change("pipeline", null, "RUNNING", 0),
      change("load1", "pipeline", "RESOLVED", 10, { attempt: 0, cache: hit }),
      change("split1", "pipeline", "RESOLVED", 10, { attempt: 0, cache: { ...hit, saved: 0 } }),
      change("train1", "pipeline", "CREATED", 10, {
        waitsFor: "train#3f2a8c21 of process 7",
        cache: { ...none, status: "WAITING", note: "waits for train#3f2a8c21 of process 7, which computes the same" },
      }),
      change("plain1", "pipeline", "RUNNING", 10, { cache: { ...none, status: "DISABLED" } }),
      change("check1", "pipeline", "RUNNING", 10, { cache: { ...none, status: "DISABLED", note: "no key" } }),
      change("fresh1", "pipeline", "RUNNING", 10, { cache: { ...none, status: "REFRESHED" } }),
      change("stored1", "pipeline", "RUNNING", 10),
      change("stored1", "pipeline", "RESOLVED", 20, { cache: { ...none, status: "MISS" } }),
      change("stored1", "pipeline", "RESOLVED", 30, { cache: { ...none, status: "PUT_FAILED", note: "full" } }),
    );
    expect(renderTree(tree, { width: 100, height: 20, now: 1_010, paint: plain })).toEqual([
      "● pipeline  1.0 s",
      "├─ ✔ load  HIT from a375aafb (saved 12.3 s)",
      "├─ ✔ split  HIT from a375aafb",
      "├─ ◌ train  WAITING  waits for train#3f2a8c21 of process 7",
      "├─ ● plain  1.0 s",
      "├─ ● check  1.0 s  DISABLED",
      "├─ ● fresh  1.0 s  REFRESHED",
      "└─ ✔ stored  10 ms  PUT_FAILED",
    ]);
    expect([tree.size, tree.finished, tree.hits, tree.saved]).toEqual([8, 3, 2, 12_300]);
  });

  it("counts what the cache did for equal siblings, also for those that are forgotten", () => {
    const tree = treeOf(change("pipeline", null, "RUNNING", 0));
    const asked = { key: "ab".repeat(32), originRunId: null, saved: null, note: null };
    const hit = { ...asked, status: "HIT", originRunId: "01a1fe5b-958e-7000-a0ea-0dafa375aafb", saved: 1_000 };
    for (let index = 0; index < 100; index++) {
      const cache = index < 60 ? hit : { ...asked, status: "MISS" };
      tree.apply(change(`item${index}`, "pipeline", "CREATED", 0));
      tree.apply(change(`item${index}`, "pipeline", "RESOLVED", 10, { attempt: 0, cache }));
    }
    // Told when the run has long ended: no new run, and no second end.
    for (let time = 0; time < 2; time += 1) {
      const cache = { ...asked, status: "PUT_FAILED", note: "the disk is full" };
      expect(tree.apply(change("item99", "pipeline", "RESOLVED", 20, { attempt: 1, cache }))).toBeUndefined();
    }
    expect(renderTree(tree, { width: 100, height: 20, now: 1_000, paint: plain })).toEqual([
      "● pipeline  1.0 s",
      "└─ ✔ item ×100: 100 done; 39 MISS, 60 HIT (saved 1 min 0 s), 1 PUT_FAILED  10 ms",
    ]);
    expect([tree.size, tree.finished, tree.hits, tree.saved]).toEqual([101, 100, 60, 60_000]);
  });

  it("gives no time to what was taken over", () => {
    const none = { key: null, originRunId: null, saved: null, note: null };
    const cloned = { ...none, status: "CLONED", originRunId: "01a1fe5b-958e-7000-a0ea-0dafa375aafb", saved: 2_000 };
    const tree = treeOf(
      change("pipeline", null, "RAN", 0),
      change("load", "pipeline", "RESOLVED", 10, { cache: cloned }),
      change("split", "pipeline", "RESOLVED", 10, { cache: { ...none, status: "RESUMED" } }),
      ...Array.from({ length: 9 }, (_, index) => change(`item${index}`, "pipeline", "RESOLVED", 10, { cache: cloned })),
    );
    expect(renderTree(tree, { width: 100, height: 20, now: 1_000, paint: plain })).toEqual([
      "◐ pipeline  children running  1.0 s",
      "├─ ✔ load  CLONED from a375aafb (saved 2.0 s)",
      "├─ ✔ split  RESUMED",
      "└─ ✔ item ×9: 9 done; 9 CLONED  0 ms",
    ]);
  });

  it("fits any height and width, and keeps what is going on", () => {
    const tree = treeOf(change("pipeline", null, "RUNNING", 0));
    for (let step = 0; step < 60; step++) {
      tree.apply(change(`${"abcdefghij"[step % 10]}step${"x".repeat(step)}`, "pipeline", "RUNNING", 0));
      for (let child = 0; child < 4; child++) {
        tree.apply(change(`child${step}x${child}`, `${"abcdefghij"[step % 10]}step${"x".repeat(step)}`, "RESOLVED", 1));
      }
    }
    for (const height of [3, 10, 30, 100, 400]) {
      for (const width of [20, 40, 120]) {
        const lines = renderTree(tree, { width, height, now: 2_000, paint: painter(true) });
        expect(lines.length).toBeLessThanOrEqual(height);
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
      }
    }
    expect(renderTree(tree, { width: 80, height: 10, now: 2_000, paint: plain }).at(-1)).toBe(
      "… 301 runs in all, 240 finished",
    );
  });

  it("hides what is below finished runs before it hides anything else", () => {
    const tree = treeOf(change("pipeline", null, "RUNNING", 0), change("prepare1", "pipeline", "RUNNING", 0));
    for (let part = 0; part < 6; part++) tree.apply(change(`p${"q".repeat(part)}`, "prepare1", "RESOLVED", 1));
    tree.apply(change("prepare1", "pipeline", "RESOLVED", 5));
    tree.apply(change("train1", "pipeline", "RUNNING", 5));
    const frame = { width: 80, now: 10, paint: plain };
    expect(renderTree(tree, { ...frame, height: 20 })).toHaveLength(9);
    expect(renderTree(tree, { ...frame, height: 6 })).toEqual([
      "● pipeline  10 ms",
      "├─ ✔ prepare  5 ms",
      "└─ ● train  5 ms",
    ]);
  });

  it("draws a large fan-out as one line", () => {
    const tree = treeOf(change("pipeline", null, "RUNNING", 0));
    for (let index = 0; index < 50_000; index++) tree.apply(change(`item${index}`, "pipeline", "RUNNING", 0));
    expect(renderTree(tree, { width: 80, height: 20, now: 1_000, paint: plain })[1]).toContain(
      "item ×50,000: 50,000 running",
    );
  });

  it("says what a run waits for, and why it is tried again, as far as the terminal is wide", () => {
    const waitsFor = "a free place of actor embedder: 2 replicas × 1 are taken";
    const failure = { name: "WorkerLostError", message: "its worker process was ended", classes: [] };
    const tree = treeOf(
      change("a", null, "RUNNING", 0),
      change("b", "a", "SCHEDULED", 0, { waitsFor }),
      change("c", "a", "RETRYING", 0, { waitsFor: "a retry in 100 ms", failure }),
    );
    const lines = (width: number) => renderTree(tree, { width, height: 20, now: 3_000, paint: plain }).slice(1);
    expect(lines(120)).toEqual([
      `├─ ○ b  scheduled  waits for ${waitsFor}`,
      "└─ ↻ c  retrying  waits for a retry in 100 ms  WorkerLostError: its worker process was ended",
    ]);
    expect(lines(80)).toEqual([
      "├─ ○ b  scheduled  waits for a free place of actor embedder: 2 repli…",
      expect.stringMatching(/^└─ ↻ c  retrying  waits for a retry in 100 ms  WorkerLostError: .*…$/),
    ]);
  });

  it("says what many equal siblings wait for while none of them is at work", () => {
    const tree = treeOf(change("a", null, "RUNNING", 0));
    for (let index = 0; index < 12; index++) {
      tree.apply(change(`b${index}`, "a", "SCHEDULED", 0, { name: "b", funcId: "b", waitsFor: "a worker process" }));
    }
    const frame = { width: 100, height: 20, now: 1_000, paint: plain };
    expect(renderTree(tree, frame)[1]).toBe("└─ ○ b ×12: 12 scheduled ░░░░░░░░░░  1.0 s  waits for a worker process");
    tree.apply(change("b0", "a", "RUNNING", 900, { name: "b", funcId: "b" }));
    expect(renderTree(tree, frame)[1]).toBe("└─ ● b ×12: 1 running, 11 scheduled ░░░░░░░░░░  1.0 s");
  });

  it("shortens a long name rather than what is said of the run", () => {
    const name = "judge every single one of the many mails";
    const tree = treeOf(
      change("a", null, "RUNNING", 0, { name }),
      { type: "progress", runId: "a", progress: { done: 5, total: 10, note: "half" }, time: 0 },
      change("b", "a", "CREATED", 0, { name, waitsFor: `${name}#3f2a8c21` }),
      ...Array.from({ length: 12 }, (_, index) => change(`c${index}`, "a", "RUNNING", 0, { name })),
    );
    expect(renderTree(tree, { width: 60, height: 20, now: 3_000, paint: plain })).toEqual([
      "● judge every single one of th…  █████░░░░░ 5/10 half  3.0 s",
      "├─ ◌ judge every sin…  waiting  waits for judge every singl…",
      "└─ ● judge every single o… ×12: 12 running ░░░░░░░░░░  3.0 s",
    ]);
  });
});
