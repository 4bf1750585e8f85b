/**
 * What a driver and a worker say to each other, whatever carries it: a pipe between two processes, a socket, later HTTP.
 * Messages are plain JSON. Values travel as artifacts: by id, with their canonical bytes if these are short; what is large
 * is in the blob store, which both sides reach.
 *
 * A conversation: `hello` → `ready` or `unable`, then any number of tasks. A task is one attempt of a run: `start` →
 * `started` → logs, metrics, progress, inputs, calls, waits → one of `result` and `failed`. What comes for a task that is
 * not known, or no longer, is dropped: late and repeated messages do no harm.
 */
import type { Failure, LogLevel, MetricType } from "@reprise/core";
import type { PathStep } from "../future-types.ts";

/** Raised whenever a message changes its meaning: both sides must be of one version. */
export const workerProtocol = 1;

/** Names a task: the id of its run and the number of the attempt, as `<run>#<attempt>`, and what makes it unique. */
export type TaskId = string;

/**
 * A new task for an attempt. When a pipeline run goes on that was interrupted, the attempt is made again under the same
 * number: a replica that has seen it, for a driver that is gone, must not take the task for one that comes twice.
 */
export function newTaskId(run: string, attempt: number): TaskId {
  tasks += 1;
  return `${run}#${attempt}~${driver}${tasks.toString(36)}`;
}

/** Distinguishes the tasks of this process from those of others. */
const driver = `${Math.random().toString(36).slice(2, 10)}-`;
let tasks = 0;

/** A value that the receiver reads: its canonical bytes, or that they are in the blob store under the same name. */
export interface WireArtifact {
  /** SHA-256 of the canonical bytes, hex. */
  readonly id: string;
  /** Length of the canonical bytes. */
  readonly size: number;
  /** The canonical bytes in base64; null if they are a blob named `id`. Parts that were split out are blobs in any case. */
  readonly document: string | null;
}

/** A value that a worker has made: all that is recorded of it. Its blobs are on disk before the message is sent. */
export interface WireArtifactRow extends WireArtifact {
  readonly typeName: string;
  readonly type: unknown;
  /** Bytes with all blobs. */
  readonly total: number;
  readonly summary: unknown;
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
}

/** An argument as a body gets it: a value, with values of other runs to be put into its slots. */
export interface WireArgument {
  /** Null if the argument is the value of `parts[0]` as such. */
  readonly stored: WireArtifact | null;
  readonly parts: readonly { readonly artifact: WireArtifact; readonly path: readonly PathStep[] }[];
}

/** An argument of a call, or a result, with futures of runs that the body has called. */
export interface WireComposite {
  /** Null if it is the future of `parts[0]` as such. */
  readonly stored: WireArtifactRow | null;
  readonly parts: readonly { readonly run: string; readonly path: readonly PathStep[]; readonly at: string }[];
}

/** A call that a body has made. */
export interface WireCall {
  /** Id of the new run; the worker makes it, so that `$id` is known at once. */
  readonly run: string;
  readonly func: string;
  readonly args: readonly WireComposite[];
  /** What `$set` changed, and how a map was called, as it is recorded with the run; null if nothing was. */
  readonly options: Readonly<Record<string, unknown>> | null;
  /** Runs that come before it: `$after`. */
  readonly after: readonly string[];
  /** Whether it is a map. */
  readonly isMap: boolean;
  /** Arguments of each element of a map whose items were given as an array; else null. */
  readonly elements: readonly (readonly WireComposite[])[] | null;
}

/** Where a worker takes the funcs from. */
export type WireProgram =
  /** Files that the driver has loaded, in this order, in the way that it was started. */
  | { readonly kind: "files"; readonly files: readonly string[] }
  /** A program that is kept in the home. */
  | { readonly kind: "kept"; readonly digest: string };

/** What a replica of an actor is told besides. */
export interface WireActor {
  /** Name of the environment. */
  readonly name: string;
  /** How many tasks it executes at once. */
  readonly concurrency: number;
  readonly isolation: "shared" | "clean";
  readonly replica: string;
}

/** First message: everything that holds for all tasks. */
export interface HelloMessage {
  readonly type: "hello";
  readonly protocol: number;
  /** Folder of the home. */
  readonly home: string;
  readonly program: WireProgram;
  /** Set for a replica. */
  readonly actor: WireActor | null;
  /** Milliseconds between heartbeats. */
  readonly heartbeat: number;
  /** Most memory that the process may use, in bytes; null: no limit. */
  readonly memory: number | null;
}

/** Execute an attempt. */
export interface StartMessage {
  readonly type: "start";
  readonly task: TaskId;
  readonly run: string;
  /** The pipeline run. */
  readonly root: string;
  readonly func: string;
  /** File that defines the func, for workers whose program does not load it; null if it is not known. */
  readonly file: string | null;
  readonly attempt: number;
  readonly args: readonly WireArgument[];
}

/** The value of a run that the body waits for. */
export interface ValueMessage {
  readonly type: "value";
  readonly task: TaskId;
  readonly wait: number;
  readonly artifact: WireArtifact;
}

/** A run that the body waits for has no value. */
export interface NoValueMessage {
  readonly type: "noValue";
  readonly task: TaskId;
  readonly wait: number;
  /** Of the {@link RunFailedError}; its cause is the original error. */
  readonly message: string;
  readonly cause: Failure | null;
}

/** The body is to stop: its signal is aborted, its waits end. */
export interface CancelMessage {
  readonly type: "cancel";
  readonly task: TaskId;
  readonly reason: string;
}

/** Give back a task that has not begun. */
export interface RecallMessage {
  readonly type: "recall";
  readonly task: TaskId;
}

/** No further tasks: end when those that execute are over. */
export interface EndMessage {
  readonly type: "end";
}

/** Messages to a worker that belong to a task after its start. */
export type AnswerMessage = ValueMessage | NoValueMessage | CancelMessage;

/** Messages to a worker. */
export type ToWorker = HelloMessage | StartMessage | AnswerMessage | RecallMessage | EndMessage;

/** The program is loaded, and what is to be warmed up is warm. */
export interface ReadyMessage {
  readonly type: "ready";
  readonly protocol: number;
  readonly pid: number;
}

/** It cannot serve: another protocol, a program that cannot be loaded, a warm-up that failed. */
export interface UnableMessage {
  readonly type: "unable";
  readonly failure: Failure;
}

/** It is about to end, by an error of the program that nobody has caught. */
export interface FatalMessage {
  readonly type: "fatal";
  /** In words: `a rejected promise that nobody handles: RangeError: …`. */
  readonly why: string;
}

/** Alive. A replica says besides how its caches do. */
export interface HeartbeatMessage {
  readonly type: "heartbeat";
  /** Bytes of memory in use; null if it is not known. */
  readonly memory: number | null;
  readonly caches: readonly CacheStatistics[];
}

/** How one cached function of an actor does on one replica. */
export interface CacheStatistics {
  readonly name: string;
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  /** Loads that failed. */
  readonly failures: number;
  readonly evictions: number;
  /** Milliseconds that loads have taken, together. */
  readonly loadTime: number;
}

/** The body begins. */
export interface StartedMessage {
  readonly type: "started";
  readonly task: TaskId;
  /** Milliseconds since 1970 UTC, as all times. */
  readonly time: number;
}

/** A line that the body has written. */
export interface LogMessage {
  readonly type: "log";
  readonly task: TaskId;
  readonly stream: "stdout" | "stderr" | "log";
  readonly level: LogLevel;
  readonly text: string;
  readonly data?: unknown;
  readonly time: number;
}

/** A value of a metric. */
export interface MetricMessage {
  readonly type: "metric";
  readonly task: TaskId;
  readonly name: string;
  readonly value: number;
  readonly kind: MetricType;
  readonly time: number;
}

/** How far the body is. */
export interface ProgressMessage {
  readonly type: "progress";
  readonly task: TaskId;
  readonly done: number;
  readonly total: number | null;
  readonly note: string | null;
}

/** The result is not to be reused. */
export interface NoCacheMessage {
  readonly type: "noCache";
  readonly task: TaskId;
}

/** An argument was put together from several values: this is the whole. */
export interface InputMessage {
  readonly type: "input";
  readonly task: TaskId;
  readonly argument: number;
  readonly artifact: WireArtifactRow;
}

/** Calls of one turn of the body, in their order. */
export interface CallsMessage {
  readonly type: "calls";
  readonly task: TaskId;
  readonly calls: readonly WireCall[];
}

/** The body waits for a run that it has called. */
export interface AwaitMessage {
  readonly type: "await";
  readonly task: TaskId;
  /** Number of the wait, unique in the task. */
  readonly wait: number;
  readonly run: string;
}

/** The body no longer waits. */
export interface StopAwaitMessage {
  readonly type: "stopAwait";
  readonly task: TaskId;
  readonly wait: number;
}

/** The body can refer no more to runs that it has called: nobody has their futures. They go on all the same. */
export interface ForgetMessage {
  readonly type: "forget";
  readonly task: TaskId;
  readonly runs: readonly string[];
}

/** The body is over, with a result. Exactly one of `value` and `template` is there. */
export interface ResultMessage {
  readonly type: "result";
  readonly task: TaskId;
  readonly value: WireArtifactRow | null;
  /** A result with futures in it. */
  readonly template: WireComposite | null;
}

/** The body is over, without a result. Also the end of a task that was canceled. */
export interface FailedMessage {
  readonly type: "failed";
  readonly task: TaskId;
  readonly failure: Failure;
  /** The child whose failure the body has passed on, if that is what it threw. */
  readonly child: string | null;
}

/** A task that had not begun is given back. For one that has begun nothing is answered. */
export interface RecalledMessage {
  readonly type: "recalled";
  readonly task: TaskId;
}

/** A warning of the worker's, for the pipeline run. */
export interface WarningMessage {
  readonly type: "warning";
  readonly task: TaskId;
  readonly text: string;
}

/** Messages of a worker that belong to a task and go to whoever has started it. */
export type TaskMessage =
  | StartedMessage
  | LogMessage
  | MetricMessage
  | ProgressMessage
  | NoCacheMessage
  | InputMessage
  | CallsMessage
  | AwaitMessage
  | StopAwaitMessage
  | ForgetMessage
  | ResultMessage
  | FailedMessage
  | WarningMessage;

/** Messages of a worker. */
export type FromWorker = ReadyMessage | UnableMessage | FatalMessage | HeartbeatMessage | RecalledMessage | TaskMessage;
