import { decode, encode, type Failure } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Assignment, Executor, ExecutorLane, RemoteTask } from "../executor.ts";
import type {
  LogMessage,
  StartMessage,
  TaskMessage,
  WireArgument,
  WireArtifact,
  WireArtifactRow,
} from "../protocol.ts";

/** Documents up to this length go with the messages. */
const inline = 64 * 1024;

/** How a task has ended. */
export type End =
  | Extract<TaskMessage, { readonly type: "result" | "failed" }>
  | { readonly type: "lost"; readonly failure: Failure; readonly isFinal: boolean };

/** What a task is started with besides func and arguments. */
export interface TestTaskOptions {
  readonly lane?: ExecutorLane;
  readonly memory?: string;
  readonly attempt?: number;
  readonly file?: string;
  readonly args?: readonly WireArgument[];
}

/** The driver's side of a task, which keeps all that it is told. */
export class TestTask implements Assignment {
  readonly message: StartMessage;
  readonly lane: ExecutorLane;
  readonly resources: Assignment["resources"];
  readonly affinity = undefined;
  readonly messages: TaskMessage[] = [];
  readonly ends: End[] = [];
  readonly waitsTold: (string | undefined)[] = [];
  /** How it ended, once it has. */
  readonly end: Promise<End>;
  remote!: RemoteTask;
  /** Told of each message as it comes. */
  heard: ((message: TaskMessage) => void) | undefined = undefined;
  readonly #end = Promise.withResolvers<End>();
  readonly #watchers = new Set<() => void>();

  constructor(message: StartMessage, lane: ExecutorLane, memory: string | undefined) {
    this.message = message;
    this.lane = lane;
    this.resources = memory === undefined ? undefined : { memory };
    this.end = this.#end.promise;
  }

  get label(): string {
    return `run ${this.message.run} of func "${this.message.func}"`;
  }

  receive(message: TaskMessage): void {
    this.messages.push(message);
    this.heard?.(message);
    if (message.type === "result" || message.type === "failed") this.#over(message);
    for (const watcher of this.#watchers) watcher();
  }

  lost(failure: Failure, isFinal = false): void {
    this.#over({ type: "lost", failure, isFinal });
  }

  placed(): void {
    // Where it executes is up to the executor.
  }

  waits(reason: string | undefined): void {
    this.waitsTold.push(reason);
  }

  /** Types of its messages, in order. */
  get types(): string[] {
    return this.messages.map(({ type }) => type);
  }

  get logs(): LogMessage[] {
    return this.messages.filter((message) => message.type === "log");
  }

  /** The first message for which that is so, when it has come. */
  async said(is: (message: TaskMessage) => boolean): Promise<TaskMessage> {
    for (;;) {
      const found = this.messages.find(is);
      if (found !== undefined) return found;
      if (this.ends.length > 0) throw new Error(`it ended before: ${JSON.stringify(this.ends)}`);
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
        void this.end.then(() => resolve());
      });
    }
  }

  /** The first message of a type, when it has come. */
  async saidOf<T extends TaskMessage["type"]>(type: T): Promise<Extract<TaskMessage, { readonly type: T }>> {
    return (await this.said((message) => message.type === type)) as Extract<TaskMessage, { readonly type: T }>;
  }

  /** Its process, once it has said its number in a line. */
  async pid(): Promise<number> {
    const line = (await this.said((message) => message.type === "log" && /\d+$/.test(message.text))) as LogMessage;
    return Number(/\d+$/.exec(line.text)?.[0]);
  }

  #over(end: End): void {
    this.ends.push(end);
    this.#end.resolve(end);
  }
}

let runs = 0;

/** Starts tasks at an executor, with values that it takes from a home. */
export class TaskLab {
  readonly executor: Executor;
  readonly home: Home;
  readonly lane: ExecutorLane;

  constructor(executor: Executor, home: Home, lane: ExecutorLane) {
    this.executor = executor;
    this.home = home;
    this.lane = lane;
  }

  /** Starts a func; its arguments are given by value. */
  async start(func: string, args: readonly unknown[] = [], options: TestTaskOptions = {}): Promise<TestTask> {
    return this.startNow(func, options.args ?? (await Promise.all(args.map((arg) => this.argument(arg)))), options);
  }

  startNow(func: string, args: readonly WireArgument[], options: TestTaskOptions = {}): TestTask {
    runs += 1;
    const run = `01939bc0-0000-7000-8000-${String(runs).padStart(12, "0")}`;
    const { attempt = 1, file = null, lane = this.lane, memory } = options;
    const task = new TestTask(
      { type: "start", task: `${run}#${attempt}`, run, root: "the root", func, file, attempt, args },
      lane,
      memory,
    );
    task.remote = this.executor.start(task);
    return task;
  }

  /** Starts a func and gives the value of its result. */
  async result(func: string, args: readonly unknown[] = [], options: TestTaskOptions = {}): Promise<unknown> {
    return this.valueOf(await this.start(func, args, options));
  }

  /** The value of the result of a task; rejects if it has none. */
  async valueOf(task: TestTask): Promise<unknown> {
    const end = await task.end;
    if (end.type !== "result" || end.value === null) throw new Error(`${task.label} gave ${JSON.stringify(end)}`);
    return this.read(end.value);
  }

  async argument(value: unknown): Promise<WireArgument> {
    return { stored: await this.artifact(value), parts: [] };
  }

  /** Puts a value where workers find it. */
  async artifact(value: unknown): Promise<WireArtifact> {
    const { digest, bytes, blobs } = encode(value);
    for (const { bytes: part } of blobs) await this.home.blobs.put(part);
    if (bytes.length <= inline)
      return { id: digest, size: bytes.length, document: Buffer.from(bytes).toString("base64") };
    await this.home.blobs.put(bytes);
    return { id: digest, size: bytes.length, document: null };
  }

  /** The value of what a worker has made. */
  async read({ id, size, document, blobs }: WireArtifactRow): Promise<unknown> {
    const bytes =
      document === null ? await this.home.blobs.read({ digest: id, size }) : Buffer.from(document, "base64");
    const parts = new Map<string, Uint8Array>();
    for (const blob of blobs) parts.set(blob.digest, await this.home.blobs.read(blob));
    return decode(bytes, { blob: ({ digest }) => parts.get(digest) as Uint8Array });
  }
}
