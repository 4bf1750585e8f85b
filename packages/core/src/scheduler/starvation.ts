import type { Failure } from "../failure.ts";
import { starvedFailure } from "./failures.ts";
import type { Lane, Lanes } from "./lanes.ts";
import type { RunNode } from "./run-node.ts";
import { Standstill } from "./standstill.ts";

/** Milliseconds between two looks at a graph that may stand still, and some more for each run that was looked at. */
const interval = 500;
const intervalPerRun = 0.02;

/**
 * Milliseconds after which a body that said that it waits does nothing else: what else it said in the same turn comes from
 * another process message by message.
 */
const settling = 500;

/**
 * Milliseconds after which a body that was handed one of several values does nothing but wait for the others. Nobody can
 * see whether it needed them all (`Promise.all`) or goes on with the first (`Promise.race`).
 */
const digesting = 30_000;

/** In place of a time: a body has just got one of several values. */
export const hasNews = -1;

/** A run that cannot be executed, and what it fails with. */
export interface Starved<N> {
  readonly node: N;
  readonly failure: Failure;
}

/**
 * Watches lanes whose bodies keep their places while they wait: when all of them wait for runs that need a place there, none
 * would ever go on. One such run is told to fail, then it is seen what that changes.
 *
 * Looks only while a lane has nothing but bodies that wait, with others in its queue, and never at once: a body that goes on
 * must have had the time to say so.
 */
export class Starvation<N extends RunNode<N>> {
  readonly #lanes: Lanes<N>;
  #next: number | undefined = undefined;

  constructor(lanes: Lanes<N>) {
    this.#lanes = lanes;
  }

  /** When to look next, or undefined. */
  get next(): number | undefined {
    return this.#next;
  }

  /** A lane {@link Lane.isStill}. */
  suspect(now: number): void {
    this.#next ??= now + interval;
  }

  /** Looks, if it is time; gives a run that can never begin, and for whose sake others hold all places. */
  check(now: number): Starved<N> | undefined {
    if (this.#next === undefined || now < this.#next) return undefined;
    this.#next = undefined;
    const still = this.#lanes.others.filter((lane) => lane.isStill);
    const [first] = still[0]?.holders ?? [];
    if (first === undefined) return undefined;
    const standstill = new Standstill(rootOf(first), this.#lanes, (body) => isCalm(body, now));
    this.#next = now + interval + Math.floor(intervalPerRun * standstill.size);
    for (const lane of still) {
      const starved = this.#starvedBy(lane, standstill);
      if (starved !== undefined) return starved;
    }
    return undefined;
  }

  #starvedBy({ holders = new Set() }: Lane<N>, standstill: Standstill<N>): Starved<N> | undefined {
    for (const holder of holders) {
      const node = holder.state === "RUNNING" && standstill.has(holder) ? standstill.queuedBelow(holder) : undefined;
      if (node === undefined) continue;
      const { name, limit, holders: all = [] } = this.#lanes.of(node);
      const labels = [...all].filter((one) => one.state === "RUNNING").map(({ label }) => label);
      return { node, failure: starvedFailure(node.label, name ?? "", limit, labels) };
    }
    return undefined;
  }
}

function isCalm<N extends RunNode<N>>(body: N, now: number): boolean {
  const { calmAt } = body;
  if (calmAt !== undefined && calmAt !== hasNews) return now >= calmAt;
  body.calmAt = now + (calmAt === hasNews ? digesting : settling);
  return false;
}

function rootOf<N extends RunNode<N>>(node: N): N {
  let root = node;
  for (let above = node.parent; above !== null; above = above.parent) root = above;
  return root;
}
