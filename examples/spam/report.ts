import type { Mistakes } from "./mistakes.ts";
import type { Confusion, Metrics } from "./metrics.ts";
import { rocPlot, type Plot } from "./roc-plot.ts";
import { rocCurve } from "./roc.ts";
import { describeModel, type ModelSettings } from "./settings.ts";
import type { TellTales } from "./tell-tales.ts";
import { textTable } from "./text-table.ts";

/** A model that was tried, and how it did on validation mail. */
export interface Trial {
  readonly settings: ModelSettings;
  readonly metrics: Metrics;
}

/** How the chosen model did on mail that played no part in choosing it. */
export interface TestResult {
  readonly metrics: Metrics;
  /** Probability of being spam, by mail. */
  readonly probabilities: Float64Array;
  /** 1 for spam, 0 for good mail. */
  readonly labels: Uint8Array;
  readonly mistakes: Mistakes;
}

/** What goes into the report. */
export interface ReportInput {
  readonly trials: readonly Trial[];
  readonly chosen: ModelSettings;
  readonly test: TestResult;
  readonly tellTales: TellTales;
}

/** The result of the pipeline. Rates are from 0 to 1, on test mail. */
export interface Report {
  readonly accuracy: number;
  readonly falsePositiveRate: number;
  readonly roc: Plot;
  /** All of it in words and tables, for people to read. */
  readonly text: string;
}

/** Puts the report together. */
export function makeReport(input: ReportInput): Report {
  const { chosen, test } = input;
  const { accuracy, falsePositiveRate, recall } = test.metrics;
  const curve = rocCurve(test.probabilities, test.labels);
  const title = `${describeModel(chosen)} on ${test.labels.length} held-out mails`;
  return {
    accuracy,
    falsePositiveRate,
    roc: rocPlot(title, curve, { falsePositiveRate, truePositiveRate: recall }),
    text: reportText(input),
  };
}

function reportText({ trials, chosen, test, tellTales }: ReportInput): string {
  const { metrics, labels, mistakes } = test;
  const { accuracy, precision, recall, falsePositiveRate, areaUnderCurve, confusion } = metrics;
  return [
    `Chosen: ${describeModel(chosen)}. On ${labels.length} held-out mails:`,
    `  ${percent(accuracy)} judged rightly (area under the ROC curve ${areaUnderCurve.toFixed(4)})`,
    `  ${percent(recall)} of the spam caught; ${percent(precision)} of what was filtered is spam`,
    `  ${percent(falsePositiveRate)} of the good mail lost`,
    "",
    ...confusionTable(confusion),
    "",
    "All models, on validation mail:",
    ...indent(trialTable(trials, chosen)),
    "",
    "Worst mistakes on held-out mail:",
    ...indent(mistakeTable(mistakes)),
    "",
    `Speaks for spam: ${tellTales.spam}`,
    `Speaks against:  ${tellTales.good}`,
  ].join("\n");
}

function confusionTable({ spamCaught, spamMissed, goodLost, goodKept }: Confusion): string[] {
  return indent(
    textTable(
      ["", "filtered", "delivered"],
      [
        ["spam", spamCaught, spamMissed],
        ["good", goodLost, goodKept],
      ],
    ),
  );
}

function trialTable(trials: readonly Trial[], chosen: ModelSettings): string[] {
  const rows = trials
    .toSorted((a, b) => a.metrics.cost - b.metrics.cost)
    .map(({ settings, metrics }) => [
      describeModel(settings) === describeModel(chosen) ? "*" : "",
      describeModel(settings),
      percent(metrics.accuracy),
      percent(metrics.precision),
      percent(metrics.recall),
      percent(metrics.falsePositiveRate),
      metrics.areaUnderCurve.toFixed(4),
      metrics.cost,
    ]);
  return textTable(["", "model", "accuracy", "precision", "recall", "good lost", "ROC area", "cost"], rows);
}

function mistakeTable({ goodLost, spamMissed }: Mistakes): string[] {
  const rows = [
    ...goodLost.map((mistake) => ({ kind: "good mail lost", ...mistake })),
    ...spamMissed.map((mistake) => ({ kind: "spam missed", ...mistake })),
  ];
  return rows.length === 0
    ? ["none"]
    : textTable(
        ["", "spam?", "mail", "subject"],
        rows.map(({ kind, probability, id, subject }) => [
          kind,
          percent(probability),
          id,
          subject === "" ? "(no subject)" : subject.slice(0, 60),
        ]),
      );
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function percent(share: number): string {
  return Number.isNaN(share) ? "–" : `${(share * 100).toFixed(1)} %`;
}
