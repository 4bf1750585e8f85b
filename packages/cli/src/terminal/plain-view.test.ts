import type { CacheStatus, RunState } from "@reprise/core";
import type { RunnerEvent } from "@reprise/runner";
import { describe, expect, it } from "vitest";
import { RunTree } from "../tree/run-tree.ts";
import { PlainView } from "./plain-view.ts";

const root = "01a1fe5b-0000-7000-a000-000000000000";
const origin = "01a1fe5b-958e-7000-a0ea-0dafa375aafb";

function change(number: number, state: RunState, time: number, status: CacheStatus, more: object = {}): RunnerEvent {
  const reused = status === "HIT" ? { originRunId: origin, saved: 12_300 } : { originRunId: null, saved: null };
  return {
    type: "run",
    id: `01a1fe5b-0000-7000-a000-${String(number).padStart(12, "0")}`,
    parentId: root,
    funcId: "train",
    name: "train",
    kind: "func",
    state,
    attempt: 1,
    time,
    cache: { status, key: "ab".repeat(32), note: null, ...reused },
    ...more,
  };
}

/** What the view writes for each batch of events. */
function linesOf(...batches: readonly (readonly RunnerEvent[])[]): string[] {
  const tree = new RunTree();
  const written: string[] = [];
  const view = new PlainView({
    tree,
    quiet: false,
    colored: false,
    out: () => {},
    error: (text) => void written.push(...text.trimEnd().split("\n")),
  });
  const parent = { type: "run", id: root, parentId: null, funcId: "p", name: "p", kind: "func" } as const;
  for (const events of [[{ ...parent, state: "RUNNING", attempt: 1, time: 0 } as const], ...batches]) {
    for (const event of events) tree.apply(event);
    view.events(events);
  }
  view.end();
  return written.slice(1);
}

describe("PlainView", () => {
  it("has one line for a result that was reused, and says of whom", () => {
    expect(linesOf([change(1, "RESOLVED", 5, "HIT", { attempt: 0 })])).toEqual([
      "train#00000001: HIT from a375aafb (saved 12.3 s)",
    ]);
  });

  it("has one line for a run that was taken over, or had finished before an interruption", () => {
    const cloned = { status: "CLONED", key: null, originRunId: origin, saved: 0, note: null };
    expect(
      linesOf([
        change(1, "RESOLVED", 5, "RESUMED", { attempt: 1 }),
        change(2, "RESOLVED", 5, "CLONED", { cache: cloned }),
      ]),
    ).toEqual(["train#00000001: RESUMED", "train#00000002: CLONED from a375aafb"]);
  });

  it("says why a body executes, and whom a run waits for", () => {
    const waits = change(2, "CREATED", 1, "WAITING", { waitsFor: "train#00000001 of process 7 on host" });
    expect(
      linesOf(
        [change(1, "RUNNING", 1, "EXPIRED"), waits],
        [change(1, "RESOLVED", 501, "EXPIRED")],
        [change(2, "RESOLVED", 502, "HIT", { attempt: 0 })],
      ),
    ).toEqual([
      "train#00000001: started (EXPIRED)",
      "train#00000002: WAITING for train#00000001 of process 7 on host",
      "train#00000001: done in 500 ms",
      "train#00000002: HIT from a375aafb (saved 12.3 s)",
    ]);
  });

  it("tells the end of a run once, whenever it becomes known that its result was not stored", () => {
    const run = [change(1, "RUNNING", 1, "MISS"), change(1, "RESOLVED", 501, "MISS")];
    const late = change(1, "RESOLVED", 501, "PUT_FAILED");
    const started = "train#00000001: started (MISS)";
    expect(linesOf(run, [late])).toEqual([started, "train#00000001: done in 500 ms"]);
    expect(linesOf([change(1, "RUNNING", 1, "MISS"), late])).toEqual([
      started,
      "train#00000001: done in 500 ms (PUT_FAILED)",
    ]);
  });

  it("keeps hits of many equal siblings to counts", () => {
    const hits = Array.from({ length: 200 }, (_, index) => change(index + 1, "RESOLVED", 5, "HIT", { attempt: 0 }));
    expect(linesOf(hits)).toEqual(["train ×200: 200 done after 0 ms; 200 HIT (saved 41 min 0 s)"]);
  });

  it("keeps runs that were taken over to the first few and a number, before what executes", () => {
    // Of many funcs, so that they are no large group.
    const taken = Array.from({ length: 300 }, (_, index) =>
      change(index + 1, "RESOLVED", 5, index % 2 === 0 ? "CLONED" : "RESUMED", { funcId: `step ${index % 100}` }),
    );
    const lines = linesOf([...taken, change(400, "RUNNING", 6, "MISS", { funcId: "last" })]);
    expect(lines).toHaveLength(22);
    expect(lines[19]).toBe("train#00000020: RESUMED");
    expect(lines.slice(20)).toEqual(["… 280 more taken over", "train#00000400: started (MISS)"]);

    const [start, end] = [taken.slice(0, 21), taken.slice(21)];
    const late = linesOf(start, end, [change(400, "RUNNING", 6, "MISS", { funcId: "last" })]);
    expect(late.slice(20)).toEqual(lines.slice(20));

    // A body that executes again is answered by recorded runs bit by bit: not a line for each bit.
    const bits = taken.flatMap((event, index) => [
      event,
      change(500 + index, "RUNNING", 6, "MISS", { funcId: `x ${index % 100}` }),
    ]);
    const told = linesOf(bits).filter((line) => line.includes("taken over"));
    expect(told).toEqual(Array.from({ length: 14 }, () => "… 20 more taken over"));
  });
});
