import { rowDot, type SparseMatrix } from "./sparse-matrix.ts";

/** What all our models come to: a weight for each token. */
export interface LinearModel {
  /** Above 0: the token speaks for spam; below 0: against it. */
  readonly weights: Float64Array;
  readonly bias: number;
}

/** One score a row; the higher, the more like spam. Scores of different models are not on one scale. */
export function scores(model: LinearModel, features: SparseMatrix): Float64Array {
  return Float64Array.from({ length: features.rows }, (_, row) => rowDot(features, row, model.weights) + model.bias);
}
