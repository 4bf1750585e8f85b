import { expect, test } from "vitest";
import { calibrate, cheapestLimit, probabilities } from "./calibration.ts";
import { conjugateGradient } from "./conjugate-gradient.ts";
import { fitModel } from "./fit-model.ts";
import { scores } from "./linear-model.ts";
import { seededShuffle } from "./seeded-random.ts";
import { modelGrid, type ModelSettings } from "./settings.ts";
import { sparseMatrix } from "./sparse-matrix.ts";
import type { Dataset } from "./vectorise.ts";

/** Mails of tokens 0 to 9: spam has mostly the first five, good mail mostly the last; each has one of the others too. */
function madeUp(mails: number, seed: number): Dataset {
  const shuffle = seededShuffle(seed);
  const low = [0, 1, 2, 3, 4];
  const high = [5, 6, 7, 8, 9];
  const rows = Array.from({ length: mails }, (_, index) => {
    const [usual, other] = index % 3 === 0 ? [low, high] : [high, low];
    const columns = Uint32Array.from([...shuffle([...usual]).slice(0, 3), shuffle([...other])[0] ?? 0]).sort();
    return { columns, values: new Float32Array(4).fill(0.5) };
  });
  return { features: sparseMatrix(rows, 10), labels: Uint8Array.from(rows, (_, index) => (index % 3 === 0 ? 1 : 0)) };
}

test.each(modelGrid(1))("%o tells mails apart that it has not seen", async (settings) => {
  const model = await fitModel(settings, madeUp(300, 1));
  const unseen = madeUp(150, 2);
  const wrong = scores(model, unseen.features).filter((score, row) => score > 0 !== (unseen.labels[row] === 1));
  expect(wrong).toHaveLength(0);
});

test.each(modelGrid(1))("%o is the same every time", async (settings) => {
  expect(await fitModel(settings, madeUp(100, 1))).toEqual(await fitModel(settings, madeUp(100, 1)));
});

test("naive Bayes has the weights that one computes by hand", async () => {
  const features = sparseMatrix(
    [
      { columns: Uint32Array.of(0), values: Float32Array.of(3) },
      { columns: Uint32Array.of(1), values: Float32Array.of(1) },
    ],
    2,
  );
  const settings: ModelSettings = { model: "naive Bayes", smoothing: 1 };
  const { weights, bias } = await fitModel(settings, { features, labels: Uint8Array.of(1, 0) });
  // Spam: counts 3 + 1 and 0 + 1 of 5; good: 0 + 1 and 1 + 1 of 3.
  expect([...weights]).toEqual([expect.closeTo(Math.log(4 / 5 / (1 / 3))), expect.closeTo(Math.log(1 / 5 / (2 / 3)))]);
  expect(bias).toBe(0);
});

test("logistic regression is where its loss is least", async () => {
  // One mail of each kind, with features 1 and −1: the loss w²/2 + 2·cost·log(1 + e^−w) is least where
  // w = 2·cost / (1 + e^w), which this cost makes 1.
  const features = sparseMatrix(
    [1, -1].map((value) => ({ columns: Uint32Array.of(0), values: Float32Array.of(value) })),
    1,
  );
  const cost = (1 + Math.E) / 2;
  const model = await fitModel({ model: "logistic regression", cost }, { features, labels: Uint8Array.of(1, 0) });
  expect(model.weights[0]).toBeCloseTo(1, 2);
  expect(model.bias).toBeCloseTo(0, 6);
});

test("the support vector machine depends on its seed by little", async () => {
  const [one, two] = await Promise.all(
    [1, 2].map((seed) => fitModel({ model: "support vector machine", cost: 1, seed }, madeUp(100, 1))),
  );
  for (const [column, weight] of one?.weights.entries() ?? []) expect(two?.weights[column]).toBeCloseTo(weight, 1);
});

test("conjugate gradients solve a system of equations", () => {
  // 4x + y = 1, x + 3y = 2
  const apply = ([x = 0, y = 0]: Float64Array) => Float64Array.of(4 * x + y, x + 3 * y);
  const [x, y] = conjugateGradient(apply, Float64Array.of(1, 2), 1e-9);
  expect([x, y]).toEqual([expect.closeTo(1 / 11), expect.closeTo(7 / 11)]);
});

test("calibration makes probabilities that come true", async () => {
  // Of mails that score 1, three of four are spam; of those that score −1, one of four is.
  const labels = Uint8Array.from({ length: 400 }, (_, index) => (index < 200 === (index % 4 !== 0) ? 1 : 0));
  const found = Float64Array.from({ length: 400 }, (_, index) => (index < 200 ? 1 : -1));
  const calibrated = probabilities(found, await calibrate(found, labels));
  expect(calibrated[0]).toBeCloseTo(0.75, 2);
  expect(calibrated[399]).toBeCloseTo(0.25, 2);
});

test("the dearer a lost mail, the surer one must be", () => {
  expect(cheapestLimit(1)).toBe(0.5);
  expect(cheapestLimit(9)).toBe(0.9);
});
