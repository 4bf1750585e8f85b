import { dimensions } from "./model.ts";
import type { Passage } from "./passages.ts";

/** A passage that was found. */
export interface Hit extends Passage {
  /** How alike it and the question are, up to 1. */
  readonly likeness: number;
}

/** The passages most like a question. `vectors` are those of the passages, in order, in batches of any size. */
export function nearest(
  passages: readonly Passage[],
  vectors: readonly Float32Array[],
  question: Float32Array,
  most: number,
): Hit[] {
  const each = vectors.flatMap((batch) =>
    Array.from({ length: batch.length / dimensions }, (_, at) =>
      batch.subarray(at * dimensions, (at + 1) * dimensions),
    ),
  );
  const hits = passages.map((passage, at) => ({ ...passage, likeness: product(each[at] as Float32Array, question) }));
  return hits.toSorted((a, b) => b.likeness - a.likeness).slice(0, most);
}

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}
