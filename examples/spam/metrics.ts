import { ConfusionMatrix } from "ml-confusion-matrix";
import { areaUnder, rocCurve } from "./roc.ts";

/** How good a filter is. All rates are from 0 to 1. */
export interface Metrics {
  /** Share of mails that are judged rightly. */
  readonly accuracy: number;
  /** Of what was called spam, the share that is spam. */
  readonly precision: number;
  /** Of the spam, the share that was caught. */
  readonly recall: number;
  /** Of the good mail, the share that was lost. */
  readonly falsePositiveRate: number;
  readonly f1: number;
  /** Area under the ROC curve: how well scores tell spam apart, whatever the limit. */
  readonly areaUnderCurve: number;
  /** What the errors cost: missed spam counts 1, a lost good mail `lostMailCost`. */
  readonly cost: number;
  readonly confusion: Confusion;
}

/** What became of the mails. */
export interface Confusion {
  readonly spamCaught: number;
  readonly spamMissed: number;
  readonly goodLost: number;
  readonly goodKept: number;
}

/** Judges probabilities. Mail above the limit is called spam. */
export function judge(probabilities: Float64Array, labels: Uint8Array, limit: number, lostMailCost: number): Metrics {
  const actual = Array.from(labels, nameOf);
  const called = Array.from(probabilities, (probability) => nameOf(probability > limit ? 1 : 0));
  const matrix = ConfusionMatrix.fromLabels(actual, called, { labels: ["spam", "good"] });
  const confusion: Confusion = {
    spamCaught: matrix.getTruePositiveCount("spam"),
    spamMissed: matrix.getFalseNegativeCount("spam"),
    goodLost: matrix.getFalsePositiveCount("spam"),
    goodKept: matrix.getTrueNegativeCount("spam"),
  };
  return {
    accuracy: matrix.getAccuracy(),
    precision: matrix.getPositivePredictiveValue("spam"),
    recall: matrix.getTruePositiveRate("spam"),
    falsePositiveRate: matrix.getFalsePositiveRate("spam"),
    f1: matrix.getF1Score("spam"),
    areaUnderCurve: areaUnder(rocCurve(probabilities, labels)),
    cost: confusion.spamMissed + lostMailCost * confusion.goodLost,
    confusion,
  };
}

function nameOf(label: number): "spam" | "good" {
  return label === 1 ? "spam" : "good";
}
