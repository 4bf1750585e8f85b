import { formatDuration } from "../duration.ts";
import type { Failure } from "../failure.ts";
import { decideRetry } from "../retry.ts";
import { canRunGo, isFinished, type RunState } from "../states.ts";
import { Clocks, counts, earlier } from "./clocks.ts";
import type { Command } from "./command.ts";
import { Endings } from "./endings.ts";
import { timeoutFailure, withBrokenPolicy } from "./failures.ts";
import { holdGate, leaveGate, passGate } from "./gates.ts";
import { forgetEnded, markHandled } from "./graph.ts";
import {
  type InfrastructureRetry,
  isAtWork,
  isHandedOver,
  ownAttempts,
  takeInfrastructureRetry,
} from "./infrastructure.ts";
import { Lanes } from "./lanes.ts";
import type { SchedulerOptions } from "./options.ts";
import { Queue } from "./queue.ts";
import type { Past, RunNode, Wait } from "./run-node.ts";
import { Starvation } from "./starvation.ts";
import { Waits } from "./waits.ts";

/**
 * Decides what may start, what has ended and what follows from it, for the runs of one pipeline run. A state machine:
 * events come in as method calls with the time as an argument, decisions go out as {@link Command}s to be taken with
 * {@link Scheduler.take}. It does no I/O, has no clock and knows nothing of values.
 *
 * Every step costs O(1) per edge of the graph.
 */
export class Scheduler<N extends RunNode<N>> {
  readonly #announce: boolean;
  readonly #ended = new Queue<N>();
  readonly #clocks = new Clocks<N>();
  readonly #commands = new Queue<Command<N>>();
  readonly #lanes: Lanes<N>;
  readonly #waits: Waits<N>;
  readonly #endings: Endings<N>;
  readonly #starvation: Starvation<N>;
  readonly #infrastructureRetries: number;

  constructor(options: SchedulerOptions) {
    this.#lanes = new Lanes(options.concurrency, options.lanes);
    this.#waits = new Waits(this.#lanes, this.#commands);
    this.#endings = new Endings({
      lanes: this.#lanes,
      waits: this.#waits,
      commands: this.#commands,
      ended: this.#ended,
      go: (node, to, now) => this.#go(node, to, now),
      releaseGate: (node, now) => this.#releaseGate(node, now),
    });
    this.#starvation = new Starvation(this.#lanes);
    this.#announce = options.announce;
    this.#infrastructureRetries = options.infrastructureRetries ?? 2;
  }

  /** The next command to carry out, or undefined if there is none. */
  take(): Command<N> | undefined {
    return this.#commands.take();
  }

  /** When {@link tick} has something to do next, or undefined. */
  get nextTick(): number | undefined {
    return earlier(this.#clocks.next, this.#starvation.next);
  }

  /** Bodies that have a slot: they execute, were handed over, or wait in a lane where that does not give it back. */
  get running(): number {
    return this.#lanes.taken;
  }

  /**
   * Takes a new run into the graph. It starts when all of `sources` are RESOLVED.
   *
   * @param past how far it had come before the pipeline run was interrupted.
   */
  create(node: N, sources: readonly N[], now: number, past?: Past): void {
    this.#enter(node);
    if (past !== undefined) {
      node.attempt = past.attempt;
      node.since = past.since;
      node.lost = Math.min(past.lost ?? 0, this.#infrastructureRetries);
    }
    let failed: N | undefined;
    for (const source of sources) {
      if (source.published) continue;
      if (isFinished(source.state) && source.state !== "RESOLVED") failed ??= source;
      node.missing += 1;
      (source.dependents ??= []).push(node);
    }
    if (this.#announce) this.#commands.push({ type: "changed", node, now });
    if (failed !== undefined) this.#endings.cancelDependents(failed, [node], now);
    else if (past?.retryAt !== undefined) this.#awaitRetry(node, past.retryAt);
    else if (node.missing === 0) this.#admit(node, now);
    this.#settle(now);
  }

  /** Takes a run into the graph whose result is there: others may depend on it. Nobody is told. */
  adoptResolved(node: N): void {
    node.parentAttempt = node.parent?.attempt ?? 0;
    this.#step(node, "RESOLVED");
    node.published = true;
    if (node.parent === null) this.#commands.push({ type: "ended" });
  }

  /**
   * Takes a run into the graph, or one that asked the cache, whose body has given its result in an earlier pipeline run
   * or before this one was interrupted. Its children are to be created next, and {@link childrenAdopted} called then: one
   * that had failed ends as soon as it is there, and does not count as the last one before that.
   *
   * @param assembles whether the result holds futures of its children.
   */
  adoptReturned(node: N, past: Past, assembles: boolean, now: number): void {
    if (node.parentAttempt === 0) this.#enter(node);
    node.attempt = Math.max(past.attempt, 1);
    node.lost = Math.min(past.lost ?? 0, this.#infrastructureRetries);
    for (const state of ["SCHEDULED", "RUNNING"] as const) this.#step(node, state);
    node.bodyDone = true;
    node.assembles = assembles;
    holdGate(node);
    if (node.timeout !== undefined) this.#clocks.set(node, "timeout", (past.since ?? now) + node.timeout);
    node.openChildren += 1;
    this.#go(node, "RAN", now);
  }

  /** The children of a run that was adopted are there. */
  childrenAdopted(node: N, now: number): void {
    if (--node.openChildren === 0 && node.state === "RAN") this.#childrenDone(node, now);
    this.#settle(now);
  }

  /** The cache has nothing for a run that asked: it executes. */
  missed(node: N, now: number): void {
    node.isAsking = false;
    if (node.state === "CREATED") this.#pass(node, now);
    else if (node.state === "RETRYING") this.#enqueue(node, now);
    this.#settle(now);
  }

  /** An earlier result stands in for a run that asked. False if the run has ended meanwhile. */
  reused(node: N, now: number): boolean {
    if (node.state !== "CREATED" && node.state !== "RETRYING") return false;
    if (node.state === "RETRYING") {
      // The table knows no shorter way; nobody needs to hear of the steps between.
      this.#step(node, "SCHEDULED");
      this.#step(node, "RUNNING");
    }
    this.#resolve(node, now);
    this.#settle(now);
    return true;
  }

  /**
   * A run that asked the cache fails without an attempt: it would wait for itself, or the run that computes the same for
   * both of them has failed.
   */
  refused(node: N, failure: Failure, origin: N, now: number): void {
    if (node.state !== "CREATED" && node.state !== "RETRYING") return;
    this.#fail(node, failure, now, origin);
  }

  /** Gives free slots to bodies that can go on, then to runs that can start. At most `limit` commands are made. */
  dispatch(now: number, limit = Number.POSITIVE_INFINITY): void {
    // Handing over takes no time, and what was handed over executes while bodies do so inline.
    let made = this.#lanes.others.length === 0 ? 0 : this.#handOver(limit, now);
    const { inline } = this.#lanes;
    while (made < limit && inline.isFree) {
      if (this.#waits.resumeNext(inline)) {
        made += 1;
        continue;
      }
      const node = inline.ready.take();
      if (node === undefined) return;
      // It ended while it queued. That makes no command, so it must not count as one: the caller would think all is done.
      if (node.state !== "SCHEDULED") continue;
      made += 1;
      inline.take(node);
      this.#go(node, "RUNNING", now);
      this.#commands.push({ type: "start", node });
    }
  }

  /** The body of a run that was handed over begins. False if the attempt no longer counts, or has begun before. */
  started(node: N, attempt: number, now: number): boolean {
    if (!isHandedOver(node) || node.attempt !== attempt) return false;
    this.#go(node, "RUNNING", now);
    return true;
  }

  /**
   * The body of an attempt is done. `assembles` says that the result holds futures (of runs that this body started).
   * False if the attempt no longer counts: its result must be dropped.
   */
  returned(node: N, attempt: number, assembles: boolean, now: number): boolean {
    if (!isAtWork(node, attempt)) return false;
    if (node.state === "SCHEDULED") this.#go(node, "RUNNING", now);
    node.bodyDone = true;
    node.assembles = assembles;
    this.#lanes.of(node).leave(node);
    if (node.unhandled !== undefined) this.#endings.failNested(node, node.unhandled[0] as N, now);
    else if (node.openChildren === 0 && !assembles) this.#resolve(node, now);
    else {
      this.#go(node, "RAN", now);
      if (node.openChildren === 0) this.#commands.push({ type: "assemble", node });
    }
    this.#settle(now);
    return true;
  }

  /** The result of a run in RAN was put together. */
  assembled(node: N, now: number): void {
    if (node.state !== "RAN") return;
    this.#resolve(node, now);
    this.#settle(now);
  }

  /** The result of a run in RAN cannot be put together, because `child`, whose value it holds, has none. */
  unassembled(node: N, child: N, now: number): void {
    if (node.state !== "RAN") return;
    this.#endings.failNested(node, child, now);
    this.#settle(now);
  }

  /** Others may now depend on a RESOLVED run. */
  published(node: N, now: number): void {
    if (node.published) return;
    node.published = true;
    const { dependents } = node;
    node.dependents = undefined;
    node.children = undefined;
    if (dependents !== undefined) {
      for (const dependent of dependents) {
        dependent.missing -= 1;
        if (dependent.missing === 0 && dependent.state === "CREATED") this.#admit(dependent, now);
      }
    }
    this.#waits.end(node);
    this.#ended.push(node);
    this.#settle(now);
  }

  /**
   * An attempt failed: its input is invalid, its body threw, or its output cannot be stored.
   *
   * @param child the child whose failure the body passed on, if that is what it threw: then this run is not retried.
   * @param random a number from 0 up to 1, for the jitter of a retry.
   * @returns false if the attempt no longer counts.
   */
  threw(node: N, attempt: number, failure: Failure, child: N | undefined, random: number, now: number): boolean {
    if (!isAtWork(node, attempt) && node.state !== "RAN") return false;
    if (node.state === "SCHEDULED") this.#go(node, "RUNNING", now);
    if (child !== undefined) this.#endings.failNested(node, child, now);
    else this.#attemptFailed(node, failure, random, `${node.label} failed`, now);
    this.#settle(now);
    return true;
  }

  /**
   * An attempt that was handed over will never end: what executes it, or was to do so, is gone. Another one follows without
   * counting against the run's own retries, as long as there are infrastructure retries left; then it is as if it had
   * thrown `failure`.
   *
   * @param random as in {@link threw}.
   * @param isFinal whether another attempt is of no use.
   * @returns false if the attempt no longer counts.
   */
  lost(node: N, attempt: number, failure: Failure, random: number, now: number, isFinal = false): boolean {
    if (!isAtWork(node, attempt)) return false;
    const again = isFinal ? undefined : takeInfrastructureRetry(node, this.#infrastructureRetries);
    if (again === undefined) this.#attemptFailed(node, failure, random, `${node.label} failed`, now);
    else this.#tryAgain(node, failure, again, `the worker of ${node.label} was lost`, now);
    this.#settle(now);
    return true;
  }

  /**
   * A body waits for a run. Undefined if that run has ended: then there is nothing to wait for, and its failure, if it
   * failed, counts as delivered.
   */
  wait(waiter: N, source: N): Wait<N> | undefined {
    if (source.published) return undefined;
    if (isFinished(source.state) && source.state !== "RESOLVED") {
      markHandled(source);
      return undefined;
    }
    return this.#waits.begin(waiter, source);
  }

  /** A body gives up waiting; the wait is delivered as soon as the body may go on. */
  stopWaiting(wait: Wait<N>): void {
    this.#waits.wake(wait);
  }

  /** Cancels a run and everything below it. False if it had ended. */
  cancel(node: N, reason: string, now: number): boolean {
    if (isFinished(node.state)) return false;
    node.reason = reason;
    node.origin = node;
    this.#endings.end(node, "CANCELED", `its ancestor ${node.label} was canceled: ${reason}`, now);
    this.#settle(now);
    return true;
  }

  /**
   * Time has passed: deadlines and waits before retries, in the order of their moments, however late this is called. Of
   * deadlines at the same moment the outermost counts first.
   */
  tick(now: number): void {
    for (const clock of this.#clocks.take(now)) {
      if (!counts(clock)) continue;
      const { node, what } = clock;
      if (what === "retry") this.#again(node, now);
      else this.#timeout(node, now);
      this.#settle(now);
    }
    const starved = this.#starvation.check(now);
    if (starved !== undefined) this.#fail(starved.node, starved.failure, now);
  }

  #enter(node: N): void {
    const { parent } = node;
    if (parent === null) return;
    forgetEnded(parent);
    (parent.children ??= []).push(node);
    parent.openChildren += 1;
    node.parentAttempt = parent.attempt;
  }

  /** As {@link dispatch}, in lanes other than inline; gives the number of commands. */
  #handOver(limit: number, now: number): number {
    let made = 0;
    for (const lane of this.#lanes.others) {
      while (made < limit) {
        if (lane.isFree && this.#waits.resumeNext(lane)) {
          made += 1;
          continue;
        }
        const node = lane.takesMore ? lane.ready.take() : undefined;
        if (node === undefined) break;
        // It ended while it queued, or was handed over when it queued for an attempt before this one.
        if (node.state !== "SCHEDULED" || node.holdsSlot) continue;
        made += 1;
        lane.take(node);
        this.#commands.push({ type: "start", node });
      }
      if (lane.isStill) this.#starvation.suspect(now);
    }
    return made;
  }

  /** A run that waited for its next attempt goes on waiting. */
  #awaitRetry(node: N, at: number): void {
    holdGate(node);
    for (const state of ["SCHEDULED", "RETRYING"] as const) this.#step(node, state);
    node.clock += 1;
    this.#clocks.set(node, "retry", at);
  }

  /** Inputs are there: what was computed before needs neither a place behind the gate nor a slot. */
  #admit(node: N, now: number): void {
    if (node.asksCache) this.#ask(node);
    else this.#pass(node, now);
  }

  /** Before another attempt the cache is asked again. */
  #again(node: N, now: number): void {
    if (node.asksCache) this.#ask(node);
    else this.#enqueue(node, now);
  }

  #ask(node: N): void {
    node.isAsking = true;
    node.follows = undefined;
    this.#commands.push({ type: "lookup", node });
  }

  /** Through the gate, if there is one, to the queue for a slot. */
  #pass(node: N, now: number): void {
    if (passGate(node)) this.#enqueue(node, now);
  }

  #enqueue(node: N, now: number): void {
    node.clock += 1;
    node.attempt += 1;
    this.#go(node, "SCHEDULED", now);
    if (node.timeout !== undefined) this.#clocks.set(node, "timeout", (node.since ?? now) + node.timeout);
    node.since = undefined;
    this.#lanes.of(node).ready.push(node);
  }

  #resolve(node: N, now: number): void {
    this.#go(node, "RESOLVED", now);
    this.#releaseGate(node, now);
    this.#commands.push({ type: "publish", node });
  }

  #timeout(node: N, now: number): void {
    const limit = formatDuration(node.timeout ?? 0);
    const failure = timeoutFailure(node.label, node.timeout ?? 0);
    this.#attemptFailed(node, failure, 0, `the timeout of ${limit} of its ancestor ${node.label} ran out`, now);
  }

  #attemptFailed(node: N, failure: Failure, random: number, reasonBelow: string, now: number): void {
    const decision = decideRetry(node.retry, ownAttempts(node), failure, random);
    if (!decision.retry || !canRunGo(node.state, "RETRYING")) {
      const broken = decision.retry ? undefined : decision.broken;
      node.failure = broken === undefined ? failure : withBrokenPolicy(failure, broken);
      node.origin = node;
      this.#endings.end(node, "FAILED", reasonBelow, now);
      return;
    }
    this.#tryAgain(node, failure, { delay: decision.delay }, reasonBelow, now);
  }

  /** A run fails without another attempt. */
  #fail(node: N, failure: Failure, now: number, origin = node): void {
    node.failure = failure;
    node.origin = origin;
    this.#endings.end(node, "FAILED", `${node.label} failed`, now);
    this.#settle(now);
  }

  /** Another attempt follows. */
  #tryAgain(
    node: N,
    failure: Failure,
    how: { readonly delay: number; readonly infrastructure?: InfrastructureRetry },
    reasonBelow: string,
    now: number,
  ): void {
    this.#endings.stopBody(node);
    this.#endings.cancelDescendants(node, reasonBelow, now);
    node.children = undefined;
    node.openChildren = 0;
    node.unhandled = undefined;
    node.bodyDone = false;
    node.clock += 1;
    // Told before the change of state: with no delay the next attempt is there already when that is told.
    this.#commands.push({ type: "retry", node, attempt: node.attempt, failure, ...how, now });
    this.#go(node, "RETRYING", now);
    if (how.delay === 0) this.#again(node, now);
    else this.#clocks.set(node, "retry", now + how.delay);
  }

  /** Works off the runs that have ended: each may end its parent. A loop, so that deep graphs need no deep stack. */
  #settle(now: number): void {
    for (let node = this.#ended.take(); node !== undefined; node = this.#ended.take()) {
      const { parent } = node;
      if (parent === null) {
        this.#commands.push({ type: "ended" });
        continue;
      }
      // Only children of an attempt that goes on count: a run that waits for its retry still has the number of the last.
      const counts = parent.state === "RUNNING" || parent.state === "RAN";
      if (!counts || node.parentAttempt !== parent.attempt) continue;
      parent.openChildren -= 1;
      if (node.state !== "RESOLVED" && !node.handled) {
        (parent.unhandled ??= []).push(node);
        if (parent.state === "RAN") this.#endings.failNested(parent, node, now);
      } else if (parent.state === "RAN" && parent.openChildren === 0) {
        this.#childrenDone(parent, now);
      }
    }
  }

  #childrenDone(node: N, now: number): void {
    if (node.assembles) this.#commands.push({ type: "assemble", node });
    else this.#resolve(node, now);
  }

  #releaseGate(node: N, now: number): void {
    const next = leaveGate(node);
    if (next !== undefined) this.#pass(next, now);
  }

  #step(node: N, to: RunState): void {
    if (!canRunGo(node.state, to)) throw new Error(`${node.label}: ${node.state} → ${to} is not a legal transition`);
    node.state = to;
  }

  #go(node: N, to: RunState, now: number): void {
    this.#step(node, to);
    if (this.#announce) this.#commands.push({ type: "changed", node, now });
  }
}
