import { type Failure, toFailure } from "@reprise/core";
import type { PoolTask } from "./pool-task.ts";
import type { HelloMessage, RecalledMessage, TaskMessage, ToWorker } from "./protocol.ts";
import type { WorkerKind } from "./worker-kind.ts";
import { WorkerProcess, type WorkerProcessOptions } from "./worker-process.ts";

/** What the pool does for a worker. */
export interface PoolWorkerHost {
  ready(worker: PoolWorker): void;
  /** It cannot be had; `isFinal` if another one could not either. */
  failed(worker: PoolWorker, failure: Failure, isFinal: boolean): void;
  /** It has ended, with the tasks that it had not finished, in their order. */
  ended(worker: PoolWorker, failure: Failure, tasks: readonly PoolTask[]): void;
  /** A task has been given back. */
  recalled(worker: PoolWorker, task: PoolTask, wasFirst: boolean): void;
}

/** How worker processes of a pool are started, besides what their kind says. */
export type PoolWorkerOptions = Pick<WorkerProcessOptions, "graceMs" | "silenceMs" | "readyMs" | "entry"> & {
  readonly hello: HelloMessage;
};

/** A worker process of the pool, with the tasks it has been given: it executes the first. */
export class PoolWorker {
  readonly kind: WorkerKind;
  readonly process: WorkerProcess;
  readonly tasks: PoolTask[] = [];
  isReady = false;
  /** When it had nothing to do any more, by `performance.now()`. */
  idleSince = 0;
  readonly #host: PoolWorkerHost;
  /**
   * Funcs that it has executed. Of bodies that are over in no time a worker says that they begin only a moment later: the
   * first task may have begun unheard, and must not be executed twice as one attempt.
   */
  readonly #known = new Set<string>();
  #isOver = false;
  #wasReady = false;

  constructor(kind: WorkerKind, { hello, ...options }: PoolWorkerOptions, host: PoolWorkerHost) {
    const { surroundings, memory } = kind;
    this.kind = kind;
    this.#host = host;
    this.process = new WorkerProcess({
      ...options,
      ...surroundings,
      hello: { ...hello, memory },
      heard: (message) => this.#hear(message),
      output: (stream, line) => this.#write(stream, line),
      ended: (failure) => this.#end(failure),
    });
    // The pool itself keeps the process alive while there are tasks.
    this.process.unref();
    this.process.ready.then(
      () => {
        this.#wasReady = true;
        if (this.process.isEnding) return;
        this.isReady = true;
        host.ready(this);
      },
      (error: unknown) => {
        host.failed(this, toFailure(error), this.process.isUnable);
      },
    );
  }

  /** Whether it can be given a task. */
  get isUsable(): boolean {
    return this.isReady && !this.#isOver && !this.process.isEnding;
  }

  give(task: PoolTask): void {
    task.worker = this;
    task.isRecalled = false;
    task.tellWaits(undefined);
    if (this.tasks.push(task) === 1) task.first();
    this.process.send(task.assignment.message);
  }

  send(message: ToWorker): void {
    this.process.send(message);
  }

  /**
   * Asks for all tasks but the first, which has begun or is about to. They come back by {@link PoolWorkerHost.recalled},
   * unless they have begun.
   */
  recallRest(): void {
    for (const task of this.tasks.slice(1)) {
      if (task.hasBegun || task.isRecalled) continue;
      task.isRecalled = true;
      this.send({ type: "recall", task: task.id });
    }
  }

  /** Forgets a task that is over, or was given back. */
  remove(task: PoolTask): void {
    const at = this.tasks.indexOf(task);
    if (at < 0) return;
    this.tasks.splice(at, 1);
    task.worker = undefined;
    if (at === 0) this.tasks[0]?.first();
  }

  #hear(message: TaskMessage | RecalledMessage): void {
    // Messages about a task that it does not have are late, or repeated.
    const task = this.tasks.find(({ id }) => id === message.task);
    if (task === undefined) return;
    if (message.type === "result" || message.type === "failed") this.#known.add(task.func);
    if (message.type !== "recalled") task.hear(message);
    else if (!task.hasBegun) {
      const wasFirst = this.tasks[0] === task;
      this.remove(task);
      this.#host.recalled(this, task, wasFirst);
    }
  }

  /** A line that no body is known to have written belongs to the one that executes. */
  #write(stream: "stdout" | "stderr", line: string): void {
    const [task] = this.tasks;
    if (task !== undefined) {
      const level = stream === "stdout" ? "info" : "error";
      task.hear({ type: "log", task: task.id, stream, level, text: line, time: Date.now() });
    } else if (this.isReady) {
      // What a program prints while it is loaded, this process has printed itself.
      process[stream].write(`${line}\n`);
    }
  }

  #end(failure: Failure): void {
    this.#isOver = true;
    const tasks = this.tasks.splice(0);
    const [first] = tasks;
    if (first !== undefined && this.#known.has(first.func)) first.hasBegun = true;
    for (const task of tasks) task.worker = undefined;
    this.#host.ended(this, failure, tasks);
    // It has ended the moment it was ready.
    if (this.#wasReady && !this.isReady) this.#host.failed(this, failure, false);
  }
}
