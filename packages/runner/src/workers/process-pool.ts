import { performance } from "node:perf_hooks";
import { totalmem } from "node:os";
import { type Failure, RepriseError, toFailure } from "@reprise/core";
import { outsideBodies } from "../context.ts";
import { messageOf } from "../message-of.ts";
import { BodyTimes } from "./body-times.ts";
import type { Assignment, Executor, ExecutorLane, RemoteTask } from "./executor.ts";
import { lostFailure } from "./lost-failure.ts";
import { memoryBytes } from "./memory-limit.ts";
import { LaneState } from "./pool-lane.ts";
import { PoolTask, type PoolTaskHost } from "./pool-task.ts";
import { PoolWorker, type PoolWorkerHost, type PoolWorkerOptions } from "./pool-worker.ts";
import { workerProtocol, type WireProgram } from "./protocol.ts";
import { surroundingsNow, WorkerKind } from "./worker-kind.ts";

/** Which program the workers of a pool execute, and how patient the pool is with them. */
export interface ProcessPoolOptions extends Omit<PoolWorkerOptions, "hello"> {
  /** Folder of the home. */
  readonly home: string;
  readonly program: WireProgram;
  /** Milliseconds after which a worker that has nothing to do ends. Default: 30,000. */
  readonly idleMs?: number | undefined;
  /** Milliseconds that a body which was told to stop has before its process gets SIGTERM. Default: 2,000. */
  readonly stopMs?: number | undefined;
  /** Milliseconds between signs of life of a worker. Default: 5,000. */
  readonly heartbeatMs?: number | undefined;
}

const defaultIdle = 30_000;
const defaultStop = 2_000;
const defaultHeartbeat = 5_000;
/** Bodies that take less, in ms, are handed over before there is a place: the way to a worker takes about as long. */
const shortBody = 3;
/** So many tasks above the limit a lane with such bodies may hand over, times the limit. */
const backlogFactor = 8;
/** A busy worker is given work for so many ms ahead, in at most {@link backlogFactor} tasks. */
const workAhead = 1;
/** After so many ms a body is slow: tasks behind it go elsewhere. */
const slowBody = 20;
/** As many workers of other kinds as the largest limit of a lane, times this, may have nothing to do; more are ended. */
const idleFactor = 2;
/** A worker without a limit that has grown beyond this, in bytes, is not used again. */
const mostMemory = totalmem() / 4;
/** A task is handed on at most so often because its worker was lost when it was about to begin: it may be what kills it. */
const mostDeaths = 3;

/**
 * Executes standalone bodies in worker processes of this one, one body in each at a time. Workers are started when they
 * are needed and used again for tasks with the same limit of memory; those that have nothing to do end after a while, and
 * with this process. How many bodies may execute is up to the lanes: a body that waits for others keeps its worker, and
 * those others get workers of their own.
 */
export class ProcessPool implements Executor, AsyncDisposable {
  readonly #options: ProcessPoolOptions;
  readonly #workerOptions: PoolWorkerOptions;
  readonly #lanes = new WeakMap<ExecutorLane, LaneState>();
  readonly #kinds = new Map<string, WorkerKind>();
  readonly #workers = new Set<PoolWorker>();
  readonly #funcTimes = new BodyTimes();
  readonly #laneTimes = new BodyTimes();
  /** Keeps this process alive while there are tasks; workers themselves never do. */
  readonly #keeper = setInterval(() => undefined, 2 ** 31 - 1).unref();
  #tasks = 0;
  #largestLimit = 0;
  #slowWatch: NodeJS.Timeout | undefined;
  #idleWatch: NodeJS.Timeout | undefined;
  #isDisposed = false;
  readonly #taskHost: PoolTaskHost;
  readonly #workerHost: PoolWorkerHost;

  constructor(options: ProcessPoolOptions) {
    const { home, program, heartbeatMs = defaultHeartbeat, idleMs: _idle, stopMs: _stop, ...rest } = options;
    this.#options = options;
    this.#workerOptions = {
      ...rest,
      hello: {
        type: "hello",
        protocol: workerProtocol,
        home,
        program,
        actor: null,
        heartbeat: heartbeatMs,
        memory: null,
      },
    };
    this.#taskHost = {
      canceled: (task, reason) => this.#canceled(task, reason),
      waitingChanged: (task) => this.#waitingChanged(task),
      over: (task) => this.#taskOver(task),
    };
    this.#workerHost = {
      ready: (worker) => this.#ready(worker),
      failed: (worker, failure, isFinal) => this.#failed(worker, failure, isFinal),
      ended: (worker, failure, tasks) => this.#ended(worker, failure, tasks),
      recalled: (worker, task, wasFirst) => this.#recalled(worker, task, wasFirst),
    };
  }

  start(assignment: Assignment): RemoteTask {
    let lane: LaneState;
    try {
      lane = this.#laneOf(assignment.lane);
    } catch (error) {
      return refused(assignment, error);
    }
    const task = new PoolTask(assignment, lane, this.#kindOf(lane, assignment.resources?.memory), this.#taskHost);
    this.#tasks += 1;
    if (this.#tasks === 1) this.#keeper.ref();
    // Whoever starts a task is not to hear of its end before that has returned.
    if (this.#isDisposed) queueMicrotask(() => task.lose(toFailure(disposed()), true));
    else this.#place(task);
    return task;
  }

  backlog({ name, limit }: ExecutorLane): number {
    return this.#laneTimes.mean(name) < shortBody ? backlogFactor * limit : 0;
  }

  /** Numbers of the processes that are alive. */
  get pids(): number[] {
    return Array.from(this.#workers, ({ process: { pid } }) => pid).filter((pid) => pid !== undefined);
  }

  /**
   * Ends workers that have nothing to do; done when they are gone.
   *
   * @param since only those that have had nothing to do since then, by `performance.now()`.
   */
  async endIdle(since = Number.POSITIVE_INFINITY): Promise<void> {
    const ends: Promise<void>[] = [];
    for (const { idle } of this.#kinds.values()) {
      for (const worker of idle.filter(({ idleSince }) => idleSince <= since)) {
        idle.splice(idle.indexOf(worker), 1);
        ends.push(worker.process.end());
      }
    }
    await Promise.all(ends);
  }

  /** Ends all workers; bodies that still execute are lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#idleWatch);
    clearTimeout(this.#slowWatch);
    const ends = Array.from(this.#workers, ({ tasks, process: worker }) =>
      tasks.length === 0 ? worker.end() : worker.kill("its pool was disposed of"),
    );
    await Promise.all(ends);
    clearInterval(this.#keeper);
  }

  #laneOf(lane: ExecutorLane): LaneState {
    let state = this.#lanes.get(lane);
    if (state === undefined) {
      this.#lanes.set(lane, (state = new LaneState(lane, surroundingsNow())));
      this.#largestLimit = Math.max(this.#largestLimit, lane.limit);
    }
    return state;
  }

  #kindOf({ surroundings, kinds }: LaneState, amount = ""): WorkerKind {
    let kind = kinds.get(amount);
    if (kind === undefined) {
      const key = `${amount} ${surroundings.key}`;
      kind = this.#kinds.get(key) ?? new WorkerKind(key, surroundings, memoryBytes(amount));
      this.#kinds.set(key, kind);
      kinds.set(amount, kind);
    }
    return kind;
  }

  /** Finds a worker for a task, or keeps it until there is one. */
  #place(task: PoolTask): void {
    const { lane } = task;
    if (lane.held.length === 0) {
      if (lane.hasPlace) {
        this.#assign(task);
        return;
      }
      if (this.#queue(task)) return;
    }
    lane.hold(task);
  }

  /** Gives a task a worker of its own; there is a place for it. */
  #assign(task: PoolTask): void {
    const { kind, lane } = task;
    if (this.#isDisposed) {
      task.lose(toFailure(disposed()), true);
      return;
    }
    lane.count(task);
    const worker = this.#idleOf(kind);
    if (worker !== undefined) {
      this.#give(worker, task);
      return;
    }
    kind.waiting.push(task);
    task.tellWaits("a worker process, which is being started");
    this.#startWorkers(kind);
  }

  #give(worker: PoolWorker, task: PoolTask): void {
    worker.kind.busy.add(worker);
    worker.give(task);
    this.#fill(worker, task.lane);
  }

  /** Has a busy worker do a very short task next: there is no place for it, but there will be before it has arrived. */
  #queue(task: PoolTask): boolean {
    const depth = this.#depthFor(task.func);
    if (depth === 0) return false;
    let best: PoolWorker | undefined;
    for (const worker of task.kind.busy) {
      if (worker.tasks.length >= (best?.tasks.length ?? Infinity) || !this.#takesMore(worker, task, depth)) continue;
      best = worker;
      if (worker.tasks.length === 1) break;
    }
    best?.give(task);
    if (best !== undefined) this.#watchSlow();
    return best !== undefined;
  }

  /** How many tasks of a func may be given to a busy worker. */
  #depthFor(func: string): number {
    const mean = this.#funcTimes.mean(func);
    return mean < shortBody ? Math.min(backlogFactor, Math.max(1, Math.ceil(workAhead / mean))) : 0;
  }

  #takesMore(worker: PoolWorker, task: PoolTask, depth: number): boolean {
    const [first] = worker.tasks;
    return (
      first !== undefined &&
      worker.tasks.length <= depth &&
      first.lane === task.lane &&
      !first.hasWaited &&
      !first.isCanceled &&
      worker.isUsable &&
      this.#depthFor(first.func) > 0 &&
      performance.now() - first.firstSince < slowBody
    );
  }

  /** Gives a busy worker what it may have ahead. */
  #fill(worker: PoolWorker, { held }: LaneState): void {
    for (;;) {
      const [task] = held;
      if (task === undefined || task.kind !== worker.kind) return;
      const depth = this.#depthFor(task.func);
      if (depth === 0 || !this.#takesMore(worker, task, depth)) return;
      held.shift();
      worker.give(task);
      this.#watchSlow();
    }
  }

  #taskOver(task: PoolTask): void {
    const { lane, kind, worker, func, took } = task;
    this.#tasks -= 1;
    if (this.#tasks === 0) this.#keeper.unref();
    lane.uncount(task);
    if (took !== undefined) {
      this.#funcTimes.add(func, took);
      this.#laneTimes.add(lane.lane.name, took);
    }
    if (worker === undefined) {
      for (const list of [lane.held, kind.waiting]) if (list.includes(task)) list.splice(list.indexOf(task), 1);
    } else {
      const wasFirst = worker.tasks[0] === task;
      worker.remove(task);
      if (wasFirst) this.#goOn(worker, lane);
    }
    this.#pump(lane);
  }

  /** The first task of a worker is over, or was moved; what its lane holds comes after this. */
  #goOn(worker: PoolWorker, lane: LaneState): void {
    const { kind, tasks } = worker;
    const [first] = tasks;
    if (first !== undefined) {
      if (!first.isCanceled) lane.count(first);
      this.#fill(worker, lane);
      return;
    }
    kind.busy.delete(worker);
    if (!worker.isUsable) return;
    if (isWornOut(worker)) {
      void worker.process.end();
      return;
    }
    this.#free(worker);
  }

  /** A worker has nothing to do. */
  #free(worker: PoolWorker): void {
    const { kind } = worker;
    const next = kind.waiting.shift();
    if (next !== undefined) {
      this.#give(worker, next);
      return;
    }
    worker.idleSince = performance.now();
    kind.idle.push(worker);
    if (this.#kinds.size > 1) this.#endSurplus(kind);
    this.#watchIdle();
  }

  /** Where each task wants other surroundings, or another limit of memory, workers that nobody needs again would pile up. */
  #endSurplus(latest: WorkerKind): void {
    const others = Array.from(this.#kinds.values(), (kind) => (kind === latest ? [] : kind.idle)).flat();
    const surplus = others.length - idleFactor * this.#largestLimit;
    if (surplus <= 0) return;
    const since = others.map(({ idleSince }) => idleSince).sort((a, b) => a - b)[surplus - 1] as number;
    void this.endIdle(since);
  }

  /** Takes what is held, as far as there are places. */
  #pump(lane: LaneState): void {
    while (lane.hasPlace) {
      const task = lane.held.shift();
      if (task === undefined) return;
      this.#assign(task);
    }
  }

  #idleOf({ idle }: WorkerKind): PoolWorker | undefined {
    for (;;) {
      const worker = idle.pop();
      if (worker === undefined || worker.isUsable) return worker;
    }
  }

  #startWorkers(kind: WorkerKind): void {
    while (kind.starting < kind.waiting.length) {
      kind.starting += 1;
      // What it says later belongs to no body that happens to execute now.
      outsideBodies(() => this.#workers.add(new PoolWorker(kind, this.#workerOptions, this.#workerHost)));
    }
  }

  #ready(worker: PoolWorker): void {
    worker.kind.starting -= 1;
    this.#free(worker);
  }

  #failed({ kind }: PoolWorker, failure: Failure, isFinal: boolean): void {
    kind.starting -= 1;
    const isForAll = isFinal || this.#isDisposed;
    // While another worker goes on, it will be there for them.
    const count = isForAll ? kind.waiting.length : Number(!kind.goesOn);
    // One that was killed before it was ready says nothing of the next.
    const told = isForAll ? failure : lostFailure(failure.message);
    for (const task of kind.waiting.splice(0, count)) task.lose(told, isForAll);
    if (!kind.goesOn) this.#startWorkers(kind);
    this.#forget(kind);
  }

  #ended(worker: PoolWorker, failure: Failure, tasks: readonly PoolTask[]): void {
    const { kind } = worker;
    this.#workers.delete(worker);
    kind.busy.delete(worker);
    if (kind.idle.includes(worker)) kind.idle.splice(kind.idle.indexOf(worker), 1);
    const [first] = tasks;
    for (const task of tasks) task.lane.uncount(task);
    for (const task of tasks) {
      if (task === first && !task.hasBegun) task.deaths += 1;
      if (task.hasBegun || task.deaths === mostDeaths || this.#isDisposed) task.lose(failure);
      else if (task.isCanceled) task.withdraw();
      else this.#place(task);
    }
    if (first !== undefined) this.#pump(first.lane);
    this.#startWorkers(kind);
    this.#forget(kind);
  }

  /** Lets go of a kind that has no workers: there may never be such surroundings again. */
  #forget(kind: WorkerKind): void {
    if (kind.isEmpty && this.#kinds.get(kind.key) === kind) this.#kinds.delete(kind.key);
  }

  #recalled(worker: PoolWorker, task: PoolTask, wasFirst: boolean): void {
    const { lane } = task;
    lane.uncount(task);
    if (task.isCanceled) task.withdraw();
    else this.#place(task);
    if (wasFirst) this.#goOn(worker, lane);
    this.#pump(lane);
  }

  #waitingChanged(task: PoolTask): void {
    const { lane, worker, func } = task;
    if (task.isCanceled || worker === undefined) return;
    if (!task.isWaiting) {
      lane.count(task);
      return;
    }
    this.#funcTimes.addWaiting(func);
    this.#laneTimes.addWaiting(lane.lane.name);
    lane.uncount(task);
    // It may wait for those behind it, and for those that wait for a worker.
    worker.recallRest();
    this.#pump(lane);
    this.#startWorkers(worker.kind);
  }

  #canceled(task: PoolTask, reason: string): void {
    const { worker, lane } = task;
    if (worker === undefined) {
      task.withdraw();
      return;
    }
    // One that has not begun never will: its worker says that it has failed.
    worker.send({ type: "cancel", task: task.id, reason });
    this.#stopLater(task, worker, reason);
    if (worker.tasks[0] !== task) return;
    lane.uncount(task);
    worker.recallRest();
    this.#pump(lane);
    this.#startWorkers(worker.kind);
  }

  /** Makes the process of a task end if its body does not. */
  #stopLater(task: PoolTask, worker: PoolWorker, reason: string): void {
    setTimeout(() => {
      if (task.isOver || task.worker !== worker) return;
      if (worker.tasks[0] === task) void worker.process.kill(`its body did not stop when it was told to: ${reason}`);
      else this.#stopLater(task, worker, reason);
    }, this.#options.stopMs ?? defaultStop).unref();
  }

  /** Sees to it that no task stays behind a body that takes longer than was to be expected. */
  #watchSlow(): void {
    this.#slowWatch ??= setTimeout(() => {
      this.#slowWatch = undefined;
      const now = performance.now();
      let isQueued = false;
      for (const worker of this.#workers) {
        const [first, next] = worker.tasks;
        if (first === undefined || next === undefined) continue;
        isQueued = true;
        if (now - first.firstSince > slowBody) worker.recallRest();
      }
      if (isQueued) this.#watchSlow();
    }, slowBody).unref();
  }

  #watchIdle(): void {
    const { idleMs = defaultIdle } = this.#options;
    this.#idleWatch ??= setTimeout(() => {
      this.#idleWatch = undefined;
      void this.endIdle(performance.now() - idleMs);
      if (this.#kinds.values().some(({ idle }) => idle.length > 0)) this.#watchIdle();
    }, idleMs).unref();
  }
}

/** The pools of this process, by home and program. */
const pools = new Map<string, ProcessPool>();

/**
 * The pool of this process for a program: its workers are shared by all pipeline runs.
 *
 * @example
 * ```ts
 * const task = poolOf({ home: home.path, program }).start(assignment);
 * ```
 */
export function poolOf({ home, program }: { readonly home: string; readonly program: WireProgram }): ProcessPool {
  const key = JSON.stringify([home, program]);
  let pool = pools.get(key);
  if (pool === undefined) pools.set(key, (pool = new ProcessPool({ home, program })));
  return pool;
}

/** Ends the workers for a home that have nothing to do; done when they are gone. */
export async function endIdleWorkers(home: string): Promise<void> {
  const own = [...pools].filter(([key]) => (JSON.parse(key) as readonly unknown[])[0] === home);
  await Promise.all(own.map(([, pool]) => pool.endIdle()));
}

/** Whether a worker has grown so much that the next body might suffer from what others have left. */
function isWornOut({ kind, process: { heartbeat } }: PoolWorker): boolean {
  const most = kind.memory === null ? mostMemory : kind.memory * 0.75;
  return (heartbeat?.memory ?? 0) > most;
}

/** A task for which not even a place to start processes is known: the working directory of this one has been removed. */
function refused(assignment: Assignment, cause: unknown): RemoteTask {
  const words = `A worker process cannot be started: the working directory is not there: ${messageOf(cause)}`;
  const failure = toFailure(new RepriseError("WORKER_FAILED", words, { cause }));
  queueMicrotask(() => assignment.lost(failure, true));
  return { answer: () => undefined, cancel: () => undefined };
}

function disposed(): RepriseError {
  return new RepriseError("WORKER_FAILED", "The pool of worker processes has been disposed of.");
}
