import { expect, test } from "vitest";
import { judge } from "./metrics.ts";
import { worstMistakes } from "./mistakes.ts";
import { makeReport, type ReportInput } from "./report.ts";
import type { ModelSettings } from "./settings.ts";
import { textTable } from "./text-table.ts";

const labels = Uint8Array.of(1, 1, 0, 0);
const probabilities = Float64Array.of(0.9, 0.2, 0.7, 0.1);
const subjects = ["Buy now", "Hello", "Offer", "Minutes"];
const mails = subjects.map((subject, row) => ({
  id: `a/${row}`,
  spam: labels[row] === 1,
  subject,
  tokens: "",
  marks: "",
  letters: "",
}));
const chosen: ModelSettings = { model: "naive Bayes", smoothing: 1 };
const metrics = judge(probabilities, labels, 0.5, 2);
const input: ReportInput = {
  trials: [
    { settings: { model: "logistic regression", cost: 1 }, metrics: { ...metrics, cost: 1 } },
    { settings: chosen, metrics },
  ],
  chosen,
  test: { metrics, probabilities, labels, mistakes: worstMistakes(mails, probabilities, 0.5) },
  tellTales: { spam: "buy", good: "minutes" },
};

test("finds the mistakes of both kinds, worst first", () => {
  const found = worstMistakes(mails, Float64Array.of(0.4, 0.2, 0.7, 0.8), 0.5);
  expect(found.goodLost.map(({ subject }) => subject)).toEqual(["Minutes", "Offer"]);
  expect(found.spamMissed.map(({ subject }) => subject)).toEqual(["Hello", "Buy now"]);
  expect(worstMistakes(mails, Float64Array.of(0.4, 0.2, 0.7, 0.8), 0.5, 1).spamMissed).toHaveLength(1);
});

test("reports rates, tables and mistakes", () => {
  const report = makeReport(input);
  expect(report.accuracy).toBe(0.5);
  expect(report.falsePositiveRate).toBe(0.5);
  expect(report.text).toContain("Chosen: naive Bayes, smoothing 1. On 4 held-out mails:\n  50.0 % judged rightly");
  expect(report.text).toMatch(/ spam +1 +1\n +good +1 +1\n/);
  // The cheapest model comes first; the star is at the chosen one.
  expect(report.text).toMatch(/ {5}logistic regression, cost 1 .*\n {2}\* {2}naive Bayes, smoothing 1 /);
  expect(report.text).toMatch(/good mail lost +70\.0 % +a\/2 +Offer\n +spam missed +20\.0 % +a\/1 +Hello/);
});

test("draws the curve and where the filter stands on it", () => {
  const [curve, point] = makeReport(input).roc.layer;
  expect(
    curve?.data.values.map(({ falsePositiveRate, truePositiveRate }) => [falsePositiveRate, truePositiveRate]),
  ).toEqual([
    [0, 0],
    [0, 0.5],
    [0.5, 0.5],
    [0.5, 1],
    [1, 1],
  ]);
  expect(point?.data.values).toEqual([{ falsePositiveRate: 0.5, truePositiveRate: 0.5 }]);
});

test("sets numbers to the right and texts to the left", () => {
  expect(
    textTable(
      ["name", "n"],
      [
        ["a", 5],
        ["bcdef", 100],
      ],
    ),
  ).toEqual(["name     n", "a        5", "bcdef  100"].map((line, row) => (row === 0 ? "name     n" : line)));
});
