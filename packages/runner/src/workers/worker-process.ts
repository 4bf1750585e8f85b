import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { type Failure, fromFailure, RepriseError, toFailure } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import type { Channel } from "./channel.ts";
import { checkFromWorker } from "./check-message.ts";
import { endFailure, type ProcessEnd, silenceWords } from "./exit-words.ts";
import { ipcChannel, type IpcEnd } from "./ipc-channel.ts";
import { outOfMemoryKills } from "./memory-events.ts";
import { heapOption } from "./memory-limit.ts";
import { OutputLines } from "./output-lines.ts";
import { forceGroup, guardGroup, isStopped, signalGroup } from "./process-group.ts";
import type { FromWorker, HeartbeatMessage, HelloMessage, RecalledMessage, TaskMessage, ToWorker } from "./protocol.ts";
import { isShort, spawnWords } from "./spawn-words.ts";
import { processEnv, processUrl } from "./worker-url.ts";

/** How to start a worker process, and whom it tells what. */
export interface WorkerProcessOptions {
  readonly hello: HelloMessage;
  /** Options of Node: those of `workerExecArgv`. A limit of the heap is added if `hello` has one of the memory. */
  readonly execArgv: readonly string[];
  /** What `process.argv` is to have behind the file. Default: nothing. */
  readonly args?: readonly string[] | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Every valid message about a task, in order. */
  readonly heard: (message: TaskMessage | RecalledMessage) => void;
  /** A line that was written outside any body: by native code, by processes that a body has started, by Node. */
  readonly output: (stream: OutputStream, line: string) => void;
  /** It has ended; called once, after everything that it has said. The failure is that of a body which was not over. */
  readonly ended: (failure: Failure) => void;
  /** Milliseconds from SIGTERM to SIGKILL. Default: 10,000. */
  readonly graceMs?: number | undefined;
  /** Milliseconds without a sign of life, while it has a task, after which it is lost. Default: 30,000. */
  readonly silenceMs?: number | undefined;
  /** Milliseconds until it must be ready. Default: 60,000; Infinity: no limit. */
  readonly readyMs?: number | undefined;
  /** What it executes. Default: the worker of this library. */
  readonly entry?: URL | undefined;
}

type OutputStream = "stdout" | "stderr";

const defaultGrace = 10_000;
const defaultSilence = 30_000;
const defaultReady = 60_000;
/** So long, in ms, the pipes of a process that has ended may be held open by what it has left behind. */
const drainTime = 500;
/** A silent process is looked at so many times before it counts as lost: the driver itself may have been held up. */
const looks = 4;
/** As many lines of stderr are kept for messages. */
const keptLines = 20;
/** After these messages a worker has a task no longer. */
const endings: ReadonlySet<FromWorker["type"]> = new Set(["result", "failed", "recalled"]);
/** The byte by which a worker says that it is above its memory limit. */
const memoryByte = 0x4d;

/**
 * A worker process and its process group: nothing that it starts outlives it, and neither outlives this process. Starting
 * it never throws: what goes wrong is told by `ready` and `ended`.
 */
export class WorkerProcess {
  /** Resolves when it takes tasks. Rejects with RepriseError `WORKER_FAILED` if it cannot serve, with what it said. */
  readonly ready: Promise<void>;
  readonly #options: WorkerProcessOptions;
  readonly #child: ChildProcess | undefined;
  readonly #channel: Channel<ToWorker, FromWorker> | undefined;
  readonly #readiness = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  readonly #kernelKills = outOfMemoryKills();
  /** Tasks that it was given and has not ended: while there are any, it must give signs of life. */
  readonly #tasks = new Set<string>();
  readonly #stderr: string[] = [];
  readonly #untold: (TaskMessage | RecalledMessage)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #heartbeat: HeartbeatMessage | undefined;
  #reason: string | undefined;
  #fatal: string | undefined;
  #isReady = false;
  #isUnable = false;
  #isOverMemory = false;
  #hasLifeline = false;
  #silentLooks = 0;
  /** What must still end before everything is heard: the process, its channel, its streams. */
  #open = 0;
  #exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  #isOver = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.ready = this.#readiness.promise;
    // Whoever does not wait for it hears of it by `ended`.
    this.ready.catch(() => undefined);
    try {
      this.#child = start(options);
    } catch (error) {
      process.nextTick(() => this.#unstarted(error));
      return;
    }
    if (this.#child.pid !== undefined) this.#channel = ipcChannel(this.#child as IpcEnd, checkFromWorker);
    this.#follow(this.#child);
  }

  /** Its number; undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The latest one: memory, caches. */
  get heartbeat(): HeartbeatMessage | undefined {
    return this.#heartbeat;
  }

  /** Whether it is over, or about to be. */
  get isEnding(): boolean {
    return this.#isOver || this.#exit !== undefined || this.#reason !== undefined;
  }

  /** Whether another one could not serve either: it said so itself, or there is nowhere to start it. */
  get isUnable(): boolean {
    return this.#isUnable;
  }

  /** Without effect once the process is gone: `ended` tells. */
  send(message: ToWorker): void {
    if (message.type === "start") {
      if (this.#tasks.size === 0) this.#silentLooks = 0;
      this.#tasks.add(message.task);
    }
    this.#channel?.send(message);
  }

  /**
   * Ends it and all that it has started: SIGTERM, after the grace SIGKILL. Done when it is gone.
   *
   * @param reason becomes part of the failure: `its worker process (pid 4711) was ended: <reason>`.
   * @param graceMs default: that of the options; 0: SIGKILL at once.
   */
  kill(reason: string, graceMs = this.#options.graceMs ?? defaultGrace): Promise<void> {
    const { pid } = this;
    this.#reason ??= reason;
    this.ref();
    if (pid !== undefined && this.#exit === undefined) {
      if (graceMs <= 0) forceGroup(pid);
      else {
        signalGroup(pid, "SIGTERM");
        // One that was stopped hears of the other signal only when it goes on.
        signalGroup(pid, "SIGCONT");
        this.#after(graceMs, () => forceGroup(pid));
      }
    }
    return this.#over.promise;
  }

  /** Lets it finish what it executes and end by itself; one that has not done so after the grace is killed. */
  end(): Promise<void> {
    const isAsked = this.#reason !== undefined;
    this.#reason ??= "it was no longer needed";
    this.ref();
    if (!isAsked) this.send({ type: "end" });
    this.#after(this.#options.graceMs ?? defaultGrace, () => void this.kill("it did not end when it was asked to"));
    return this.#over.promise;
  }

  /** Whether it keeps this process alive: it does from the start. */
  ref(): void {
    const child = this.#child;
    child?.ref();
    child?.channel?.ref();
    for (const stream of streamsOf(child)) stream.ref();
  }

  unref(): void {
    const child = this.#child;
    child?.unref();
    child?.channel?.unref();
    for (const stream of streamsOf(child)) stream.unref();
  }

  #follow(child: ChildProcess): void {
    const { hello, silenceMs = defaultSilence, readyMs = defaultReady } = this.#options;
    child.on("error", (error) => {
      if (child.pid === undefined) this.#unstarted(error);
    });
    if (child.pid === undefined) return;
    guardGroup(child.pid);
    this.#open = 2;
    this.#channel?.onMessage((message) => this.#hear(message));
    this.#channel?.onClose((error) => {
      if (error !== undefined) void this.kill(`what it said cannot be understood: ${messageOf(error)}`, 0);
    });
    child.on("disconnect", () => {
      // Without its channel it is of no use, and it may not even know.
      if (this.#exit === undefined) this.#after(drainTime, () => void this.kill("it closed its connection", 0));
      this.#closed();
    });
    child.on("exit", (code, signal) => {
      this.#exit = { code, signal };
      // What it has left behind has no parent any more.
      forceGroup(child.pid as number, true);
      this.#after(drainTime, () => this.#finish());
      this.#closed();
    });
    this.#read(child.stdout as Socket, "stdout");
    this.#read(child.stderr as Socket, "stderr");
    this.#watch(child.stdio[4] as Socket);
    this.send(hello);
    if (Number.isFinite(readyMs)) {
      this.#after(readyMs, () => {
        if (!this.#isReady) void this.kill(`it was not ready within ${readyMs / 1_000} s`, 0);
      });
    }
    if (Number.isFinite(silenceMs)) this.#timers.add(setInterval(() => this.#look(), silenceMs / looks).unref());
  }

  #hear(message: FromWorker): void {
    this.#silentLooks = 0;
    if (message.type === "heartbeat") {
      this.#heartbeat = message;
      return;
    }
    if (message.type === "ready") {
      this.#isReady = true;
      this.#readiness.resolve();
      return;
    }
    if (message.type === "fatal") {
      this.#fatal = message.why;
      return;
    }
    if (message.type === "unable") {
      this.#isUnable = true;
      const { message: why, cause } = message.failure;
      this.#readiness.reject(this.#unableError(why, cause && fromFailure(cause)));
      void this.end();
      return;
    }
    this.#tell(message);
  }

  /**
   * The end of a task is told when all that can be read now has been: what a body has written past JavaScript came before
   * it, by another pipe. What comes behind such an end keeps its order.
   */
  #tell(message: TaskMessage | RecalledMessage): void {
    if (endings.has(message.type)) {
      this.#tasks.delete(message.task);
      if (this.#untold.push(message) === 1) setImmediate(() => this.#tellAll());
    } else if (this.#untold.length > 0) {
      this.#untold.push(message);
    } else {
      this.#options.heard(message);
    }
  }

  #tellAll(): void {
    for (const message of this.#untold.splice(0)) this.#options.heard(message);
  }

  #read(stream: Socket, name: OutputStream): void {
    const lines = new OutputLines((line) => {
      if (name === "stderr" && this.#stderr.push(line) > keptLines) this.#stderr.shift();
      this.#options.output(name, line);
    });
    this.#open += 1;
    stream.on("data", (bytes: Uint8Array) => lines.add(bytes));
    stream.on("error", ignore);
    stream.on("close", () => {
      lines.end();
      this.#closed();
    });
  }

  /** Hears the thread that lives on while the event loop of the worker is blocked. */
  #watch(lifeline: Socket): void {
    this.#open += 1;
    lifeline.on("data", (bytes: Uint8Array) => {
      this.#silentLooks = 0;
      this.#hasLifeline = true;
      if (bytes.includes(memoryByte)) this.#isOverMemory = true;
    });
    lifeline.on("error", ignore);
    lifeline.on("close", () => this.#closed());
  }

  /** Counts how often nothing was heard between two looks. */
  #look(): void {
    const { silenceMs = defaultSilence } = this.#options;
    if (!this.#isReady || this.#tasks.size === 0) {
      this.#silentLooks = 0;
      return;
    }
    this.#silentLooks += 1;
    if (this.#silentLooks < looks) return;
    // Before the thread that gives signs of life has begun, a body may block the loop: that is no end.
    if (this.#hasLifeline || isStopped(this.pid as number)) void this.kill(silenceWords(silenceMs), 0);
  }

  #closed(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#finish();
  }

  #finish(): void {
    if (this.#isOver || this.#exit === undefined) return;
    this.#settle(endFailure(this.#endOf(this.pid as number, this.#exit)));
  }

  #endOf(pid: number, exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null }): ProcessEnd {
    const kills = outOfMemoryKills();
    return {
      ...exit,
      pid,
      isReady: this.#isReady,
      reason: this.#reason,
      memory: this.#options.hello.memory,
      isOverMemory: this.#isOverMemory,
      fatal: this.#fatal,
      isKernelShort: kills !== undefined && kills > (this.#kernelKills ?? kills),
      stderr: this.#stderr,
    };
  }

  #unstarted(error: unknown): void {
    const words = spawnWords(error, this.#options.cwd);
    this.#isUnable = !isShort(error);
    const unable = new RepriseError("WORKER_FAILED", `A worker process cannot be started: ${words}`, { cause: error });
    this.#settle(toFailure(unable));
  }

  #settle(failure: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of streamsOf(this.#child)) stream.destroy();
    this.#readiness.reject(this.#unableError(failure.message, undefined));
    this.#tellAll();
    this.#options.ended(failure);
    this.#over.resolve();
  }

  #unableError(why: string, cause: unknown): RepriseError {
    const said = this.#stderr.join("\n");
    const text = `No worker process can be had: ${why}${said === "" ? "" : `\nIt wrote to stderr:\n${said}`}`;
    const error = new RepriseError("WORKER_FAILED", text, cause === undefined ? {} : { cause });
    // Where in the library this was noticed helps nobody.
    error.stack = `${error.name}: ${text}`;
    return error;
  }

  #after(ms: number, act: () => void): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms).unref();
    this.#timers.add(timer);
  }
}

function start(options: WorkerProcessOptions): ChildProcess {
  const { hello, execArgv, args = [], cwd, env, entry = processUrl("worker") } = options;
  return fork(entry, args, {
    cwd,
    env: { ...env, ...processEnv("worker") },
    execArgv: hello.memory === null ? [...execArgv] : [...execArgv, heapOption(hello.memory)],
    detached: true,
    serialization: "json",
    stdio: ["ignore", "pipe", "pipe", "ipc", "pipe"],
  });
}

function streamsOf(child: ChildProcess | undefined): Socket[] {
  if (child === undefined) return [];
  const streams = [child.stdout, child.stderr, child.stdio?.[4]];
  return streams.filter((stream) => stream !== null && stream !== undefined) as Socket[];
}

function ignore(): void {
  // The end of the process tells what there is to tell.
}
