import { type GitState, type PipelineRun, type PipelineState, RepriseError } from "@reprise/core";
import type { DriverLease, Home, RunRef, WriteBatch } from "@reprise/store";
import type { OpenCache } from "./cache/call-cache.ts";
import { LazyCache } from "./cache/lazy-cache.ts";
import { resolveNamespace } from "./cache/namespace.ts";
import type { Call } from "./call.ts";
import type { Body } from "./context.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { pipelineFailed } from "./failures.ts";
import type { Future } from "./future-types.ts";
import type { SettledOptions } from "./local-runner-options.ts";
import { messageOf } from "./message-of.ts";
import { describeOrigin, readGitState } from "./origin.ts";
import { captureOutput } from "./output-capture.ts";
import { PipelineTracker } from "./pipeline-tracker.ts";
import { watchProcess } from "./process-watch.ts";
import { Recorder } from "./recorder.ts";
import { restoreOptions } from "./recorded-options.ts";
import type { Recording } from "./rerun/open-recording.ts";
import { abortReason } from "./silent-runner.ts";
import { ArtifactValues } from "./stored-values.ts";
import { tellWatcher } from "./tell-watcher.ts";
import { localLanes } from "./workers/local-lanes.ts";
import type { WireProgram } from "./workers/protocol.ts";

/** So long, in ms, a pipeline run that has ended waits for what git says; it was asked when the run began. */
const patienceForGit = 250;
/** So long, in ms, it waits for bodies that were told to stop. */
const patienceForBodies = 200;
/** So long, in ms, it waits for workers whose bodies were told to stop: they have ten seconds before they are killed. */
const patienceForWorkers = 15_000;

/** So long, in ms, it waits for its program to be kept, which began with the run. */
const patienceForCode = 20_000;
/** A pipeline run of less than so many ms needs no thread that says that its driver is alive. */
const patienceWithoutHeartbeat = 1_000;

/** Options of one pipeline run. */
export interface PipelineRunOptions extends SettledOptions {
  /** Set if a recorded pipeline run is re-run, or goes on. */
  readonly recording: Recording | undefined;
  /** Keeps the program; gives the digest that is recorded, or null. */
  readonly keepCode: () => Promise<string | null>;
  /** Where workers take the funcs from. */
  readonly program: WireProgram;
}

/** One pipeline run of a local runner. */
export class LocalPipelineRun {
  readonly #root: Call;
  readonly #options: PipelineRunOptions;
  readonly #recorder: Recorder;
  readonly #values: ArtifactValues;
  readonly #home: Home;
  readonly #engine: Engine;
  #cache: LazyCache | undefined = undefined;
  readonly #ref: RunRef;
  readonly #lease: DriverLease;
  readonly #tracker: PipelineTracker;
  #row: PipelineRun;
  /** When the root had ended; writing what belongs to it may take longer. */
  #endedAt: number | undefined = undefined;
  /** Whether its end was handed to the recorder. */
  #written = false;
  #broken: { readonly error: unknown } | undefined = undefined;
  #storeError: { readonly error: unknown } | undefined = undefined;

  constructor(root: Call, future: Future<unknown>, home: Home, options: PipelineRunOptions) {
    this.#root = root;
    this.#options = { ...options, onEvent: tellWatcher(options.onEvent) };
    this.#home = home;
    const { recording } = options;
    this.#lease = recording?.lease ?? { root: { uuid: root.uuid, key: 0 }, fence: 1 };
    this.#ref = this.#lease.root;
    if (recording !== undefined) root.changes ??= restoreOptions(recording.root.run.options);
    this.#recorder = new Recorder(home.backend, this.#lease, {
      failed: (error) => this.#storeFailed(error),
      refused: () => this.cancel("another process canceled it"),
    });
    this.#values = new ArtifactValues(home.artifacts, home.blobs);
    this.#tracker = new PipelineTracker({
      recorder: this.#recorder,
      artifacts: home.artifacts,
      root: this.#ref,
      emit: this.#options.onEvent,
    });
    this.#engine = new Engine(root, {
      concurrency: options.concurrency,
      values: this.#values,
      tracker: this.#tracker,
      stepDurability: options.durability === "step",
      forwardsOutput: options.forwardOutput ?? true,
      blobs: home.blobs,
      makeWorkdir: () => home.makeWorkdir(),
      cache: this.#cacheOf(future, this.#tracker),
      remote: localLanes(home, options),
      replay: recording?.play({
        recorder: this.#recorder,
        tracker: this.#tracker,
        values: this.#values,
        row: this.#ref,
      }),
    });
    const now = Date.now();
    this.#row =
      recording?.lease != null
        ? recording.graph.pipelineRun
        : {
            id: root.id,
            state: "RUNNING",
            kind: "local",
            funcId: root.definition.id,
            name: root.name,
            tags: root.tags,
            origin: describeOrigin(),
            git: null,
            code: null,
            rerun: recording?.origin ?? null,
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
    const alive = this.#sayAlive();
    try {
      // An argument that cannot be stored throws here: then there is no pipeline run, or it is for others to go on with.
      this.#engine.start();
    } catch (error) {
      await alive.end();
      throw error;
    }
    this.#write("RUNNING");
    // On disk before the first body, which may block the event loop or end the process.
    this.#recorder.flushNow();
    this.#tell("RUNNING");
    // What it was begun with: a pipeline run that goes on does so with the code that it says.
    const git = this.#row.git === null ? readGitState(process.cwd()) : Promise.resolve(null);
    void git.then((state) => this.#addGit(state));
    const code = this.#keepCode();
    const endCapture = captureOutput();
    const unwatch = this.#watch();
    try {
      await this.#end(git, code);
      if (this.#root.state !== "RESOLVED") throw pipelineFailed(this.#root);
      const output = this.#root.output as NonNullable<Call["output"]>;
      return await this.#values.restore(output);
    } catch (error) {
      throw this.#storeError === undefined ? error : this.#lost(this.#storeError.error);
    } finally {
      this.#cache?.close();
      await alive.end();
      await this.#engine.cleanUp();
      endCapture();
      unwatch();
    }
  }

  /** Resolves when the root has ended and all of it is on disk. */
  async #end(git: Promise<GitState | null>, code: Promise<void>): Promise<void> {
    try {
      await this.#engine.ended;
    } catch (error) {
      // The engine itself is broken: what it has canceled because of that is still recorded.
      this.#broken = { error };
      await new Promise(setImmediate);
    }
    this.#endedAt = Date.now();
    // What was computed can be reused from the moment the caller has its result.
    await this.#cache?.flush();
    if (this.#root.state !== "CANCELED") {
      await atMost(git, patienceForGit);
      await atMost(code, patienceForCode);
    }
    this.#written = true;
    this.#write(this.#outcome());
    await this.#recorder.durable();
    this.#tell(this.#outcome());
    // Bodies that were told to stop may have something to tidy up, and something to say about it.
    const soon = (bodies: readonly Body[]): void => {
      const runs = bodies.map(({ runId, call }) => ({ id: runId, label: call.label }));
      this.#options.onEvent?.({ type: "stopping", runs, time: Date.now() });
    };
    await this.#engine.bodiesLeft({ here: patienceForBodies, elsewhere: patienceForWorkers, soon });
    await this.#recorder.durable();
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  #outcome(): PipelineState {
    const { state } = this.#root;
    return state === "RESOLVED" ? "COMPLETE" : state === "CANCELED" ? "CANCELED" : "FAILED";
  }

  #write(state: PipelineState): void {
    const finishedAt = state === "RUNNING" ? null : (this.#endedAt ?? Date.now());
    const { host, pid, processStartedAt } = this.#row.origin;
    const run = { ...this.#row, state, finishedAt };
    this.#recorder.pipelineRun({ root: this.#ref, run, driver: { host, pid, processStartedAt } });
  }

  /** Git is asked in the background, so what it says comes when the pipeline run is under way. */
  #addGit(git: GitState | null): void {
    if (git === null || this.#written) return;
    this.#row = { ...this.#row, git };
    this.#write("RUNNING");
  }

  /** The program is kept in the background, too. What goes wrong there concerns nobody until it is to be run again. */
  async #keepCode(): Promise<void> {
    if (this.#row.code !== null) return;
    try {
      const code = await this.#options.keepCode();
      if (code === null || this.#written) return;
      this.#row = { ...this.#row, code };
      this.#write("RUNNING");
    } catch (error) {
      this.#tracker.note(this.#root, `the program was not kept to be run again: ${messageOf(error)}`);
    }
  }

  /** Begins, after a while, to say that the driver is alive, from a thread of its own. */
  #sayAlive(): { readonly end: () => Promise<void> } {
    let saying: AsyncDisposable | undefined;
    const begin = (): void => {
      saying = this.#home.backend.keepAlive(this.#lease);
    };
    // One that goes on has taken more than moments before.
    const goesOn = this.#options.recording?.lease != null;
    const timer = goesOn ? undefined : setTimeout(begin, patienceWithoutHeartbeat).unref();
    if (goesOn) begin();
    return {
      end: async () => {
        clearTimeout(timer);
        await saying?.[Symbol.asyncDispose]();
      },
    };
  }

  #tell(state: PipelineState): void {
    const { id, funcId, name } = this.#row;
    this.#options.onEvent?.({
      type: "pipeline",
      id,
      funcId,
      name,
      state,
      time: state === "RUNNING" ? Date.now() : (this.#endedAt ?? Date.now()),
    });
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
      else backend.cancelPipelineRun(this.#row.id, reason, Date.now(), this.#lease).catch(() => undefined);
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
      driver: this.#lease,
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
