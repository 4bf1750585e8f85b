import { expect, test } from "vitest";
import { judge } from "./metrics.ts";
import { areaUnder, corners, rocCurve } from "./roc.ts";

// By hand: of four spam mails three are above 0.5; of six good ones, one is.
const probabilities = Float64Array.of(0.9, 0.8, 0.7, 0.2, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05);
const labels = Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 0, 0, 0);

test("counts and rates", () => {
  const metrics = judge(probabilities, labels, 0.5, 10);
  expect(metrics.confusion).toEqual({ spamCaught: 3, spamMissed: 1, goodLost: 1, goodKept: 5 });
  expect(metrics.accuracy).toBeCloseTo(8 / 10);
  expect(metrics.precision).toBeCloseTo(3 / 4);
  expect(metrics.recall).toBeCloseTo(3 / 4);
  expect(metrics.falsePositiveRate).toBeCloseTo(1 / 6);
  expect(metrics.f1).toBeCloseTo(3 / 4);
  expect(metrics.cost).toBe(1 + 10);
});

test("a probability at the limit is not spam", () => {
  expect(judge(probabilities, labels, 0.6, 1).confusion.goodLost).toBe(0);
});

test("the area under the curve is the chance that spam scores higher, a tie counting half", () => {
  // Three spam mails beat all six good ones; the fourth beats two and ties with one.
  expect(areaUnder(rocCurve(probabilities, labels))).toBeCloseTo((18 + 2 + 0.5) / 24);
});

test("the curve goes from nothing to everything, and equal scores are one step", () => {
  const curve = rocCurve(Float64Array.of(1, 1, 1, 0), Uint8Array.of(1, 0, 1, 0));
  expect(curve.map(({ truePositives, falsePositives }) => [truePositives, falsePositives])).toEqual([
    [0, 0],
    [2, 1],
    [2, 2],
  ]);
});

test("a drawing needs the corners only", () => {
  const curve = rocCurve(Float64Array.of(4, 3, 2, 1), Uint8Array.of(1, 1, 0, 0));
  expect(curve).toHaveLength(5);
  expect(
    corners(curve).map(({ truePositiveRate, falsePositiveRate }) => [falsePositiveRate, truePositiveRate]),
  ).toEqual([
    [0, 0],
    [0, 1],
    [1, 1],
  ]);
  expect(areaUnder(corners(curve))).toBe(1);
});

test("refuses mail of one kind", () => {
  expect(() => rocCurve(Float64Array.of(1), Uint8Array.of(1))).toThrow(RangeError);
});
