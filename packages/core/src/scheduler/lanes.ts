import { DepthQueue } from "./depth-queue.ts";
import { Queue } from "./queue.ts";
import type { RunNode, Wait } from "./run-node.ts";

/** How runs of one lane share the places where their bodies execute. */
export interface LaneOptions {
  /** How many bodies may execute at once. */
  readonly limit: number;
  /**
   * How many runs above `limit` may be handed over, to wait at whoever executes them. Asked before each; it does not count
   * while a body of the lane waits, because that body will need a place. Default: none.
   */
  readonly backlog?: () => number;
  /** Whether a body that waits for a value keeps its place. Default: false. */
  readonly keepsSlot?: boolean;
}

/** Runs that wait for a place. */
interface Ready<N> {
  readonly size: number;
  push(node: N): void;
  take(): N | undefined;
}

/** Bodies that share a limit: how many execute, which may go on, which may begin. */
export class Lane<N extends RunNode<N>> {
  /** Undefined for the lane of bodies that execute inline. */
  readonly name: string | undefined;
  readonly limit: number;
  readonly keepsSlot: boolean;
  readonly ready: Ready<N>;
  /** Runs with a slot, if bodies that wait keep theirs; else nobody asks. */
  readonly holders: Set<N> | undefined;
  readonly #backlog: (() => number) | undefined;
  /** Waits that are over, of bodies that need their slot back first: one of each body. */
  readonly #wakes = new Queue<Wait<N>>();
  /** What else is over for those bodies. Whoever goes on gets all: it holds a slot that the rest of it may need. */
  readonly #more = new Map<N, Wait<N>[]>();
  #taken = 0;
  #waiting = 0;

  constructor(name: string | undefined, options: LaneOptions) {
    this.name = name;
    this.limit = options.limit;
    this.keepsSlot = options.keepsSlot ?? false;
    this.ready = name === undefined ? new Queue<N>() : new DepthQueue<N>();
    this.holders = this.keepsSlot ? new Set() : undefined;
    this.#backlog = options.backlog;
  }

  /** Slots that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Bodies that wait for a value, or to go on after that; nobody counts those of the inline lane. */
  get waiting(): number {
    return this.#waiting;
  }

  get isFree(): boolean {
    return this.#taken < this.limit;
  }

  /** Whether another run may be handed over. */
  get takesMore(): boolean {
    if (this.#taken < this.limit) return true;
    return this.#backlog !== undefined && this.#waiting === 0 && this.#taken < this.limit + this.#backlog();
  }

  /** Whether all places are held by bodies that wait, and others wait for a place. */
  get isStill(): boolean {
    const { holders } = this;
    return holders !== undefined && this.#waiting >= this.limit && this.ready.size + holders.size > this.#waiting;
  }

  take(node: N): void {
    node.holdsSlot = true;
    this.#taken += 1;
    this.holders?.add(node);
  }

  /** The body begins to wait. */
  suspend(node: N): void {
    if (this.name !== undefined && !node.isSuspended) {
      node.isSuspended = true;
      this.#waiting += 1;
    }
    if (!this.keepsSlot) this.#release(node);
  }

  /** A wait is over, and its body needs a slot to go on. */
  wake(wait: Wait<N>): void {
    const { waiter } = wait;
    if (!waiter.isWaking) {
      waiter.isWaking = true;
      this.#wakes.push(wait);
      return;
    }
    const more = this.#more.get(waiter);
    if (more === undefined) this.#more.set(waiter, [wait]);
    else more.push(wait);
  }

  /** Takes a wait of the body whose turn it is; undefined if there is none. */
  takeWake(): Wait<N> | undefined {
    const wait = this.#wakes.take();
    if (wait !== undefined) wait.waiter.isWaking = false;
    return wait;
  }

  /** Takes what else is over for that body, if anything is. */
  takeMore(waiter: N): readonly Wait<N>[] | undefined {
    if (this.#more.size === 0) return undefined;
    const more = this.#more.get(waiter);
    this.#more.delete(waiter);
    return more;
  }

  /** The body goes on. */
  resume(node: N): void {
    this.#goOn(node);
    if (!node.holdsSlot) this.take(node);
  }

  /** The body is over, or no longer counts. */
  leave(node: N): void {
    this.#goOn(node);
    this.#release(node);
  }

  #goOn(node: N): void {
    if (!node.isSuspended) return;
    node.isSuspended = false;
    this.#waiting -= 1;
  }

  #release(node: N): void {
    if (!node.holdsSlot) return;
    node.holdsSlot = false;
    this.#taken -= 1;
    this.holders?.delete(node);
  }
}

/** The lanes of a pipeline run: that of bodies that execute inline, and others by name as runs of theirs come up. */
export class Lanes<N extends RunNode<N>> {
  readonly inline: Lane<N>;
  /** All but the inline lane. */
  readonly others: Lane<N>[] = [];
  readonly #byName = new Map<string, Lane<N>>();
  readonly #optionsOf: ((name: string) => LaneOptions | undefined) | undefined;

  /** @param optionsOf what is to be known of a lane; one of which nothing is known is inline. */
  constructor(concurrency: number, optionsOf: ((name: string) => LaneOptions | undefined) | undefined) {
    this.inline = new Lane<N>(undefined, { limit: concurrency });
    this.#optionsOf = optionsOf;
  }

  /** Whether bodies of some lane keep their places while they wait. */
  mayStarve = false;

  /** Slots that are taken, in all lanes. */
  get taken(): number {
    return this.others.reduce((sum, lane) => sum + lane.taken, this.inline.taken);
  }

  of(node: N): Lane<N> {
    if (this.#optionsOf === undefined) return this.inline;
    const name = node.lane;
    return name === undefined ? this.inline : (this.#byName.get(name) ?? this.#open(name, this.#optionsOf(name)));
  }

  #open(name: string, options: LaneOptions | undefined): Lane<N> {
    const lane = options === undefined ? this.inline : new Lane<N>(name, options);
    this.#byName.set(name, lane);
    if (lane !== this.inline) this.others.push(lane);
    this.mayStarve ||= lane.keepsSlot;
    return lane;
  }
}
