import type { LinearModel } from "./linear-model.ts";
import { seededShuffle } from "./seeded-random.ts";
import { addRow, rowDot } from "./sparse-matrix.ts";
import type { Dataset } from "./vectorise.ts";

/** How the support vector machine learns. */
export interface SupportVectorMachineOptions {
  /** How dear an error is compared with a narrow margin. The larger, the closer to the training mail. */
  readonly cost: number;
  /** Decides in which order mails are looked at. */
  readonly seed: number;
  /** Most passes over the mails. Default: 60. */
  readonly maxPasses?: number;
  /** Called after each pass; learning goes on when it is done. */
  readonly onPass?: (done: number, total: number) => void | Promise<void>;
}

/**
 * Linear support vector machine with squared hinge loss, by dual coordinate descent: Hsieh and others, "A Dual Coordinate
 * Descent Method for Large-scale Linear SVM" (2008), the algorithm of LIBLINEAR.
 */
export async function trainSupportVectorMachine(
  { features, labels }: Dataset,
  { cost, seed, maxPasses = 60, onPass }: SupportVectorMachineOptions,
): Promise<LinearModel> {
  const weights = new Float64Array(features.columns);
  const multipliers = new Float64Array(features.rows);
  const softness = 1 / (2 * cost);
  const shuffle = seededShuffle(seed);
  const order = Array.from(multipliers.keys());
  // Rows have unit length and a constant 1 for the bias.
  const curvature = 2 + softness;
  let bias = 0;
  for (let pass = 1; pass <= maxPasses; pass++) {
    let worst = 0;
    for (const row of shuffle(order)) {
      const sign = labels[row] === 1 ? 1 : -1;
      const old = multipliers[row] as number;
      const slope = sign * (rowDot(features, row, weights) + bias) - 1 + softness * old;
      if (old === 0 && slope >= 0) continue;
      worst = Math.max(worst, Math.abs(slope));
      const multiplier = Math.max(0, old - slope / curvature);
      const change = (multiplier - old) * sign;
      multipliers[row] = multiplier;
      addRow(features, row, change, weights);
      bias += change;
    }
    await onPass?.(pass, maxPasses);
    if (worst < 0.01) break;
  }
  return { weights, bias };
}
