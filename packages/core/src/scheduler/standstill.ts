import { isFinished } from "../states.ts";
import type { Lane, Lanes } from "./lanes.ts";
import type { Gate, RunNode } from "./run-node.ts";

/** Places that are held, and who waits for one. */
interface Held<N> {
  /** Holders that may yet give theirs back, unless {@link Standstill} says otherwise, for others to come in. */
  free: number;
  readonly queued: N[];
}

/**
 * Which runs of a graph can never end as it stands: what each of them needs can never end either, or is a place that such a
 * run holds.
 *
 * All others are taken to go on: what executes will end, one way or the other. So a run that needs several others may end
 * as soon as one of them does, by failing; that something above it might fail does not count.
 */
export class Standstill<N extends RunNode<N>> {
  /** How many runs were looked at. */
  readonly size: number;
  readonly #lanes: Lanes<N>;
  /** Runs that have not ended, and of each how many others it needs that have not ended. */
  readonly #needs = new Map<N, number>();
  readonly #going = new Set<N>();
  readonly #open: N[] = [];
  /** Of runs in RAN: children that can end. */
  readonly #endingChildren = new Map<N, number>();
  readonly #places = new Map<Lane<N> | Gate<N>, Held<N>>();
  readonly #followers = new Map<N, N[]>();

  /**
   * @param root the uppermost run.
   * @param waits whether a body with open waits does nothing else.
   */
  constructor(root: N, lanes: Lanes<N>, waits: (body: N) => boolean) {
    this.#lanes = lanes;
    this.#collect(root);
    this.size = this.#needs.size;
    for (const node of this.#needs.keys()) this.#hold(node);
    for (const node of this.#needs.keys()) if (this.#goesOn(node, waits)) this.#begin(node);
    for (let node = this.#open.pop(); node !== undefined; node = this.#open.pop()) this.#spread(node);
  }

  /** Whether a run has not ended and never will. */
  has(node: N): boolean {
    return this.#needs.has(node) && !this.#going.has(node);
  }

  /** A run of those that `node` waits for, directly or not, that waits for a place of a lane. */
  queuedBelow(node: N): N | undefined {
    const needed = this.#needed();
    const open = [node];
    const seen = new Set(open);
    for (const next of open) {
      if (next.state === "SCHEDULED") return next;
      for (const one of needed.get(next) ?? []) {
        if (!seen.has(one)) open.push(one);
        seen.add(one);
      }
    }
    return undefined;
  }

  #collect(root: N): void {
    const open = [root];
    for (const node of open) {
      if (isFinished(node.state)) continue;
      this.#needs.set(node, this.#needs.get(node) ?? 0);
      for (const other of this.#neededBy(node)) this.#needs.set(other, (this.#needs.get(other) ?? 0) + 1);
      for (const child of node.children ?? []) open.push(child);
      if (node.isAsking && node.follows !== undefined) push(this.#followers, node.follows, node);
    }
  }

  /** The runs that can end only after this one, or because of it. */
  #neededBy(node: N): N[] {
    const others = (node.dependents ?? []).filter(({ state }) => !isFinished(state));
    for (const { open, waiter } of node.waiters ?? []) if (open && waiter.state === "RUNNING") others.push(waiter);
    if (node.parent?.state === "RAN") others.push(node.parent);
    return others;
  }

  #hold(node: N): void {
    const { gate } = node;
    if (gate !== undefined && node.holdsGate) this.#held(gate).free -= 1;
    if (node.state !== "RUNNING" || !node.holdsSlot) return;
    const lane = this.#lanes.of(node);
    if (lane.keepsSlot) this.#held(lane).free -= 1;
  }

  #held(places: Lane<N> | Gate<N>): Held<N> {
    const held = this.#places.get(places) ?? { free: places.limit, queued: [] };
    this.#places.set(places, held);
    return held;
  }

  /** Whether a run goes on by itself; else it is put down what it needs for that. */
  #goesOn(node: N, waits: (body: N) => boolean): boolean {
    const needs = this.#needs.get(node) as number;
    switch (node.state) {
      case "RUNNING":
        // What is not among the runs that have not ended has ended, and this one will hear of it.
        return node.waits === 0 || needs < node.waits || !waits(node);
      case "RAN":
        return needs < node.openChildren || node.openChildren === 0;
      case "SCHEDULED": {
        const lane = this.#lanes.of(node);
        return !lane.keepsSlot || this.#joins(lane, node);
      }
      case "CREATED":
        if (node.missing > 0) return needs < node.missing;
        if (node.isAsking) return !this.#isFollower(node);
        return node.gate === undefined || this.#joins(node.gate, node);
      default:
        return !node.isAsking || !this.#isFollower(node);
    }
  }

  #isFollower({ follows }: N): boolean {
    return follows !== undefined && this.#needs.has(follows);
  }

  /** Whether there is a place for a run; else it queues. */
  #joins(places: Lane<N> | Gate<N>, node: N): boolean {
    const held = this.#held(places);
    if (held.free > 0) return true;
    held.queued.push(node);
    return false;
  }

  #begin(node: N): void {
    if (this.#going.has(node)) return;
    this.#going.add(node);
    this.#open.push(node);
  }

  #leave(places: Lane<N> | Gate<N>): void {
    const held = this.#held(places);
    held.free += 1;
    if (held.free > 0) for (const queued of held.queued.splice(0)) this.#begin(queued);
  }

  /** A run can end: so can those that need it, and its places become free. */
  #spread(node: N): void {
    for (const other of this.#neededBy(node)) if (other.state !== "RAN" || this.#mayEnd(other)) this.#begin(other);
    for (const follower of this.#followers.get(node) ?? []) this.#begin(follower);
    if (node.gate !== undefined && node.holdsGate) this.#leave(node.gate);
    if (node.state !== "RUNNING" || !node.holdsSlot) return;
    const lane = this.#lanes.of(node);
    if (lane.keepsSlot) this.#leave(lane);
  }

  /** One more child of a run can end, and might fail: whether the run can end then. */
  #mayEnd(parent: N): boolean {
    const ending = (this.#endingChildren.get(parent) ?? 0) + 1;
    this.#endingChildren.set(parent, ending);
    return ending > parent.tolerate || ending >= parent.openChildren;
  }

  /** Of each run that can never end: the runs that it needs for that. */
  #needed(): ReadonlyMap<N, readonly N[]> {
    const needed = new Map<N, N[]>();
    for (const node of this.#needs.keys()) {
      if (!this.has(node)) continue;
      for (const other of this.#neededBy(node)) push(needed, other, node);
      for (const follower of this.#followers.get(node) ?? []) push(needed, follower, node);
      if (node.gate === undefined || !node.holdsGate) continue;
      for (const queued of this.#places.get(node.gate)?.queued ?? []) push(needed, queued, node);
    }
    return needed;
  }
}

function push<N>(lists: Map<N, N[]>, key: N, value: N): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
