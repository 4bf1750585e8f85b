import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import {
  type LogLevel,
  type MetricType,
  NotInFuncError,
  RepriseError,
  RunCanceledError,
  type Wait,
} from "@reprise/core";
import type { BlobStore } from "@reprise/store";
import { type Holdable, type Holder, LoadScope } from "./actors/load-scope.ts";
import type { Call } from "./call.ts";
import type { ParsedOptions } from "./call-options.ts";
import type { FuturePart } from "./future.ts";
import type { Tracker } from "./tracker.ts";

/**
 * What a body knows of its run. From Sematic's `context()`, with signal, attempt, log, metrics, progress and a working
 * directory.
 */
export interface RunContext {
  /** Id of this run. */
  readonly runId: string;
  /** Id of the pipeline run: that of its root run. */
  readonly rootId: string;
  readonly funcId: string;
  /** 1 for the first execution, 2 for the first retry. */
  readonly attempt: number;
  /** Aborted when the run is canceled or times out; its reason says which. */
  readonly signal: AbortSignal;
  /** Writes to the log of this run. `data` is kept as JSON. */
  readonly log: RunLog;
  /** Reports a value. `gauge` (default): the last one counts. `count`: values add up. */
  readonly metric: (name: string, value: number, type?: MetricType) => void;
  /** Says how far the work is. `total` may be unknown. */
  readonly progress: (done: number, total?: number, note?: string) => void;
  /** Says that the result of this attempt is not to be reused; without effect where nothing is cached. */
  readonly noCache: () => void;
  /** A fresh directory for this attempt; made when first asked for, removed afterwards. */
  readonly workdir: string;
}

/** Writes lines to the log of a run. */
export interface RunLog {
  debug(text: string, data?: unknown): void;
  info(text: string, data?: unknown): void;
  warn(text: string, data?: unknown): void;
  error(text: string, data?: unknown): void;
}

/** A `$value()` call that waits. */
export interface Waiting {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  /** What the body gets of the run when it has a value. */
  readonly take: (source: Call) => unknown;
  readonly stop: (() => void) | undefined;
  /** Why the body no longer wants the value. */
  abandoned?: { readonly reason: unknown };
}

/** Where a body executes: the engine of its pipeline run, or a worker that speaks with the driver. */
export interface BodyHost {
  /** The root run of the pipeline run. */
  readonly root: { readonly id: string };
  /** Who hears what bodies tell; undefined if nobody does. */
  readonly tracker: Pick<Tracker, "log" | "metric" | "progress"> | undefined;
  /** Whether what bodies print also goes to the process's own streams. */
  readonly forwardsOutput: boolean;
  /** Where bodies keep files; undefined where there is no store. */
  readonly blobs: BlobStore | undefined;
  /** Makes a fresh directory, removed when the body is over. */
  makeWorkdir(): string;
  /** Takes a call that a body just made: a snapshot of its arguments now, its start on the next tick. */
  accept(body: Body, call: Call): void;
  /** Throws if options of a call, which a body has just made, cannot be handed on. */
  checkOptions?(body: Body, options: ParsedOptions | undefined, what: string): void;
  /** The value of a part for a body that waits for it. */
  valueFor(body: Body, part: FuturePart, signal: AbortSignal | undefined): Promise<unknown>;
  /** The result of this attempt is not to be reused. */
  noCache(body: Body): void;
}

// The only AsyncLocalStorage of the library: each further one would tax every await.
const scopes = new AsyncLocalStorage<Body | LoadScope>();

/** One attempt of a body while it executes. */
export class Body implements RunContext, Holder {
  readonly call: Call;
  readonly host: BodyHost;
  readonly attempt: number;
  /** Calls made by this body that the scheduler does not know yet. */
  pending: Call[] | undefined = undefined;
  waits: Map<Wait<Call>, Waiting> | undefined = undefined;
  /** Whether, in the driver, the body executes elsewhere. */
  isRemote = false;
  /** Set as soon as somebody executes it there. */
  remote: { stop(reason: string): void } | undefined = undefined;
  /** Values of caches that the body has got. */
  held: Set<Holdable> | null | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #log: RunLog | undefined = undefined;
  #workdir: string | undefined = undefined;

  constructor(call: Call, host: BodyHost) {
    this.call = call;
    this.host = host;
    this.attempt = call.attempt;
  }

  get runId(): string {
    return this.call.id;
  }

  get rootId(): string {
    return this.host.root.id;
  }

  get funcId(): string {
    return this.call.definition.id;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (!this.executes) this.stop();
    }
    return this.#abort.signal;
  }

  get log(): RunLog {
    this.#log ??= {
      debug: (text, data) => this.#write("debug", text, data),
      info: (text, data) => this.#write("info", text, data),
      warn: (text, data) => this.#write("warn", text, data),
      error: (text, data) => this.#write("error", text, data),
    };
    return this.#log;
  }

  get workdir(): string {
    this.#workdir ??= this.host.makeWorkdir();
    return this.#workdir;
  }

  /** The working directory, if one was made. */
  get usedWorkdir(): string | undefined {
    return this.#workdir;
  }

  /** Bound, like {@link progress}: bodies take what they need apart, as in `const { progress } = context()`. */
  get metric(): RunContext["metric"] {
    return (name, value, type = "gauge") => this.#metric(name, value, type);
  }

  get progress(): RunContext["progress"] {
    return (done, total, note) => this.#progress(done, total, note);
  }

  get noCache(): RunContext["noCache"] {
    return () => this.host.noCache(this);
  }

  #metric(name: string, value: number, type: MetricType): void {
    if (typeof name !== "string" || name === "")
      throw this.#invalid("metric", "the name must be a text that is not empty");
    if (!Number.isFinite(value))
      throw this.#invalid("metric", `the value of "${name}" must be a finite number, not ${value}`);
    if (type !== "gauge" && type !== "count") throw this.#invalid("metric", 'the type must be "gauge" or "count"');
    this.host.tracker?.metric(this.call, { name, value, type, time: Date.now() });
  }

  #progress(done: number, total: number | undefined, note: string | undefined): void {
    if (!Number.isFinite(done) || done < 0)
      throw this.#invalid("progress", `done must be a number from 0, not ${done}`);
    if (total !== undefined && !(Number.isFinite(total) && total >= 0)) {
      throw this.#invalid("progress", `total must be a number from 0, not ${total}`);
    }
    // An attempt that is over must not speak for the one that followed it.
    if (!this.executes) return;
    this.host.tracker?.progress(this.call, { done, total: total ?? null, note: note ?? null });
  }

  /** Whether this attempt still counts. */
  get executes(): boolean {
    return this.call.state === "RUNNING" && this.call.attempt === this.attempt;
  }

  /** Tells the body to stop: aborts its signal and ends its waits. */
  stop(): void {
    const reason = this.stopReason();
    this.#abort?.abort(reason);
    this.remote?.stop(reason.message);
    const { waits } = this;
    this.waits = undefined;
    if (waits !== undefined) {
      for (const waiting of waits.values()) {
        waiting.stop?.();
        // The body may have left before it came to await this: that it is stopped is no error of its own.
        waiting.promise.catch(() => undefined);
        waiting.reject(reason);
      }
    }
  }

  stopReason(): RunCanceledError {
    const { call } = this;
    const reason = call.reason ?? call.failure?.message ?? "this attempt is over";
    return new RunCanceledError(call.id, call.definition.id, reason);
  }

  #write(level: LogLevel, text: string, data: unknown): void {
    this.host.tracker?.log(this.call, {
      stream: "log",
      level,
      text: typeof text === "string" ? text : inspect(text),
      data,
      time: Date.now(),
      attempt: this.attempt,
    });
  }

  #invalid(what: string, why: string): RepriseError {
    return new RepriseError("INVALID_OPTION", `context().${what} in ${this.call.place}: ${why}.`);
  }
}

/** Executes a function as part of a body. */
export function runInBody<A extends unknown[], T>(body: Body, run: (...args: A) => T, args: A): T {
  return scopes.run(body, run, ...args);
}

/** Executes a function as part of no body. */
export function outsideBodies<T>(run: () => T): T {
  return scopes.exit(run);
}

/** The body that executes here, if any. */
export function currentBody(): Body | undefined {
  const scope = scopes.getStore();
  return scope instanceof LoadScope ? scope.body : scope;
}

/** Executes a function as part of the load of a cached function. */
export function runInLoad<T>(load: LoadScope, run: () => T): T {
  return scopes.run(load, run);
}

/** The load of a cached function that executes here, if any. */
export function currentLoad(): LoadScope | undefined {
  const scope = scopes.getStore();
  return scope instanceof LoadScope ? scope : undefined;
}

/** Who uses what caches give here: the load that executes here, or else the body. */
export function currentHolder(): Holder | undefined {
  return scopes.getStore();
}

/**
 * The context of the run whose body executes here; it follows `await`.
 *
 * @throws NotInFuncError outside a body.
 * @example
 * ```ts
 * const train = func("train", async (epochs: number) => {
 *   for (let epoch = 0; epoch < epochs; epoch += 1) {
 *     context().signal.throwIfAborted();
 *     context().progress(epoch, epochs);
 *   }
 * });
 * ```
 */
export function context(): RunContext {
  const body = currentBody();
  if (body === undefined) {
    throw new NotInFuncError("context()", "Call it inside a body, not where funcs are defined or started.");
  }
  return body;
}
