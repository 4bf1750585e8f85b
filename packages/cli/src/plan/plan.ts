import type { RunKind } from "@reprise/core";

/**
 * What is foretold of a run: `hit`, its result is there; `run`, its body will execute; `unknown`, that depends on results
 * that are not there yet.
 */
export type Verdict = "hit" | "run" | "unknown";

/** What is foretold of one call. */
export interface PlanNode {
  readonly name: string;
  readonly funcId: string;
  readonly kind: RunKind;
  readonly verdict: Verdict;
  /** Why it executes, or what it depends on. */
  readonly reasons: readonly string[];
  /** Of an `unknown` one, what becomes of it if it gets the same inputs as the earlier run; else null. */
  readonly ifSame: "hit" | "run" | null;
  /** The cache key, where it is known. */
  readonly key: string | null;
  /** The run whose result is reused. */
  readonly originRunId: string | null;
  /** The earlier run that stands for it; null for a root that has never run. */
  readonly basedOn: string | null;
  /** Milliseconds that its own body took then, runs below it not counted; null if it is not known. */
  readonly duration: number | null;
  /** Milliseconds that reusing its result saves; null unless it is a hit. */
  readonly saved: number | null;
  /** The calls that its body will make, as they were made then; empty below a hit. */
  readonly children: readonly PlanNode[];
}

/** What a run would reuse and execute. */
export interface Plan {
  readonly file: string | null;
  readonly root: PlanNode;
  /** The pipeline run as which everything below the root is foretold; null if nothing is. */
  readonly base: {
    readonly runId: string;
    readonly startedAt: number;
    readonly sameInput: boolean;
    /** In what its input differed. */
    readonly differences: readonly string[];
  } | null;
  readonly total: PlanTotal;
}

/** Counts of calls, groups not counted, and sums of their times in milliseconds. */
export interface PlanTotal {
  readonly hit: number;
  readonly run: number;
  readonly unknown: number;
  /** What those that execute took. */
  readonly duration: number;
  /** What those that are unknown took, with all below them. */
  readonly unknownDuration: number;
  readonly saved: number;
}

/** Sums up a tree. */
export function totalOf(root: PlanNode): PlanTotal {
  const total = { hit: 0, run: 0, unknown: 0, duration: 0, unknownDuration: 0, saved: 0 };
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const child of node.children) waiting.push(child);
    if (node.kind === "map") continue;
    total[node.verdict]++;
    total.saved += node.saved ?? 0;
    if (node.verdict === "run") total.duration += node.duration ?? 0;
    else if (node.verdict === "unknown") total.unknownDuration += node.duration ?? 0;
  }
  return total;
}
