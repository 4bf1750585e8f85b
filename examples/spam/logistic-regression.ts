import { conjugateGradient } from "./conjugate-gradient.ts";
import type { LinearModel } from "./linear-model.ts";
import { addRow, rowDot } from "./sparse-matrix.ts";
import type { Dataset } from "./vectorise.ts";

/** How logistic regression learns. */
export interface LogisticRegressionOptions {
  /** How dear an error is compared with large weights. The larger, the closer to the training mail. */
  readonly cost: number;
  /** Most Newton steps. Default: 30. */
  readonly maxSteps?: number;
  /** Called after each step; learning goes on when it is done. */
  readonly onStep?: (done: number, total: number) => void | Promise<void>;
}

/** Logistic regression with an L2 penalty, by Newton's method with a line search. Deterministic. */
export async function trainLogisticRegression(
  data: Dataset,
  { cost, maxSteps = 30, onStep }: LogisticRegressionOptions,
): Promise<LinearModel> {
  // The last weight is the bias.
  let weights: Float64Array = new Float64Array(data.features.columns + 1);
  let loss = lossOf(data, weights, cost);
  for (let step = 1; step <= maxSteps; step++) {
    const { gradient, curvature } = slopes(data, weights, cost);
    const direction = conjugateGradient((vector) => timesHessian(data, curvature, vector), gradient);
    const next = lineSearch(data, weights, direction, loss, cost);
    const gain = loss - next.loss;
    ({ weights, loss } = next);
    await onStep?.(step, maxSteps);
    if (gain <= 1e-6 * loss) break;
  }
  return { weights: weights.slice(0, -1), bias: weights.at(-1) ?? 0 };
}

function lossOf({ features, labels }: Dataset, weights: Float64Array, cost: number): number {
  let loss = 0;
  for (let column = 0; column < features.columns; column++) loss += (weights[column] as number) ** 2 / 2;
  const bias = weights.at(-1) ?? 0;
  for (let row = 0; row < features.rows; row++) {
    const margin = (labels[row] === 1 ? 1 : -1) * (rowDot(features, row, weights) + bias);
    // The logarithm of 1 + e^-margin, without overflow.
    loss += cost * (Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin));
  }
  return loss;
}

/** Gradient of the loss, and what each row contributes to its second derivative. */
function slopes({ features, labels }: Dataset, weights: Float64Array, cost: number) {
  const gradient = weights.slice();
  const last = features.columns;
  gradient[last] = 0;
  const curvature = new Float64Array(features.rows);
  const bias = weights[last] ?? 0;
  for (let row = 0; row < features.rows; row++) {
    const chance = 1 / (1 + Math.exp(-rowDot(features, row, weights) - bias));
    const error = cost * (chance - (labels[row] ?? 0));
    addRow(features, row, error, gradient);
    gradient[last] = gradient[last] + error;
    curvature[row] = cost * chance * (1 - chance);
  }
  return { gradient, curvature };
}

/** The matrix of second derivatives times a vector, without ever making that matrix. */
function timesHessian({ features }: Dataset, curvature: Float64Array, vector: Float64Array): Float64Array {
  const last = features.columns;
  const result = vector.slice();
  // The bias has no penalty; a trace of one keeps the system solvable.
  result[last] = 1e-9 * (vector[last] as number);
  for (let row = 0; row < features.rows; row++) {
    const factor = (curvature[row] as number) * (rowDot(features, row, vector) + (vector[last] as number));
    addRow(features, row, factor, result);
    result[last] = result[last] + factor;
  }
  return result;
}

/** Goes against `direction` by a whole step, or by a half, a quarter, … until the loss falls. */
function lineSearch(data: Dataset, weights: Float64Array, direction: Float64Array, loss: number, cost: number) {
  for (let length = 1; length > 1e-6; length /= 2) {
    const tried = weights.map((weight, column) => weight - length * (direction[column] as number));
    const triedLoss = lossOf(data, tried, cost);
    if (triedLoss < loss) return { weights: tried, loss: triedLoss };
  }
  return { weights, loss };
}
