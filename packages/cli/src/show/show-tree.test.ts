import { type CacheStatus, cacheStatuses, type Run, type RunCache } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { painter } from "../terminal/paint.ts";
import { showTree } from "./show-tree.ts";

const origin = "01a1fe5b-958e-7000-a0ea-0dafa375aafb";
const options = {
  now: 10_000,
  width: 120,
  paint: painter(false),
  all: false,
  changedCode: new Set<string>(),
  interrupted: false,
};

function cached(status: CacheStatus, more: Partial<RunCache> = {}): RunCache {
  return { status, key: "ab".repeat(32), originRunId: null, saved: null, note: null, ...more };
}

function run(number: number, changes: Partial<Run> = {}): Run {
  const id = (value: number) => `01a1fe5b-0000-7000-a000-${String(value).padStart(12, "0")}`;
  return {
    id: id(number),
    rootId: id(0),
    parentId: number === 0 ? null : id(0),
    parentAttempt: number === 0 ? 0 : 1,
    awaited: false,
    kind: "func",
    func: { id: "step", name: "step", description: null, source: null, file: null, line: null },
    name: "step",
    tags: [],
    position: number,
    state: "RESOLVED",
    attempt: 1,
    options: null,
    createdAt: 0,
    scheduledAt: 0,
    startedAt: 0,
    ranAt: 1_000,
    finishedAt: 1_000,
    output: null,
    failure: null,
    reason: null,
    progress: null,
    cache: cached("DISABLED"),
    ...changes,
  };
}

function hit(number: number, saved: number): Run {
  const cache = cached("HIT", { originRunId: origin, saved });
  return run(number, { attempt: 0, scheduledAt: null, startedAt: null, ranAt: null, cache });
}

describe("showTree", () => {
  it("shows each status that says something, each in its own words", () => {
    const waiting = cached("WAITING", { note: "waits for step#3f2a8c21, which computes the same" });
    const children = [
      run(1),
      hit(2, 12_300),
      run(3, { cache: cached("DISABLED", { note: "not cached: no key\nmore" }) }),
      run(4, { state: "CREATED", startedAt: null, finishedAt: null, cache: waiting }),
      run(5, { cache: cached("LOOKUP_FAILED", { note: "the file is damaged" }) }),
      run(6, { cache: cached("HIT", { originRunId: origin, saved: 0, note: "the body executes all the same" }) }),
    ];
    expect(showTree(run(0), children, options)).toEqual([
      "✔ step  1.0 s  00000000",
      "├─ ✔ step  1.0 s  00000001",
      "├─ ✔ step  HIT from a375aafb (saved 12.3 s)  00000002",
      "├─ ✔ step  1.0 s  DISABLED  00000003  not cached: no key",
      "├─ ◌ step  waiting  10.0 s  WAITING  00000004  waits for step#3f2a8c21, which computes the same",
      "├─ ✔ step  1.0 s  LOOKUP_FAILED  00000005",
      "└─ ✔ step  1.0 s  HIT from a375aafb  00000006",
    ]);
    for (const status of cacheStatuses.filter((known) => known !== "DISABLED")) {
      expect(showTree(run(0, { cache: cached(status) }), [], options)).toEqual([`✔ step  1.0 s  ${status}  00000000`]);
    }
  });

  it("marks runs whose code changed", () => {
    const [root, child] = [run(0), run(1)];
    expect(showTree(root, [root, child], { ...options, changedCode: new Set([child.id]) })).toEqual([
      "✔ step  1.0 s  00000000",
      "└─ ✔ step  1.0 s  00000001  code changed",
    ]);
  });

  it("shows of a run that only waited for those below it how long that took", () => {
    const waited = { startedAt: null, ranAt: null, scheduledAt: null };
    const cloned = cached("CLONED", { originRunId: origin, saved: 0 });
    const children = [run(1, { ...waited, kind: "map", name: "step.map" }), run(2, { ...waited, cache: cloned })];
    expect(showTree(run(0, waited), children, options)).toEqual([
      "✔ step  1.0 s  00000000",
      "├─ ✔ step.map  1.0 s  00000001",
      "└─ ✔ step  CLONED from a375aafb  00000002",
    ]);
  });

  it("does not show as under way what nobody drives any more", () => {
    const unfinished = { finishedAt: null, ranAt: null };
    const children = [
      run(1),
      run(2, { ...unfinished, state: "RUNNING" }),
      run(3, { ...unfinished, state: "CREATED", startedAt: null }),
    ];
    const root = run(0, { state: "RAN", finishedAt: null });
    expect(showTree(root, children, { ...options, interrupted: true })).toEqual([
      "◐ step  children running  00000000",
      "├─ ✔ step  1.0 s  00000001",
      "├─ ! step  interrupted  00000002",
      "└─ ◌ step  waiting  00000003",
    ]);
  });

  it("counts them where equal siblings share a line", () => {
    const children = Array.from({ length: 12 }, (_, index) =>
      index < 10 ? hit(index + 1, 60_000) : run(index + 1, index === 10 ? { cache: cached("MISS") } : {}),
    );
    expect(showTree(run(0), children, options)).toEqual([
      "✔ step  1.0 s  00000000",
      "└─ ✔ step ×12: 12 done  1.0 s  1 MISS, 10 HIT (saved 10 min 0 s)",
    ]);
  });
});
