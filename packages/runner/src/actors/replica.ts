import type { Failure } from "@reprise/core";
import { memoryBytes } from "../workers/memory-limit.ts";
import type { AnswerMessage, RecalledMessage, TaskId, TaskMessage } from "../workers/protocol.ts";
import { workerProtocol } from "../workers/protocol.ts";
import { WorkerProcess } from "../workers/worker-process.ts";
import type { PoolTimes } from "./pool.ts";
import type { PlannedReplica } from "./pool-plan.ts";
import type { PoolTask } from "./pool-task.ts";
import type { PoolSpec, ReplicaState } from "./supervisor-protocol.ts";

/** So long, in ms, a replica may take to load the program and to warm up. */
const longestStart = 30 * 60_000;
/** So many affinity keys a replica is known by; of more, the latest. */
const mostKeys = 10_000;

/** Which replica to start, and whom it tells what. */
export interface ReplicaOptions {
  readonly id: string;
  /** Folder of the home. */
  readonly home: string;
  readonly spec: PoolSpec;
  readonly times: PoolTimes;
  /** It takes tasks from now on. */
  readonly ready: () => void;
  /** It cannot serve, with the reason. */
  readonly failed: (error: unknown) => void;
  readonly heard: (message: TaskMessage | RecalledMessage) => void;
  readonly output: (stream: "stdout" | "stderr", line: string) => void;
  /** Its process is gone; called once, last. */
  readonly ended: (failure: Failure) => void;
}

/** A replica: a worker process that executes tasks of one actor, several at once if its concurrency allows. */
export class Replica implements PlannedReplica {
  readonly id: string;
  readonly startedAt = Date.now();
  readonly #tasks = new Map<TaskId, PoolTask>();
  readonly #process: WorkerProcess;
  readonly #seen = new Set<string>();
  #isReady = false;
  #isEnding = false;
  #done = 0;
  idleSince = this.startedAt;

  constructor(options: ReplicaOptions) {
    const { id, home, spec, times } = options;
    const { name, concurrency, isolation, resources } = spec.definition;
    this.id = id;
    this.#process = new WorkerProcess({
      hello: {
        type: "hello",
        protocol: workerProtocol,
        home,
        program: spec.program,
        actor: { name, concurrency, isolation, replica: id },
        heartbeat: times.heartbeat,
        memory: memoryBytes(resources?.memory),
      },
      execArgv: spec.execArgv,
      cwd: spec.cwd,
      // Nothing of the supervisor's own environment, which is that of whoever happened to start it.
      env: { ...spec.env, ...spec.definition.env },
      entry: new URL(spec.worker),
      heard: options.heard,
      output: options.output,
      ended: options.ended,
      graceMs: times.grace,
      silenceMs: times.silence,
      readyMs: longestStart,
    });
    this.#process.ready.then(
      () => {
        if (this.#isEnding) return;
        this.#isReady = true;
        this.idleSince = Date.now();
        options.ready();
      },
      (error: unknown) => {
        if (this.#isEnding) return;
        this.#isEnding = true;
        options.failed(error);
      },
    );
  }

  get state(): ReplicaState["state"] {
    if (this.#isEnding || this.#process.isEnding) return "ending";
    return this.#isReady ? "ready" : "starting";
  }

  get tasks(): number {
    return this.#tasks.size;
  }

  get stuck(): number {
    return count(this.#tasks.values(), (task) => task.isStuck);
  }

  get waiting(): number {
    return count(this.#tasks.values(), (task) => task.waits.size > 0);
  }

  /** Whether it has ended by itself, though it was ready, and has not finished a task. */
  get diedYoung(): boolean {
    return this.#isReady && !this.#isEnding && this.#done === 0;
  }

  hasSeen(key: string): boolean {
    return this.#seen.has(key);
  }

  holds(task: TaskId): boolean {
    return this.#tasks.has(task);
  }

  get(task: TaskId): PoolTask | undefined {
    return this.#tasks.get(task);
  }

  /** All that it has, in the order in which they came. */
  all(): readonly PoolTask[] {
    return [...this.#tasks.values()];
  }

  /** The only task whose body executes, if there is only one. */
  onlyTask(): PoolTask | undefined {
    const begun = this.all().filter(({ startedAt }) => startedAt !== null);
    return begun.length === 1 ? begun[0] : undefined;
  }

  take(task: PoolTask): void {
    this.#tasks.set(task.id, task);
    task.replica = this;
    if (task.affinity !== null) this.#see(task.affinity);
    this.#process.send(task.message);
  }

  answer(message: AnswerMessage): void {
    this.#process.send(message);
  }

  /** A task is over, or does not count any more. */
  remove(task: PoolTask, isDone: boolean): void {
    this.#tasks.delete(task.id);
    if (isDone) this.#done += 1;
    if (this.#tasks.size === 0) this.idleSince = Date.now();
  }

  /** Lets it dispose of its caches and end by itself. One that still starts has none. */
  end(reason: string): void {
    const { state } = this;
    this.#isEnding = true;
    if (state === "starting") void this.#process.kill(reason);
    else void this.#process.end();
  }

  kill(reason: string): void {
    this.#isEnding = true;
    void this.#process.kill(reason);
  }

  snapshot(): ReplicaState {
    const { heartbeat: latest, pid } = this.#process;
    return {
      id: this.id,
      pid: pid ?? 0,
      state: this.state,
      startedAt: this.startedAt,
      tasksDone: this.#done,
      tasks: this.all().map(({ id, label, startedAt }) => ({ task: id, label, startedAt })),
      memory: latest?.memory ?? null,
      caches: latest?.caches ?? [],
    };
  }

  #see(key: string): void {
    this.#seen.delete(key);
    this.#seen.add(key);
    if (this.#seen.size <= mostKeys) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }
}

function count<T>(values: Iterable<T>, isCounted: (value: T) => boolean): number {
  let found = 0;
  for (const value of values) if (isCounted(value)) found += 1;
  return found;
}
