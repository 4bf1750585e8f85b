import { isFinished } from "../states.ts";
import { Deadlines } from "./deadlines.ts";
import { depth } from "./graph.ts";
import type { RunNode } from "./run-node.ts";

/** A moment at which something is due for a run, as long as it is still in the same attempt. */
export interface Clock<N> {
  readonly node: N;
  readonly clock: number;
  readonly what: "timeout" | "retry";
  readonly at: number;
}

/** The timeouts of runs, and their waits before the next attempt. */
export class Clocks<N extends RunNode<N>> {
  readonly #deadlines = new Deadlines<Clock<N>>(counts);

  /** The earliest moment, or undefined if there is none. */
  get next(): number | undefined {
    return this.#deadlines.next;
  }

  set(node: N, what: Clock<N>["what"], at: number): void {
    this.#deadlines.add(at, { node, clock: node.clock, what, at });
  }

  /**
   * Takes what is due, in the order of the moments; of those at the same moment the outermost comes first. Each has to be
   * asked for by {@link counts} when its turn comes.
   */
  take(now: number): readonly Clock<N>[] {
    const due: Clock<N>[] = [];
    for (let clock = this.#deadlines.take(now); clock !== undefined; clock = this.#deadlines.take(now)) due.push(clock);
    if (due.length > 1) due.sort((a, b) => a.at - b.at || depth(a.node) - depth(b.node));
    return due;
  }
}

/** Whether a clock was neither replaced by a later one nor outlived by its run's end. */
export function counts<N extends RunNode<N>>({ node, clock }: Clock<N>): boolean {
  return node.clock === clock && !isFinished(node.state);
}

/** The earlier of two moments. */
export function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}
