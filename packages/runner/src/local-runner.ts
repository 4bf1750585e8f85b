import { type GitState, type PipelineRun, type PipelineState, RepriseError } from "@reprise/core";
import type { Home, RunRef, WriteBatch } from "@reprise/store";
import type { Call } from "./call.ts";
import { type CacheMode, checkCacheMode, type OpenCache } from "./cache/call-cache.ts";
import { LazyCache } from "./cache/lazy-cache.ts";
import { type CacheNamespace, checkNamespace, defaultNamespace, resolveNamespace } from "./cache/namespace.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { pipelineFailed } from "./failures.ts";
import type { Future } from "./future-types.ts";
import { messageOf } from "./message-of.ts";
import { describeOrigin, readGitState } from "./origin.ts";
import { captureOutput } from "./output-capture.ts";
import { PipelineTracker } from "./pipeline-tracker.ts";
import { watchProcess } from "./process-watch.ts";
import { Recorder } from "./recorder.ts";
import { checkConcurrency, checkOptions, defaultConcurrency, Runner, type RunHandle } from "./runner.ts";
import type { RunnerEvent } from "./runner-events.ts";
import { abortReason } from "./silent-runner.ts";
import { ArtifactValues } from "./stored-values.ts";
import { tellWatcher } from "./tell-watcher.ts";

/**
 * When a result is on disk. `ordered` (default): dependents start at once; what is on disk is always a consistent prefix
 * of what happened, and the result of the root is awaited; a crash may execute again what finished in the last few
 * milliseconds. `step`: a result is on disk before anything depends on it.
 */
export type Durability = "ordered" | "step";

/** Options of {@link LocalRunner}. */
export interface LocalRunnerOptions {
  /** Folder of the embedded store. Default: the environment variable `REPRISE_HOME`, else `~/.reprise`. */
  readonly home?: string | undefined;
  /** How many bodies may execute at once; one that waits for a value does not count. Default: the setting `CONCURRENCY`, else 64. */
  readonly concurrency?: number | undefined;
  /** When results are on disk. Default: the setting `DURABILITY`, else `"ordered"`. */
  readonly durability?: Durability | undefined;
  /**
   * Namespace of the cache entries that are read and written: a text, or a function that makes one from the root future; it
   * is called once per pipeline run, before the first lookup. Default: the setting `CACHE_NAMESPACE`, else `"default"`.
   */
  readonly cacheNamespace?: CacheNamespace | undefined;
  /**
   * What funcs with the option `cache` may do: `"on"` reads and writes, `"refresh"` executes and replaces what was stored,
   * `"readOnly"` only reads, `"off"` neither. Default: `"on"`.
   */
  readonly cache?: CacheMode | undefined;
  /** Cancels the pipeline runs of this runner when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears everything that happens while it happens. If it throws, a warning says so and it hears no more. */
  readonly onEvent?: ((event: RunnerEvent) => void) | undefined;
  /** Whether what bodies print also goes to the process's own stdout and stderr. It is recorded anyway. Default: true. */
  readonly forwardOutput?: boolean | undefined;
  /** Whether SIGINT and SIGTERM cancel the pipeline runs. Default: true. */
  readonly handleSignals?: boolean | undefined;
}

const knownOptions = [
  "home",
  "concurrency",
  "durability",
  "cacheNamespace",
  "cache",
  "signal",
  "onEvent",
  "forwardOutput",
  "handleSignals",
];

/**
 * Executes graphs in this process and records everything in the embedded store: runs, inputs, outputs, logs, failures.
 * Bodies execute concurrently. A runner may run many futures, also at once. From Sematic's `LocalRunner`.
 *
 * @example
 * ```ts
 * import { func, LocalRunner } from "reprise";
 *
 * const hello = func("hello", (name: string) => `Hello, ${name}!`);
 * console.log(await new LocalRunner().run(hello("world")));
 * ```
 */
export class LocalRunner extends Runner implements AsyncDisposable {
  readonly #options: LocalRunnerOptions;
  readonly #active = new Set<Promise<unknown>>();
  #home: Promise<Home> | undefined = undefined;

  constructor(options: LocalRunnerOptions = {}) {
    super();
    checkOptions(options, knownOptions, "LocalRunner");
    const { durability = "ordered" } = options;
    if (durability !== "ordered" && durability !== "step") {
      throw new RepriseError(
        "INVALID_OPTION",
        `LocalRunner: durability must be "ordered" or "step", not ${JSON.stringify(durability)}.`,
      );
    }
    if (options.concurrency !== undefined) checkConcurrency(options.concurrency);
    if (options.cacheNamespace !== undefined) checkNamespace(options.cacheNamespace, "LocalRunner");
    if (options.cache !== undefined) checkCacheMode(options.cache, "LocalRunner");
    this.#options = options;
  }

  override async submit<T>(future: Future<T>): Promise<RunHandle<T>> {
    const root = this.claim(future);
    let result: Promise<T>;
    let run: LocalPipelineRun;
    try {
      const home = await this.#open();
      run = new LocalPipelineRun(root, future, home, await withSettings(this.#options, home));
      result = run.execute() as Promise<T>;
    } finally {
      this.giveBack(root);
    }
    this.#active.add(result);
    result.catch(() => undefined).finally(() => this.#active.delete(result));
    return {
      id: root.id,
      result: () => result,
      cancel: async (reason = "canceled by the caller") => {
        const canceled = run.cancel(reason);
        await result.catch(() => undefined);
        return canceled;
      },
      [Symbol.asyncDispose]: async () => {
        run.cancel("the handle was disposed");
        await result.catch(() => undefined);
      },
    };
  }

  /** Opens the store. A runner that keeps it elsewhere, or in another way, overrides this. */
  protected openHome(): Promise<Home> {
    return openStore(this.#options.home);
  }

  /** Waits for what is running and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#active);
    const home = this.#home;
    this.#home = undefined;
    await (await home)?.[Symbol.asyncDispose]();
  }

  /** The store is opened when it is first needed; a failure is not remembered, so that a later run may succeed. */
  #open(): Promise<Home> {
    this.#home ??= this.openHome().catch((error: unknown) => {
      this.#home = undefined;
      throw error;
    });
    return this.#home;
  }
}

async function openStore(path: string | undefined): Promise<Home> {
  const { openHome } = await import("@reprise/store");
  return openHome(path === undefined ? {} : { path });
}

/** So long, in ms, a pipeline run that has ended waits for what git says; it was asked when the run began. */
const patienceForGit = 250;
/** So long, in ms, it waits for bodies that were told to stop. */
const patienceForBodies = 200;

/** Options in which what was not given has come from the settings of the home, or is the default. */
interface Settled extends LocalRunnerOptions {
  readonly concurrency: number;
  readonly durability: Durability;
  readonly cacheNamespace: CacheNamespace;
}

async function withSettings(options: LocalRunnerOptions, { settings }: Home): Promise<Settled> {
  const [concurrency, durability, namespace] = await Promise.all([
    settings.get("CONCURRENCY"),
    settings.get("DURABILITY"),
    settings.get("CACHE_NAMESPACE"),
  ]);
  return {
    ...options,
    concurrency: options.concurrency ?? Number(concurrency ?? defaultConcurrency),
    durability: options.durability ?? (durability === "step" ? "step" : "ordered"),
    cacheNamespace: options.cacheNamespace ?? namespace ?? defaultNamespace,
  };
}

/** One pipeline run of a local runner. */
class LocalPipelineRun {
  readonly #root: Call;
  readonly #options: Settled;
  readonly #recorder: Recorder;
  readonly #values: ArtifactValues;
  readonly #home: Home;
  readonly #engine: Engine;
  #cache: LazyCache | undefined = undefined;
  readonly #ref: RunRef;
  #row: PipelineRun;
  /** Whether its end was handed to the recorder. */
  #written = false;
  #broken: { readonly error: unknown } | undefined = undefined;
  #storeError: { readonly error: unknown } | undefined = undefined;

  constructor(root: Call, future: Future<unknown>, home: Home, options: Settled) {
    this.#root = root;
    this.#options = { ...options, onEvent: tellWatcher(options.onEvent) };
    this.#home = home;
    this.#ref = { uuid: root.uuid, key: 0 };
    this.#recorder = new Recorder(home.backend, {
      failed: (error) => this.#storeFailed(error),
      refused: () => this.cancel("another process canceled it"),
    });
    this.#values = new ArtifactValues(home.artifacts, home.blobs);
    const tracker = new PipelineTracker({
      recorder: this.#recorder,
      artifacts: home.artifacts,
      root: this.#ref,
      emit: this.#options.onEvent,
    });
    this.#engine = new Engine(root, {
      concurrency: options.concurrency,
      values: this.#values,
      tracker,
      stepDurability: options.durability === "step",
      forwardsOutput: options.forwardOutput ?? true,
      blobs: home.blobs,
      makeWorkdir: () => home.makeWorkdir(),
      cache: this.#cacheOf(future, tracker),
    });
    const now = Date.now();
    this.#row = {
      id: root.id,
      state: "RUNNING",
      kind: "local",
      funcId: root.definition.id,
      name: root.name,
      tags: root.tags,
      origin: describeOrigin(),
      git: null,
      code: null,
      rerun: null,
      createdAt: now,
      startedAt: now,
      finishedAt: null,
    };
  }

  cancel(reason: string): boolean {
    return this.#engine.cancel(reason);
  }

  #cacheOf(root: Future<unknown>, tracker: PipelineTracker): EngineOptions["cache"] {
    const { cache: mode = "on", cacheNamespace } = this.#options;
    if (mode === "off") return undefined;
    return (answers, flow) => {
      const load = async (): Promise<OpenCache> => {
        const { openSession } = await import("./cache/open-session.ts");
        return openSession(this.#home, {
          root: this.#root,
          mode,
          namespace: () => resolveNamespace(cacheNamespace, root),
          values: this.#values,
          flow,
          tracker,
          answers,
        });
      };
      this.#cache = new LazyCache(load, answers.missed, (call, error) => {
        tracker.warn(call, `The cache cannot be opened, so nothing is reused: ${messageOf(error)}`);
      });
      return this.#cache;
    };
  }

  async execute(): Promise<unknown> {
    // An argument that cannot be stored throws here: then there is no pipeline run.
    this.#engine.start();
    this.#write("RUNNING");
    // On disk before the first body, which may block the event loop or end the process.
    this.#recorder.flushNow();
    this.#tell("RUNNING");
    const git = readGitState(process.cwd());
    void git.then((state) => this.#addGit(state));
    const endCapture = captureOutput();
    const unwatch = this.#watch();
    try {
      await this.#end(git);
      if (this.#root.state !== "RESOLVED") throw pipelineFailed(this.#root);
      const output = this.#root.output as NonNullable<Call["output"]>;
      return await this.#values.restore(output);
    } catch (error) {
      throw this.#storeError === undefined ? error : this.#lost(this.#storeError.error);
    } finally {
      this.#cache?.close();
      await this.#engine.cleanUp();
      endCapture();
      unwatch();
    }
  }

  /** Resolves when the root has ended and all of it is on disk. */
  async #end(git: Promise<GitState | null>): Promise<void> {
    try {
      await this.#engine.ended;
    } catch (error) {
      // The engine itself is broken: what it has canceled because of that is still recorded.
      this.#broken = { error };
      await new Promise(setImmediate);
    }
    // What was computed can be reused from the moment the caller has its result.
    await this.#cache?.flush();
    if (this.#root.state !== "CANCELED") await atMost(git, patienceForGit);
    this.#written = true;
    this.#write(this.#outcome());
    await this.#recorder.durable();
    this.#tell(this.#outcome());
    // Bodies that were told to stop may have something to tidy up, and something to say about it.
    await this.#engine.bodiesLeft(patienceForBodies);
    await this.#recorder.durable();
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  #outcome(): PipelineState {
    const { state } = this.#root;
    return state === "RESOLVED" ? "COMPLETE" : state === "CANCELED" ? "CANCELED" : "FAILED";
  }

  #write(state: PipelineState): void {
    const finishedAt = state === "RUNNING" ? null : Date.now();
    this.#recorder.pipelineRun({ root: this.#ref, run: { ...this.#row, state, finishedAt } });
  }

  /** Git is asked in the background, so what it says comes when the pipeline run is under way. */
  #addGit(git: GitState | null): void {
    if (git === null || this.#written) return;
    this.#row = { ...this.#row, git };
    this.#write("RUNNING");
  }

  #tell(state: PipelineState): void {
    const { id, funcId, name } = this.#row;
    this.#options.onEvent?.({ type: "pipeline", id, funcId, name, state, time: Date.now() });
  }

  #storeFailed(error: unknown): void {
    this.#storeError = { error };
    this.#engine.cancel("the store cannot be written");
  }

  #lost(error: unknown): RepriseError {
    const why = messageOf(error);
    const code = RepriseError.is(error) ? error.code : "STORE_FAILED";
    return new RepriseError(
      code,
      `Pipeline run ${this.#root.id} of func "${this.#root.definition.id}" was stopped, because what it does can no longer be recorded: ${why} What was recorded before is whole.`,
      { cause: error },
    );
  }

  /** Records, synchronously, that the process exits. */
  #exit(reason: string): void {
    this.#engine.cancelAtExit(reason);
    if (!this.#written) this.#write(this.#outcome());
    if (this.#recorder.flushNow()) return;
    // Rows that wait for blobs are lost. What is on disk must not look as if it were still going on.
    const { backend } = this.#home;
    try {
      if (this.#ref.key === 0) void backend.commit(this.#abandoned(reason));
      else backend.cancelPipelineRun(this.#row.id, reason, Date.now()).catch(() => undefined);
    } catch {
      // The store is gone; the process will be, too.
    }
  }

  /** All that can be told of a pipeline run whose very arguments were still being written. */
  #abandoned(reason: string): WriteBatch {
    const finishedAt = Date.now();
    const { write } = this.#root.track as NonNullable<Call["track"]>;
    const none = {
      artifacts: [],
      edges: [],
      attempts: [],
      events: [],
      logs: [],
      metrics: [],
      cacheChanges: [],
      awaited: [],
      driver: null,
    };
    return {
      ...none,
      pipelineRuns: [{ root: this.#ref, run: { ...this.#row, state: "CANCELED", finishedAt } }],
      runs: [{ ...write, state: "CANCELED", output: null, failure: null, reason, finishedAt }],
    };
  }

  /** Signals, the caller's own signal, and the end of the process. */
  #watch(): () => void {
    const { signal, handleSignals = true } = this.#options;
    const cancel = (): void => void this.cancel(abortReason(signal));
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted === true) cancel();
    const unwatch = watchProcess({
      signals: handleSignals,
      canceled: (reason) => this.cancel(reason),
      exits: (reason) => this.#exit(reason),
    });
    return () => {
      signal?.removeEventListener("abort", cancel);
      unwatch();
    };
  }
}

/** Resolves with the promise, which never rejects, or after `patience` ms. */
async function atMost(promise: Promise<unknown>, patience: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patience);
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
