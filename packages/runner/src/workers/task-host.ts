import { RepriseError, toFailure } from "@reprise/core";
import type { BlobStore } from "@reprise/store";
import type { FuncDefinition } from "../func-definition.ts";
import { chain, type MaybePromise } from "../maybe-promise.ts";
import type { Channel } from "./channel.ts";
import {
  type CacheStatistics,
  type FromWorker,
  type HelloMessage,
  type StartMessage,
  type TaskId,
  type ToWorker,
  workerProtocol,
} from "./protocol.ts";
import { TaskEngine } from "./task-engine.ts";
import type { TaskValues } from "./task-values.ts";

/** The process around the tasks, once it knows what it is to execute. */
export interface Workplace {
  readonly blobs: BlobStore;
  readonly values: TaskValues;
  /** Makes a fresh directory for a body. */
  makeWorkdir(): string;
  /** The func of a task. Throws or rejects if it cannot be found. */
  funcOf(message: StartMessage): MaybePromise<FuncDefinition>;
  /** A task begins. */
  begins?(): void;
  /**
   * A task is over. What it has left behind is put back before the next begins; if that throws or rejects, the process
   * takes no more.
   */
  ends?(): MaybePromise<void>;
  /** What a heartbeat tells. */
  vitals?(): { readonly memory: number | null; readonly caches: readonly CacheStatistics[] };
}

/** What a host of tasks needs. */
export interface TaskHostOptions {
  readonly channel: Channel<FromWorker, ToWorker>;
  /** Makes the process ready, as the first message says; what goes wrong makes it unable. */
  readonly open: (hello: HelloMessage) => MaybePromise<Workplace>;
  /** Called once, when there is nothing left to do: the driver has said so, or is gone, or this process cannot go on. */
  readonly over: () => void;
}

/** What is known once the first message has come. */
interface Opened {
  readonly place: Workplace;
  readonly limit: number;
  /** Whether a body that is over in no time may be said to begin only a moment later: a pool of workers reckons with it. */
  readonly mayBeQuick: boolean;
}

/** A task of less than so many ms may be told of when it is over. */
const quickTime = 1;

/** So many tasks that are over are remembered, and up to twice as many, so that one that comes twice is executed once. */
const remembered = 1_000;

/** The worker's side of a conversation, whatever carries it: executes tasks, as many at once as it was told. */
export class TaskHost {
  readonly #options: TaskHostOptions;
  /** Tasks that have begun; undefined while the func is looked for. */
  readonly #tasks = new Map<TaskId, TaskEngine | undefined>();
  /** Tasks that have not begun, in their order. */
  readonly #backlog = new Map<TaskId, StartMessage>();
  #done = new Set<TaskId>();
  /** Tasks that were over before those. */
  #doneBefore = new Set<TaskId>();
  /** Funcs whose last body was over in no time. */
  readonly #quick = new WeakSet<FuncDefinition>();
  /** Tasks that were canceled while their func was looked for, and why. */
  readonly #canceled = new Map<TaskId, string>();
  #opened: Opened | undefined = undefined;
  #heartbeat: NodeJS.Timeout | undefined = undefined;
  #isPumping = false;
  /** What the last task has left behind is being put back. */
  #isTidying = false;
  #isEnding = false;
  #isOver = false;

  constructor(options: TaskHostOptions) {
    this.#options = options;
    options.channel.onMessage((message) => this.#receive(message));
    options.channel.onClose(() => this.#lost());
  }

  /** The tasks whose bodies execute. */
  get executing(): readonly TaskEngine[] {
    return [...this.#tasks.values()].filter((task) => task !== undefined);
  }

  /** The process ends, whatever executes. */
  processEnds(): void {
    for (const task of this.executing) task.processEnds();
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case "hello":
        void this.#open(message);
        break;
      case "start":
        this.#take(message);
        break;
      case "value":
        this.#tasks.get(message.task)?.hasValue(message);
        break;
      case "noValue":
        this.#tasks.get(message.task)?.hasNoValue(message);
        break;
      case "cancel":
        this.#cancel(message.task, message.reason);
        break;
      case "recall":
        this.#giveBack(message.task);
        break;
      case "end":
        this.#end();
        break;
    }
  }

  async #open(hello: HelloMessage): Promise<void> {
    try {
      if (hello.protocol !== workerProtocol) throw otherVersion(hello.protocol);
      const place = await this.#options.open(hello);
      this.#opened = { place, limit: hello.actor?.concurrency ?? 1, mayBeQuick: hello.actor === null };
      this.#send({ type: "ready", protocol: workerProtocol, pid: process.pid });
      this.#heartbeat = setInterval(() => this.#beat(place), hello.heartbeat).unref();
      this.#pump();
    } catch (error) {
      this.#cannotGoOn(error);
    }
  }

  #beat(place: Workplace): void {
    this.#send({ type: "heartbeat", ...(place.vitals?.() ?? { memory: null, caches: [] }) });
  }

  #take(message: StartMessage): void {
    const { task } = message;
    if (this.#tasks.has(task) || this.#done.has(task) || this.#doneBefore.has(task)) return;
    this.#backlog.set(task, message);
    if (this.#isEnding) this.#giveBack(task);
    else this.#pump();
  }

  #giveBack(task: TaskId): void {
    if (this.#backlog.delete(task)) this.#send({ type: "recalled", task });
  }

  #cancel(task: TaskId, reason: string): void {
    if (this.#backlog.delete(task)) {
      this.#remember(task);
      this.#fail(task, canceled(reason));
    } else if (this.#tasks.has(task)) {
      const engine = this.#tasks.get(task);
      if (engine === undefined) this.#canceled.set(task, reason);
      else engine.cancel(reason);
    }
  }

  #fail(task: TaskId, error: unknown): void {
    this.#send({ type: "failed", task, failure: toFailure(error), child: null });
  }

  /** Begins what can begin. */
  #pump(): void {
    const opened = this.#opened;
    if (opened === undefined || this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#tasks.size < opened.limit && !this.#isTidying && !this.#isOver) {
        const [next] = this.#backlog.values();
        if (next === undefined) break;
        this.#backlog.delete(next.task);
        this.#begin(next, opened);
      }
    } finally {
      this.#isPumping = false;
    }
    if (this.#isEnding && this.#tasks.size === 0 && !this.#isTidying) this.#finish();
  }

  #begin(message: StartMessage, { place, mayBeQuick }: Opened): void {
    const { task } = message;
    const begun = performance.now();
    this.#tasks.set(task, undefined);
    place.begins?.();
    const failed = (error: unknown): void => {
      this.#fail(task, error);
      this.#ended(task, place);
    };
    const execute = (definition: FuncDefinition): void => {
      const reason = this.#canceled.get(task);
      if (reason !== undefined) {
        failed(canceled(reason));
        return;
      }
      const engine = new TaskEngine({
        message,
        definition,
        values: place.values,
        blobs: place.blobs,
        makeWorkdir: () => place.makeWorkdir(),
        isQuick: mayBeQuick && this.#quick.has(definition),
        send: (said, isPatient) => this.#options.channel.send(said, isPatient),
        over: () => {
          if (performance.now() - begun < quickTime) this.#quick.add(definition);
          else this.#quick.delete(definition);
          this.#ended(task, place);
        },
      });
      this.#tasks.set(task, engine);
      engine.execute();
    };
    try {
      void chain(place.funcOf(message), execute, failed);
    } catch (error) {
      failed(error);
    }
  }

  #ended(task: TaskId, place: Workplace): void {
    this.#tasks.delete(task);
    this.#canceled.delete(task);
    this.#remember(task);
    if (place.ends === undefined) {
      this.#pump();
      return;
    }
    this.#isTidying = true;
    // The result goes first.
    setImmediate(() => this.#tidy(place));
  }

  #tidy(place: Workplace): void {
    const next = (): void => {
      this.#isTidying = false;
      this.#pump();
    };
    try {
      void chain(place.ends?.(), next, (error) => this.#cannotGoOn(error));
    } catch (error) {
      this.#cannotGoOn(error);
    }
  }

  #remember(task: TaskId): void {
    // Looking for the oldest in one set would pass over all that were removed from it.
    if (this.#done.size >= remembered) {
      this.#doneBefore = this.#done;
      this.#done = new Set();
    }
    this.#done.add(task);
  }

  #end(): void {
    this.#isEnding = true;
    for (const task of this.#backlog.keys()) this.#giveBack(task);
    if (this.#opened === undefined) this.#finish();
    else this.#pump();
  }

  #cannotGoOn(error: unknown): void {
    this.#send({ type: "unable", failure: toFailure(error) });
    this.#finish();
  }

  /** The driver is gone: nobody wants what is computed here. */
  #lost(): void {
    for (const task of this.executing) task.cancel("the process that started it is gone");
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#options.over();
  }

  #send(message: FromWorker): void {
    this.#options.channel.send(message);
  }
}

function otherVersion(theirs: number): RepriseError {
  return new RepriseError(
    "WORKER_FAILED",
    `The driver speaks version ${theirs} of the protocol of workers, this worker version ${workerProtocol}. ` +
      "Install one version of reprise.",
  );
}

function canceled(reason: string): RepriseError {
  return new RepriseError("RUN_CANCELED", `It was canceled before it began: ${reason}`);
}
