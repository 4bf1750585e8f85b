import type { Series } from "./measure/interleave.ts";

/** What a target asks of a figure, and whether it was met. */
export interface Verdict {
  /** In words: `≤ 2 × limit`. */
  readonly target: string;
  /** The figure that is compared with it. */
  readonly value: number;
  readonly unit: string;
  readonly met: boolean;
}

/** One line of a report: a limit and what we reach, measured in turn. */
export interface Measure {
  readonly what: string;
  /** How much was done: runs, rows, bytes. */
  readonly size: string;
  /** What the limit is; absent if there is none to compare with. */
  readonly against?: string;
  readonly limit?: number;
  readonly ours: number;
  readonly unit: string;
  /** Ratio of our fastest sample to the limit's fastest: hardly moved by what else the machine does. */
  readonly bestRatio?: number;
  /** Processor time of ours in the same unit, and its ratio; absent where other processes do the work. */
  readonly processor?: number;
  readonly processorRatio?: number;
  /** (largest − smallest) / median of our samples. */
  readonly spread?: number;
  /** Cores that other processes used meanwhile. */
  readonly others?: number;
  readonly verdict?: Verdict;
}

/** How time grows with size: 1 is linear. */
export interface Growth {
  readonly what: string;
  readonly sizes: string;
  readonly limit?: number;
  readonly ours: number;
}

/** Where a benchmark tells what it finds. */
export interface Report {
  measure(line: Measure): void;
  growth(line: Growth): void;
  note(text: string): void;
}

/** What the caller of a benchmark may choose. */
export interface BenchmarkOptions {
  /** Also measure a million runs; takes minutes. */
  readonly onceMillion: boolean;
}

/** A group of measurements that runs in a process of its own. */
export interface Benchmark {
  readonly title: string;
  run(report: Report, options: BenchmarkOptions): Promise<void>;
}

/** A target of the form "at most `limit`". */
export function atMost(limit: number, value: number, unit = "×"): Verdict {
  return { target: `≤ ${limit} ${unit}`, value, unit, met: value <= limit };
}

/** A target of the form "at least `limit`". */
export function atLeast(limit: number, value: number, unit = "×"): Verdict {
  return { target: `≥ ${limit} ${unit}`, value, unit, met: value >= limit };
}

/**
 * The fields of a measurement of two series that were taken in turn.
 *
 * @param factor from milliseconds to the unit of the measurement.
 */
export function compared(against: string, limit: Series, ours: Series, factor: number) {
  return {
    against,
    limit: limit.median * factor,
    ours: ours.median * factor,
    bestRatio: ours.best / limit.best,
    ...(ours.processor === 0
      ? {}
      : { processor: ours.processor * factor, processorRatio: ours.processor / limit.processor }),
    spread: ours.spread,
    ...(ours.others === undefined ? {} : { others: ours.others }),
  };
}
