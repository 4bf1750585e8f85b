import { trainLogisticRegression } from "./logistic-regression.ts";
import { sparseMatrix } from "./sparse-matrix.ts";

/** Turns a model's scores into probabilities: `1 / (1 + e^-(slope × score + offset))`. */
export interface Calibration {
  readonly slope: number;
  readonly offset: number;
}

/**
 * Learns how sure a score is, from mail that the model was not trained on ("Platt scaling").
 *
 * The alternative, taking the score with the fewest errors as the limit, follows the two or three mails next to it; this
 * follows all of them.
 */
export async function calibrate(scores: Float64Array, labels: Uint8Array): Promise<Calibration> {
  const columns = Uint32Array.of(0);
  const rows = Array.from(scores, (score) => ({ columns, values: Float32Array.of(score) }));
  const features = sparseMatrix(rows, 1);
  const { weights, bias } = await trainLogisticRegression({ features, labels }, { cost: 1 });
  return { slope: weights[0] ?? 0, offset: bias };
}

/** Probabilities, from 0 to 1, that mails with these scores are spam. */
export function probabilities(scores: Float64Array, { slope, offset }: Calibration): Float64Array {
  return scores.map((score) => 1 / (1 + Math.exp(-slope * score - offset)));
}

/**
 * The probability above which it is cheaper to call a mail spam, if losing a good mail costs `lostMailCost` times as much
 * as letting spam through.
 */
export function cheapestLimit(lostMailCost: number): number {
  return lostMailCost / (1 + lostMailCost);
}
