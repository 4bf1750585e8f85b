import type { Failure } from "../failure.ts";
import type { RetryPolicy } from "../retry.ts";
import type { RunState } from "../states.ts";
import type { Queue } from "./queue.ts";

/** A limit on how many of a group of runs may be at work; the others wait in order. */
export interface Gate<N> {
  readonly limit: number;
  active: number;
  readonly queue: Queue<N>;
}

/** One `$value()` call: a body that waits for a run. */
export interface Wait<N> {
  readonly waiter: N;
  readonly source: N;
  open: boolean;
}

/** How far a run had come before, for one that goes on. */
export interface Past {
  /** How many attempts are over. */
  readonly attempt: number;
  /** When the attempt that goes on was first SCHEDULED, in milliseconds since 1970: its timeout counts from there. */
  readonly since?: number | undefined;
  /** When its next attempt is due, if it waits for that. */
  readonly retryAt?: number | undefined;
  /** How many of its attempts were lost. Those that are free did not count against its own retries. */
  readonly lost?: number | undefined;
}

/** What most runs never have. */
interface Rare<N> {
  gate: Gate<N> | undefined;
  unhandled: N[] | undefined;
  waiters: Wait<N>[] | undefined;
  failure: Failure | undefined;
  origin: N | undefined;
  reason: string | undefined;
  since: number | undefined;
  lost: number;
  follows: N | undefined;
  calmAt: number | undefined;
}

const handled = 1;
const assembles = 2;
const bodyDone = 4;
const holdsSlot = 8;
const holdsGate = 16;
const published = 32;
const asksCache = 64;
const isSuspended = 128;
const isAsking = 256;
const isWaking = 512;

/**
 * A run in the graph, as the scheduler sees it: what it waits for, who waits for it, and how it is doing. It knows
 * nothing of values; whoever executes runs extends it with them.
 *
 * All fields but `asksCache` and `follows` are written by the scheduler only. A graph holds hundreds of thousands of these, so what is yes or no
 * shares one number, and what most runs never have is in an object that is made when it is first needed.
 */
export abstract class RunNode<N extends RunNode<N>> {
  readonly parent: N | null;
  state: RunState = "CREATED";
  /** Number of the current attempt, from 1; 0 until it is first SCHEDULED. */
  attempt = 0;
  /** How many more children may fail without failing this run. */
  tolerate = 0;
  /** Inputs and predecessors that are not there yet. */
  missing = 0;
  /** Runs that need this one's value or success before they start. */
  dependents: N[] | undefined = undefined;
  children: N[] | undefined = undefined;
  openChildren = 0;
  /** Attempt of the parent whose body made this run. */
  parentAttempt = 0;
  /** Open `$value()` calls of the body. */
  waits = 0;
  /** Counts the clocks that were started for this run, so that an old deadline is known as old. */
  clock = 0;
  #flags = 0;
  #rare: Rare<N> | undefined = undefined;

  constructor(parent: N | null) {
    this.parent = parent;
  }

  /** What to do when the body fails; undefined: nothing. */
  abstract get retry(): RetryPolicy | undefined;

  /** Longest time from SCHEDULED to the end, in milliseconds. */
  abstract get timeout(): number | undefined;

  /** Func and run, for messages. */
  abstract get label(): string;

  /** Name of the lane in which the body executes; the same at all times. Undefined: inline. */
  abstract get lane(): string | undefined;

  /** Whether this run's failure was delivered through `$value()` or tolerated. */
  get handled(): boolean {
    return (this.#flags & handled) !== 0;
  }
  set handled(on: boolean) {
    this.#set(handled, on);
  }

  /** Whether the result holds futures, so that it must be put together when they have values. */
  get assembles(): boolean {
    return (this.#flags & assembles) !== 0;
  }
  set assembles(on: boolean) {
    this.#set(assembles, on);
  }

  get bodyDone(): boolean {
    return (this.#flags & bodyDone) !== 0;
  }
  set bodyDone(on: boolean) {
    this.#set(bodyDone, on);
  }

  get holdsSlot(): boolean {
    return (this.#flags & holdsSlot) !== 0;
  }
  set holdsSlot(on: boolean) {
    this.#set(holdsSlot, on);
  }

  get holdsGate(): boolean {
    return (this.#flags & holdsGate) !== 0;
  }
  set holdsGate(on: boolean) {
    this.#set(holdsGate, on);
  }

  /** RESOLVED, and others may depend on it. */
  get published(): boolean {
    return (this.#flags & published) !== 0;
  }
  set published(on: boolean) {
    this.#set(published, on);
  }

  /** Whether an earlier result may stand in for this run: then it is asked for before each attempt. */
  get asksCache(): boolean {
    return (this.#flags & asksCache) !== 0;
  }
  set asksCache(on: boolean) {
    this.#set(asksCache, on);
  }

  /** Whether the body waits, or may go on and has no slot yet. Not kept for the inline lane. */
  get isSuspended(): boolean {
    return (this.#flags & isSuspended) !== 0;
  }
  set isSuspended(on: boolean) {
    this.#set(isSuspended, on);
  }

  /** Whether the body, or that of an attempt before, is about to go on and queues for a slot. */
  get isWaking(): boolean {
    return (this.#flags & isWaking) !== 0;
  }
  set isWaking(on: boolean) {
    this.#set(isWaking, on);
  }

  /** Whether the cache was asked and has not answered. */
  get isAsking(): boolean {
    return (this.#flags & isAsking) !== 0;
  }
  set isAsking(on: boolean) {
    this.#set(isAsking, on);
  }

  get gate(): Gate<N> | undefined {
    return this.#rare?.gate;
  }
  set gate(gate: Gate<N> | undefined) {
    if (gate !== this.gate) this.#rarely().gate = gate;
  }

  /** Children whose failure nobody has handled. */
  get unhandled(): N[] | undefined {
    return this.#rare?.unhandled;
  }
  set unhandled(unhandled: N[] | undefined) {
    if (unhandled !== this.unhandled) this.#rarely().unhandled = unhandled;
  }

  /** `$value()` calls of other bodies for this run. */
  get waiters(): Wait<N>[] | undefined {
    return this.#rare?.waiters;
  }
  set waiters(waiters: Wait<N>[] | undefined) {
    if (waiters !== this.waiters) this.#rarely().waiters = waiters;
  }

  get failure(): Failure | undefined {
    return this.#rare?.failure;
  }
  set failure(failure: Failure | undefined) {
    if (failure !== this.failure) this.#rarely().failure = failure;
  }

  /** The run whose failure is the cause of this one's end; itself for a run that failed by itself. */
  get origin(): N | undefined {
    return this.#rare?.origin;
  }
  set origin(origin: N | undefined) {
    if (origin !== this.origin) this.#rarely().origin = origin;
  }

  /** Why the run was canceled, for people. */
  get reason(): string | undefined {
    return this.#rare?.reason;
  }
  set reason(reason: string | undefined) {
    if (reason !== this.reason) this.#rarely().reason = reason;
  }

  /** When an attempt that was interrupted was first SCHEDULED, until it is SCHEDULED again. */
  get since(): number | undefined {
    return this.#rare?.since;
  }
  set since(since: number | undefined) {
    if (since !== this.since) this.#rarely().since = since;
  }

  /** Attempts that were lost and did not count against the run's own retries. */
  get lost(): number {
    return this.#rare?.lost ?? 0;
  }
  set lost(lost: number) {
    if (lost !== this.lost) this.#rarely().lost = lost;
  }

  /**
   * The run that computes the same, if the cache answers only when that has ended. Written by the cache, and only where it
   * was asked.
   */
  get follows(): N | undefined {
    return this.#rare?.follows;
  }
  set follows(follows: N | undefined) {
    if (follows !== this.follows) this.#rarely().follows = follows;
  }

  /** For {@link Starvation}: from when on a body with open waits counts as one that does nothing but wait. */
  get calmAt(): number | undefined {
    return this.#rare?.calmAt;
  }
  set calmAt(calmAt: number | undefined) {
    if (calmAt !== this.calmAt) this.#rarely().calmAt = calmAt;
  }

  #set(flag: number, on: boolean): void {
    this.#flags = on ? this.#flags | flag : this.#flags & ~flag;
  }

  #rarely(): Rare<N> {
    this.#rare ??= {
      gate: undefined,
      unhandled: undefined,
      waiters: undefined,
      failure: undefined,
      origin: undefined,
      reason: undefined,
      since: undefined,
      lost: 0,
      follows: undefined,
      calmAt: undefined,
    };
    return this.#rare;
  }
}
