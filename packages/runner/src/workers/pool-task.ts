import { performance } from "node:perf_hooks";
import { type Failure, toFailure, WorkerLostError } from "@reprise/core";
import type { Assignment, RemoteTask } from "./executor.ts";
import type { LaneState } from "./pool-lane.ts";
import type { PoolWorker } from "./pool-worker.ts";
import type { AnswerMessage, TaskMessage } from "./protocol.ts";
import type { WorkerKind } from "./worker-kind.ts";

/** What the pool does for a task. */
export interface PoolTaskHost {
  /** It is told to stop. */
  canceled(task: PoolTask, reason: string): void;
  /** Its body waits for others, or no longer does. */
  waitingChanged(task: PoolTask): void;
  /** It has no part in anything any more. */
  over(task: PoolTask): void;
}

/** A task of the pool, from its start to its one end. */
export class PoolTask implements RemoteTask {
  readonly assignment: Assignment;
  readonly lane: LaneState;
  readonly kind: WorkerKind;
  /** Place in the order in which tasks have come. */
  readonly order: number;
  /** The worker that has it; undefined while it waits for one. */
  worker: PoolWorker | undefined = undefined;
  hasBegun = false;
  isCanceled = false;
  /** Whether its worker was asked to give it back. */
  isRecalled = false;
  /** Whether it takes one of the places of its lane. */
  isCounted = false;
  /** As often its worker was lost when it was the next to begin. */
  deaths = 0;
  /** When it came first at its worker, by `performance.now()`. */
  firstSince = 0;
  #startedAt = 0;
  #isOver = false;
  #waits: Set<number> | undefined = undefined;
  #hasWaited = false;
  #toldWaits: string | undefined = undefined;
  readonly #host: PoolTaskHost;

  constructor(assignment: Assignment, lane: LaneState, kind: WorkerKind, host: PoolTaskHost) {
    this.order = lane.nextOrder();
    this.assignment = assignment;
    this.lane = lane;
    this.kind = kind;
    this.#host = host;
  }

  get id(): string {
    return this.assignment.message.task;
  }

  get func(): string {
    return this.assignment.message.func;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the body waits, as far as it has said: one of several values it waits for may let it go on. */
  get isWaiting(): boolean {
    return this.#waits !== undefined && this.#waits.size > 0;
  }

  /** Milliseconds that the body has taken; undefined if that says nothing of the next one. */
  get took(): number | undefined {
    // By the clock that the worker has read, as this process may hear of the start late.
    return this.hasBegun && !this.#hasWaited && !this.isCanceled
      ? Math.max(0, Date.now() - this.#startedAt)
      : undefined;
  }

  get hasWaited(): boolean {
    return this.#hasWaited;
  }

  answer(message: Exclude<AnswerMessage, { readonly type: "cancel" }>): void {
    if (this.#isOver) return;
    this.worker?.send(message);
    this.#stopWaiting(message.wait);
  }

  cancel(reason: string): void {
    if (this.#isOver || this.isCanceled) return;
    this.isCanceled = true;
    this.#host.canceled(this, reason);
  }

  /** It has come first at its worker. */
  first(): void {
    this.firstSince = performance.now();
  }

  /** Takes what its worker says. */
  hear(message: TaskMessage): void {
    if (this.#isOver) return;
    switch (message.type) {
      case "started":
        if (this.hasBegun) return;
        this.hasBegun = true;
        this.#startedAt = message.time;
        break;
      case "await":
        this.#wait(message.wait);
        break;
      case "stopAwait":
        this.#stopWaiting(message.wait);
        break;
      case "result":
      case "failed":
        this.#isOver = true;
        this.#host.over(this);
        break;
      default:
    }
    this.assignment.receive(message);
  }

  /** It ends without an end of its own. */
  lose(failure: Failure, isFinal?: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.over(this);
    if (isFinal === undefined) this.assignment.lost(failure);
    else this.assignment.lost(failure, isFinal);
  }

  /** It was canceled, and will never begin. */
  withdraw(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.over(this);
    const failure = toFailure(new WorkerLostError("it was canceled before it began"));
    // Whoever cancels is not to hear of it before that has returned.
    queueMicrotask(() => this.assignment.lost(failure));
  }

  /** What it waits for before it can begin; undefined: nothing. */
  tellWaits(reason: string | undefined): void {
    if (this.#toldWaits === reason) return;
    this.#toldWaits = reason;
    this.assignment.waits(reason);
  }

  #wait(wait: number): void {
    this.#hasWaited = true;
    this.#waits ??= new Set();
    const was = this.isWaiting;
    this.#waits.add(wait);
    if (!was) this.#host.waitingChanged(this);
  }

  #stopWaiting(wait: number): void {
    if (this.#waits?.delete(wait) === true && this.#waits.size === 0) this.#host.waitingChanged(this);
  }
}
