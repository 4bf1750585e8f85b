import type { RecordedEdge, RecordedRun } from "@reprise/store";
import { expect, test } from "vitest";
import type { Prior } from "./prior.ts";
import { RecordedCalls } from "./recorded-calls.ts";

/** A recorded call whose argument was the result of another run. */
function callWith(at: number): Prior {
  const edges: Partial<RecordedEdge>[] = [
    { kind: "data", argument: 0, sourceRunId: `source ${at}`, sourcePath: "", artifact: null },
  ];
  const run = { id: `run ${at}`, kind: "func", func: { record: { id: "f" }, key: 0 }, edges, ranAt: 0 };
  return { run: run as unknown as RecordedRun, action: "clone", isTarget: false, ifCalled: true, children: [] };
}

const shape = (at: number): string => `func +source ${at} f`;

test("equal calls answer by where their arguments came from, else in order, each once", () => {
  const priors = [0, 1, 2, 3].map(callWith);
  const calls = new RecordedCalls(priors, () => "equal");
  expect(calls.take("equal", () => shape(2))).toBe(priors[2]);
  expect(calls.take("equal", () => shape(2))).toBe(priors[0]);
  expect(calls.take("other", () => shape(1))).toBeUndefined();
  expect(calls.left).toEqual([priors[1], priors[3]]);
  expect(calls.take("equal", () => undefined)).toBe(priors[1]);
  expect(calls.take("equal", () => shape(0))).toBe(priors[3]);
  expect(calls.take("equal")).toBeUndefined();
});

test("equal calls whose arguments come from elsewhere now cost no search through all of them", () => {
  const count = 50_000;
  const calls = new RecordedCalls(
    Array.from({ length: count }, (_, at) => callWith(at)),
    () => "equal",
  );
  for (let at = 0; at < count; at += 1) {
    expect.assert(calls.take("equal", () => "elsewhere")?.run.id === `run ${at}`);
  }
  expect(calls.left).toEqual([]);
});
