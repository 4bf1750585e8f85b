import { type Failure, RepriseError, toFailure } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import type { AnswerMessage, CancelMessage, RecalledMessage, TaskMessage } from "../workers/protocol.ts";
import { lostFailure } from "../workers/lost-failure.ts";
import { mostFailures, type PoolPlan, type PoolSituation, planPool, waitReason } from "./pool-plan.ts";
import type { PoolTask } from "./pool-task.ts";
import { Replica } from "./replica.ts";
import type { PoolSpec, PoolState } from "./supervisor-protocol.ts";

/** Times of a pool, in milliseconds. */
export interface PoolTimes {
  /** That a canceled body has to stop. */
  readonly stop: number;
  /** That a process has to end. */
  readonly grace: number;
  /** From one sign of life of a replica to the next. */
  readonly heartbeat: number;
  /** Without a sign of life, after which a replica that executes something is lost. */
  readonly silence: number;
}

/** Which pool, and whom it tells what. */
export interface PoolOptions {
  readonly id: string;
  readonly spec: PoolSpec;
  /** Folder of the home. */
  readonly home: string;
  readonly times: PoolTimes;
  /** Names the next replica. */
  readonly nextId: () => string;
  readonly log: (text: string) => void;
  /** It has no tasks any more, for now. */
  readonly idle: () => void;
  /** It takes no further tasks. */
  readonly closing: () => void;
  /** All its processes have ended. */
  readonly ended: () => void;
}

/** So many events are kept. */
const mostEvents = 50;
/** So often a task may lose its replica before it began. */
const mostMoves = 3;
/** So many replicas in a row may end by themselves before they have finished a task, and be replaced at once. */
const freeDeaths = 2;
/** Milliseconds before the next is replaced; each further one waits twice as long. */
const firstDelay = 100;
const longestDelay = 30_000;
/** Milliseconds after which tasks hear that others are before them no longer, or something else has changed. */
const reasonInterval = 500;

/** The replicas of one actor, and the tasks that wait for them. What is to be done is decided in `pool-plan.ts`. */
export class Pool {
  readonly id: string;
  readonly ended: Promise<void>;
  #spec: PoolSpec;
  readonly #options: PoolOptions;
  readonly #replicas = new Map<string, Replica>();
  readonly #events: { readonly time: number; readonly text: string }[] = [];
  readonly #createdAt = Date.now();
  readonly #over = Promise.withResolvers<void>();
  #queue: PoolTask[] = [];
  #lastUsedAt = Date.now();
  #isDraining = false;
  #isOver = false;
  #failures = 0;
  #lastFailureAt = 0;
  /** How many replicas that were ready have ended by themselves, since a task was finished. */
  #deaths = 0;
  #notBefore = 0;
  /** What the replicas said that could not start. */
  readonly #problems = new Set<string>();
  #isLooking = false;
  #wake: NodeJS.Timeout | undefined = undefined;
  #tell: NodeJS.Timeout | undefined = undefined;

  constructor(options: PoolOptions) {
    this.id = options.id;
    this.#spec = options.spec;
    this.#options = options;
    this.ended = this.#over.promise;
    this.#note("created");
  }

  get spec(): PoolSpec {
    return this.#spec;
  }

  get name(): string {
    return this.#spec.definition.name;
  }

  /** Whether it has tasks. */
  get isBusy(): boolean {
    return this.#queue.length > 0 || [...this.#replicas.values()].some(({ tasks }) => tasks > 0);
  }

  /** A driver knows the pool, too: replicas that start from now on get its environment variables. */
  renew(spec: PoolSpec): void {
    this.#spec = spec;
  }

  /** Takes a task. Only before `closing` was told. */
  assign(task: PoolTask): void {
    this.#lastUsedAt = Date.now();
    this.#notBefore = 0;
    // Nobody has tried since it was given up.
    const serves = [...this.#replicas.values()].some(({ state }) => state !== "ending");
    if (this.#failures >= mostFailures && !serves) this.#forgetFailures();
    this.#queue.push(task);
    this.#look();
  }

  /** Hands on what a body waits for. */
  answer(task: PoolTask, message: Exclude<AnswerMessage, CancelMessage>): void {
    task.waits.delete(message.wait);
    task.replica?.answer(message);
  }

  /** A task no longer counts. Its body is told to stop; one that has not begun never will. */
  cancel(task: PoolTask, reason: string): void {
    if (task.canceled !== undefined) return;
    task.canceled = reason;
    const { replica } = task;
    if (replica === undefined) {
      this.#queue = this.#queue.filter((other) => other !== task);
      task.owner.over(task);
    } else {
      replica.answer({ type: "cancel", task: task.id, reason });
      task.patience = setTimeout(() => {
        task.isStuck = true;
        this.#note(`${replica.id} takes no tasks, as a canceled body does not stop: ${task.label}`);
        this.#look();
      }, this.#options.times.stop);
    }
    this.#lastUsedAt = Date.now();
    this.#look();
  }

  /** Ends when the tasks that it has are over. */
  drain(): void {
    if (this.#isDraining || this.#isOver) return;
    this.#isDraining = true;
    this.#note("stopped: it ends when its tasks are over");
    this.#options.closing();
    this.#look();
  }

  /**
   * Ends now: bodies are told to stop, and are lost.
   *
   * @returns the tasks that have not begun.
   */
  stop(reason: string): readonly PoolTask[] {
    if (!this.#isOver) this.#close(`stopped: ${reason}`);
    const unbegun = this.#queue;
    this.#queue = [];
    for (const replica of this.#replicas.values()) {
      for (const task of replica.all()) {
        replica.answer({ type: "cancel", task: task.id, reason });
        this.#lose(task, lostFailure(`its actor ${this.name} was stopped: ${reason}`), unbegun);
      }
      replica.end(reason);
    }
    return unbegun;
  }

  snapshot(): PoolState {
    const { definition, codeVersion } = this.#spec;
    return {
      id: this.id,
      name: this.name,
      state: this.#isDraining || this.#isOver ? "draining" : this.isBusy ? "active" : "idle",
      definition: { ...definition, env: Object.keys(definition.env) },
      codeVersion,
      createdAt: this.#createdAt,
      lastUsedAt: this.#lastUsedAt,
      queued: this.#queue.length,
      replicas: [...this.#replicas.values()].map((replica) => replica.snapshot()),
      events: this.#events,
    };
  }

  /** Decides at the end of the tick, once for all that has happened in it. */
  #look(): void {
    if (this.#isLooking || this.#isOver) return;
    this.#isLooking = true;
    queueMicrotask(() => {
      this.#isLooking = false;
      if (!this.#isOver) this.#follow(planPool(this.#situation()));
    });
  }

  #situation(): PoolSituation & { readonly queue: readonly PoolTask[] } {
    return {
      definition: this.#spec.definition,
      now: Date.now(),
      replicas: [...this.#replicas.values()],
      queue: this.#queue,
      lastUsedAt: this.#lastUsedAt,
      isDraining: this.#isDraining,
      failures: this.#failures,
      lastFailureAt: this.#lastFailureAt,
      notBefore: this.#notBefore,
    };
  }

  #follow({ assign, start, end, fails, ends, wakeAt }: PoolPlan<PoolTask>): void {
    for (const { task, replica } of assign) {
      this.#replicas.get(replica)?.take(task);
      this.#tellReason(task, undefined);
    }
    if (assign.length > 0) this.#queue = this.#queue.filter(({ replica }) => replica === undefined);
    for (const { replica, reason, kill } of end) {
      const found = this.#replicas.get(replica);
      this.#note(`${replica} ends: ${reason}`);
      if (kill) found?.kill(`${reason} (${found.all()[0]?.canceled ?? ""})`);
      else found?.end(reason);
    }
    if (ends !== undefined) this.#close(ends);
    for (let count = 0; count < start; count += 1) this.#start();
    if (fails) this.#failQueue();
    if (ends === undefined && !this.isBusy) this.#options.idle();
    clearTimeout(this.#wake);
    if (wakeAt !== undefined) {
      // No timer is longer than this; the next look sees that it is too early.
      const delay = Math.min(Math.max(1, wakeAt - Date.now()), 2 ** 31 - 1);
      this.#wake = setTimeout(() => this.#look(), delay);
    }
    this.#tellNewReasons();
  }

  #start(): void {
    const { times, home, nextId } = this.#options;
    const id = nextId();
    const replica = new Replica({
      id,
      home,
      spec: this.#spec,
      times,
      ready: () => {
        this.#forgetFailures();
        this.#note(`${id} is ready`);
        this.#look();
      },
      failed: (error) => this.#failed(id, error),
      heard: (message) => this.#hear(replica, message),
      output: (stream, line) => this.#print(replica, stream, line),
      ended: (failure) => this.#replicaEnded(replica, failure),
    });
    this.#replicas.set(id, replica);
    this.#note(
      `${id} starts: ${this.#queue.length > 0 ? `${this.#queue.length} waiting` : "at least so many are kept"}`,
    );
  }

  #failed(id: string, error: unknown): void {
    const problem = messageOf(error);
    this.#failures += 1;
    this.#lastFailureAt = Date.now();
    this.#problems.add(problem);
    this.#note(`${id} could not start: ${problem}`);
    this.#look();
  }

  #forgetFailures(): void {
    this.#failures = 0;
    this.#problems.clear();
  }

  #failQueue(): void {
    const reasons = [...this.#problems].join("\n");
    const error = new RepriseError(
      "ACTOR_FAILED",
      `No replica of actor ${this.name} can be had: ${this.#failures} in a row could not start.\n${reasons}`,
    );
    const { stack: _, ...failure } = toFailure(error);
    const all = this.#queue;
    this.#queue = [];
    for (const task of all) this.#sayLost(task, failure, true);
    this.#note(`${all.length} waiting given up`);
  }

  #hear(replica: Replica, message: TaskMessage | RecalledMessage): void {
    const task = replica.get(message.task);
    // What comes for a task that was lost, or is unknown, is too late.
    if (task === undefined || message.type === "recalled") return;
    const { type } = message;
    if (type === "started") task.startedAt = message.time;
    else if (type === "stopAwait") task.waits.delete(message.wait);
    else if (type === "await") {
      task.waits.add(message.wait);
      this.#tellReasonsSoon();
    }
    task.owner.send({ type: "task", message, replica: replica.id });
    if (type !== "result" && type !== "failed") return;
    this.#deaths = 0;
    replica.remove(task, true);
    clearTimeout(task.patience);
    task.owner.over(task);
    this.#lastUsedAt = Date.now();
    this.#look();
  }

  /** What no body has written belongs to the only task that executes; else to nobody. */
  #print(replica: Replica, stream: "stdout" | "stderr", text: string): void {
    const task = replica.onlyTask();
    if (task === undefined) {
      this.#options.log(`${replica.id}: ${text}`);
      return;
    }
    const level = stream === "stdout" ? "info" : "error";
    const message = { type: "log", task: task.id, stream, level, text, time: Date.now() } as const;
    task.owner.send({ type: "task", message, replica: replica.id });
  }

  #replicaEnded(replica: Replica, failure: Failure): void {
    this.#replicas.delete(replica.id);
    if (replica.diedYoung) this.#delayNext();
    this.#note(`${replica.id} has ended: ${failure.message}`);
    const unbegun: PoolTask[] = [];
    for (const task of replica.all()) this.#lose(task, failure, unbegun);
    this.#queue.unshift(...unbegun);
    if (this.#isOver && this.#replicas.size === 0) {
      this.#over.resolve();
      this.#options.ended();
    }
    this.#look();
  }

  /** Where replicas end as soon as they are ready, a minimum of them would be started again and again without a pause. */
  #delayNext(): void {
    this.#deaths += 1;
    const delay = firstDelay * 2 ** (this.#deaths - freeDeaths - 1);
    if (this.#deaths > freeDeaths) this.#notBefore = Date.now() + Math.min(longestDelay, delay);
  }

  /** A task has lost its replica. One that had not begun is given back, to be moved. */
  #lose(task: PoolTask, failure: Failure, unbegun: PoolTask[]): void {
    const { replica } = task;
    replica?.remove(task, false);
    task.replica = undefined;
    clearTimeout(task.patience);
    if (task.startedAt !== null || task.moves >= mostMoves) {
      this.#sayLost(task, failure, false);
    } else if (task.canceled !== undefined) {
      task.owner.over(task);
    } else {
      task.moves += 1;
      unbegun.push(task);
    }
  }

  #sayLost(task: PoolTask, failure: Failure, isFinal: boolean): void {
    task.owner.send({ type: "lost", task: task.id, failure, isFinal });
    task.owner.over(task);
  }

  /** It takes no further tasks, and all its replicas end. */
  #close(reason: string): void {
    this.#isOver = true;
    this.#note(reason);
    clearTimeout(this.#wake);
    clearTimeout(this.#tell);
    if (!this.#isDraining) this.#options.closing();
    if (this.#replicas.size > 0) return;
    this.#over.resolve();
    this.#options.ended();
  }

  #tellNewReasons(): void {
    if (this.#queue.length === 0) return;
    const situation = this.#situation();
    // They are the last.
    for (let before = this.#queue.length - 1; before >= 0; before -= 1) {
      const task = this.#queue[before];
      if (task === undefined || task.reason !== undefined) break;
      this.#tellReason(task, waitReason(situation, before));
    }
    this.#tellReasonsSoon();
  }

  /** Who waits hears of changes only so often: with many in the queue, every end of a task changes what all wait for. */
  #tellReasonsSoon(): void {
    if (this.#tell !== undefined || this.#queue.length === 0 || this.#isOver) return;
    this.#tell = setTimeout(() => {
      this.#tell = undefined;
      const situation = this.#situation();
      for (const [before, task] of this.#queue.entries()) this.#tellReason(task, waitReason(situation, before));
    }, reasonInterval);
  }

  #tellReason(task: PoolTask, reason: string | undefined): void {
    if (task.reason === reason) return;
    task.reason = reason;
    task.owner.send({ type: "waits", task: task.id, reason: reason ?? null });
  }

  #note(text: string): void {
    this.#events.push({ time: Date.now(), text });
    if (this.#events.length > mostEvents) this.#events.shift();
    this.#options.log(`pool ${this.name} ${this.id.slice(0, 8)}: ${text}`);
  }
}
