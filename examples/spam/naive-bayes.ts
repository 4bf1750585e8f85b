import type { LinearModel } from "./linear-model.ts";
import { addRow } from "./sparse-matrix.ts";
import type { Dataset } from "./vectorise.ts";

/**
 * Multinomial naive Bayes on weighted counts, as in Rennie and others, "Tackling the Poor Assumptions of Naive Bayes Text
 * Classifiers" (2003).
 *
 * @param smoothing what is added to every token's count, so that a token never seen in one class decides nothing alone.
 */
export function trainNaiveBayes({ features, labels }: Dataset, smoothing: number): LinearModel {
  const spam = new Float64Array(features.columns).fill(smoothing);
  const good = new Float64Array(features.columns).fill(smoothing);
  let spamMails = 0;
  for (const [row, label] of labels.entries()) {
    spamMails += label;
    addRow(features, row, 1, label === 1 ? spam : good);
  }
  const prior = Math.log(spamMails / (labels.length - spamMails));
  const total = Math.log(sum(spam) / sum(good));
  return {
    weights: spam.map((count, column) => Math.log(count / (good[column] ?? smoothing)) - total),
    bias: prior,
  };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
