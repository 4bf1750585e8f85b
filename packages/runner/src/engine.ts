import { type Command, type Failure, fromFailure, isFinished, Scheduler, toFailure } from "@reprise/core";
import type { BlobStore } from "@reprise/store";
import { Assembly } from "./assembly.ts";
import { letGo } from "./actors/load-scope.ts";
import { BodyWaits } from "./body-waits.ts";
import type { CacheAnswers, EngineCache } from "./cache/call-cache.ts";
import { type Call, none } from "./call.ts";
import { Body, type BodyHost, runInBody } from "./context.ts";
import { childOfError } from "./failures.ts";
import type { FuturePart } from "./future.ts";
import { LiveBodies, type Patience } from "./live-bodies.ts";
import { isThenable } from "./maybe-promise.ts";
import { beginElements } from "./map-elements.ts";
import { messageOf } from "./message-of.ts";
import { foreignFuture, lateCall } from "./misuse.ts";
import { endOutput } from "./output-capture.ts";
import type { EngineReplay, ReplayEngine } from "./rerun/engine-replay.ts";
import { Submission } from "./submission.ts";
import { extractFutures } from "./template.ts";
import type { Tracker } from "./tracker.ts";
import { Turns } from "./turns.ts";
import { ValueFlow } from "./value-flow.ts";
import type { Stored, Values } from "./values.ts";
import { WakeTimer } from "./wake-timer.ts";
import { RemoteBodies, type RemoteOptions } from "./workers/remote-bodies.ts";
import { Workdirs } from "./workdirs.ts";

/** What an engine needs. */
export interface EngineOptions {
  /** How many bodies may execute at once; one that waits for a value does not count. */
  readonly concurrency: number;
  readonly values: Values;
  /** Who records what happens; undefined if nobody does. */
  readonly tracker: Tracker | undefined;
  /** Whether a result is on disk before anything depends on it. */
  readonly stepDurability: boolean;
  /** Makes a fresh directory for a body. */
  readonly makeWorkdir: () => string;
  /** Whether what bodies print also goes to the process's own streams. Default: true. */
  readonly forwardsOutput?: boolean;
  /** Makes the cache, given where its answers go; undefined if nothing is reused. */
  readonly cache?: ((answers: CacheAnswers, flow: ValueFlow) => EngineCache) | undefined;
  /** Makes what is recorded of an earlier pipeline run, or of this one, take part; undefined if everything is new. */
  readonly replay?: ((engine: ReplayEngine) => EngineReplay) | undefined;
  /** Where bodies keep files; undefined for a runner without a store. */
  readonly blobs?: BlobStore;
  /** Who executes bodies that do not execute here; undefined if all of them do. */
  readonly remote?: RemoteOptions | undefined;
}

/**
 * Executes one pipeline run: the event loop around the scheduler. It starts bodies, hands values from run to run, and
 * tells the tracker.
 */
export class Engine implements BodyHost {
  readonly root: Call;
  readonly tracker: Tracker | undefined;
  /** Settles when the root has ended; rejects only if the engine itself is broken. */
  readonly ended: Promise<void>;
  readonly #scheduler: Scheduler<Call>;
  readonly #flow: ValueFlow;
  readonly #waits: BodyWaits;
  readonly #cache: EngineCache | undefined;
  readonly #replay: EngineReplay | undefined;
  readonly #submission: Submission;
  readonly #assembly: Assembly;
  readonly #options: EngineOptions;
  readonly #workdirs: Workdirs;
  readonly #bodies = new LiveBodies();
  readonly #remote: RemoteBodies | undefined;
  readonly #end = Promise.withResolvers<void>();
  #pumping = false;
  #exiting = false;
  #pumpQueued = false;
  readonly #turns = new Turns(() => this.#pump());
  readonly #timer = new WakeTimer(() => {
    this.#scheduler.tick(Date.now());
    this.#pump();
  });

  constructor(root: Call, options: EngineOptions) {
    this.root = root;
    this.tracker = options.tracker;
    this.ended = this.#end.promise;
    this.#options = options;
    this.#workdirs = new Workdirs(options.makeWorkdir);
    this.#flow = new ValueFlow(options.values, options.tracker);
    const { remote } = options;
    this.#scheduler = new Scheduler({
      concurrency: options.concurrency,
      announce: options.tracker !== undefined,
      ...(remote === undefined
        ? {}
        : { lanes: (name: string) => this.#remote?.lane(name), infrastructureRetries: remote.retries }),
    });
    this.#waits = new BodyWaits({
      scheduler: this.#scheduler,
      flow: this.#flow,
      tracker: options.tracker,
      goOn: () => this.#queuePump(),
    });
    this.#cache = options.cache?.(this.#answers(), this.#flow);
    this.#replay = options.replay?.({
      scheduler: this.#scheduler,
      flow: this.#flow,
      submit: (call) => this.#submission.submit(call),
      goOn: () => this.#queuePump(),
    });
    this.#submission = new Submission({
      scheduler: this.#scheduler,
      flow: this.#flow,
      tracker: options.tracker,
      cache: this.#cache,
      replay: this.#replay,
      goOn: () => this.#queuePump(),
    });
    this.#assembly = new Assembly({
      scheduler: this.#scheduler,
      flow: this.#flow,
      keepOutput: (call, own) => this.#keepOutput(call, own),
      goOn: () => this.#queuePump(),
    });
    this.#remote = remote === undefined ? undefined : this.#makeRemote(remote);
  }

  /** What bodies that execute elsewhere need of this engine. */
  #makeRemote(remote: RemoteOptions): RemoteBodies {
    return new RemoteBodies(remote, {
      values: this.#options.values,
      flow: this.#flow,
      waits: this.#waits,
      submission: this.#submission,
      tracker: this.tracker,
      forwardsOutput: this.forwardsOutput,
      noCache: (body) => this.noCache(body),
      goOn: () => this.#queuePump(),
      started: (body) => {
        const counts = this.#scheduler.started(body.call, body.attempt, Date.now());
        // It may be over with the next message: that it has begun is told before.
        this.#pump();
        return counts;
      },
      returned: (body, output) => this.#done(body, output),
      failed: (body, error, failure, child) => this.#failed(body, error, failure, child),
      lost: (body, failure, isFinal) => {
        this.#replay?.ends(body);
        if (this.#scheduler.lost(body.call, body.attempt, failure, Math.random(), Date.now(), isFinal))
          body.call.error = fromFailure(failure);
        this.#leave(body);
      },
      left: (body) => this.#leave(body),
    });
  }

  #answers(): CacheAnswers {
    const then = (answer: () => void): void => {
      answer();
      this.#queuePump();
    };
    return {
      reused: (call) => then(() => this.#scheduler.reused(call, Date.now())),
      missed: (call) => then(() => this.#scheduler.missed(call, Date.now())),
      refused: (call, failure, origin) => then(() => this.#scheduler.refused(call, failure, origin, Date.now())),
    };
  }

  /** Begins with the root run. */
  start(): void {
    this.#flow.takeArguments(this.root);
    this.#replay?.begin(this.root);
    this.#submission.submit(this.root);
    this.tracker?.onDrain(() => this.#queuePump());
    this.#queuePump();
  }

  /** Cancels a run and all below it; by default the root. */
  cancel(reason: string, call: Call = this.root): boolean {
    const canceled = this.#scheduler.cancel(call, reason, Date.now());
    this.#pump();
    return canceled;
  }

  /**
   * Cancels everything because the process exits: all of it is carried out now, also when a body called for the exit while
   * the loop was starting it.
   */
  cancelAtExit(reason: string): void {
    this.#exiting = true;
    this.cancel(reason);
    this.#workdirs.removeNow();
  }

  /** Takes a call that a body just made: a snapshot of its arguments now, its start on the next tick. */
  accept(body: Body, call: Call): void {
    this.#submission.accept(body, call);
  }

  /** The value of a part for a body that waits for it. */
  valueFor(body: Body, part: FuturePart, signal: AbortSignal | undefined): Promise<unknown> {
    if (!body.executes)
      return Promise.reject(body.call.state === "RUNNING" ? body.stopReason() : lateCall(body, "$value() was called"));
    if (part.call.maker !== body) return Promise.reject(foreignFuture(part.call, body.call));
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    this.#submission.submit(part.call);
    return this.#waits.valueFor(body, part, signal);
  }

  noCache({ call, attempt }: Body): void {
    if (call.cache !== undefined) call.cache.vetoed = attempt;
  }

  /** Whether what bodies print also goes to the process's own streams. */
  get forwardsOutput(): boolean {
    return this.#options.forwardsOutput ?? true;
  }

  /** Where bodies keep files. */
  get blobs(): BlobStore | undefined {
    return this.#options.blobs;
  }

  /** Makes a fresh directory, removed when the body or the pipeline run is over. */
  makeWorkdir(): string {
    return this.#workdirs.make();
  }

  /** Resolves when the code of all bodies is over, those that were told to stop included, or its time is. */
  async bodiesLeft({ here, elsewhere, soon }: Patience): Promise<void> {
    await this.#bodies.left(here);
    await this.#remote?.allLeft(elsewhere, soon);
  }

  /** Removes what bodies that never ended have left. */
  async cleanUp(): Promise<void> {
    this.#timer.set(undefined);
    await this.#workdirs.removeAll();
  }

  #queuePump(): void {
    if (this.#pumpQueued || this.#pumping) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      this.#pump();
    });
  }

  /** Carries out commands and fills free slots until there is nothing left to do. */
  #pump(): void {
    if (this.#pumping && !this.#exiting) return;
    this.#pumping = true;
    let command: Command<Call> | undefined;
    let broken: { readonly error: unknown } | undefined;
    try {
      for (let done = 0; ; done += 1) {
        // A body may take long, anything else does not.
        if ((done % 64 === 0 || command?.type === "start") && !this.#exiting && this.#turns.isOver) break;
        command = this.#scheduler.take();
        if (command === undefined && this.tracker?.overloaded !== true) {
          this.#scheduler.dispatch(Date.now(), 1);
          command = this.#scheduler.take();
        }
        if (command === undefined) break;
        this.#carryOut(command);
      }
    } catch (error) {
      broken = { error };
    }
    this.#pumping = false;
    if (broken !== undefined) this.#break(broken.error);
    this.#timer.set(isFinished(this.root.state) ? undefined : this.#scheduler.nextTick);
  }

  #carryOut(command: Command<Call>): void {
    switch (command.type) {
      case "changed":
        this.tracker?.changed(command.node, command.now);
        if (command.node.cache !== undefined && isFinished(command.node.state)) this.#cache?.ended(command.node);
        break;
      case "lookup":
        this.#lookUp(command.node);
        break;
      case "start":
        this.#execute(command.node);
        break;
      case "assemble":
        this.#assembly.assemble(command.node);
        break;
      case "publish":
        this.#publish(command.node);
        break;
      case "deliver":
        this.#waits.deliver(command.wait);
        break;
      case "abort":
        if (command.node.body?.attempt === command.attempt) this.#stopBody(command.node.body);
        break;
      case "retry":
        command.node.body = undefined;
        command.node.error = undefined;
        this.tracker?.retry(command.node, command);
        break;
      case "ended":
        this.#replay?.over();
        this.#end.resolve();
        break;
    }
  }

  #lookUp(call: Call): void {
    const askCache = (): void => {
      if (call.cache === undefined) this.#scheduler.missed(call, Date.now());
      else this.#cache?.lookUp(call);
    };
    if (this.#replay === undefined) askCache();
    else this.#replay.lookUp(call, askCache);
  }

  #execute(call: Call): void {
    const body = new Body(call, this);
    call.body = body;
    this.#replay?.begins(call);
    const lane = this.#remote?.laneOf(call);
    if (lane !== undefined) {
      this.#remote?.execute(body, lane);
      return;
    }
    this.#bodies.enter();
    try {
      const inputs = this.#flow.inputs(call);
      if (isThenable(inputs)) {
        inputs.then((args) => this.#begin(body, args)).catch((error: unknown) => this.#threw(body, error));
      } else this.#begin(body, inputs);
    } catch (error) {
      this.#threw(body, error);
    }
  }

  #begin(body: Body, args: unknown[]): void {
    if (body.call.map === undefined) this.#runBody(body, args);
    else this.#executeMap(body, args);
  }

  #runBody(body: Body, args: unknown[]): void {
    // Its arguments had to be read first, and meanwhile it was canceled.
    if (!body.executes) {
      this.#leave(body);
      return;
    }
    this.tracker?.hurry();
    const { contextAt, run } = body.call.definition;
    if (contextAt >= 0) args[contextAt] = body;
    let result: unknown;
    try {
      result = runInBody(body, run, args as never[]);
    } catch (error) {
      this.#submission.submitPending(body);
      this.#threw(body, error);
      return;
    }
    if (isThenable(result)) {
      this.#submission.submitPending(body);
      result.then(
        (value) => this.#returned(body, value),
        (error: unknown) => this.#threw(body, error),
      );
    } else this.#returned(body, result);
  }

  /** The body gave its result. */
  #returned(body: Body, value: unknown): void {
    this.#submission.submitPending(body);
    if (!body.executes) {
      this.#late(body);
      return;
    }
    try {
      if (!this.#keepResult(body, value)) {
        const output = this.#flow.output(body.call, value);
        if (isThenable(output)) {
          output.then(
            (stored) => this.#done(body, stored),
            (error: unknown) => this.#threw(body, error),
          );
        } else this.#done(body, output);
      }
    } catch (error) {
      this.#threw(body, error);
    }
  }

  /** Keeps a result with futures in it until they have values. False for any other result. */
  #keepResult(body: Body, value: unknown): boolean {
    const { call } = body;
    const what = call.definition.labels.output;
    const template = extractFutures(value, what);
    if (template === undefined) return false;
    call.result = this.#flow.store(template, what, (future) => {
      if (future.maker !== body) throw foreignFuture(future, call);
    });
    this.#done(body, undefined);
    return true;
  }

  #done(body: Body, output: Stored | undefined): void {
    const { call } = body;
    if (!body.executes) {
      this.#late(body);
      return;
    }
    if (output !== undefined) this.#keepOutput(call, output);
    this.#replay?.ends(body);
    this.#scheduler.returned(call, body.attempt, output === undefined, Date.now());
    this.#leave(body);
  }

  #keepOutput(call: Call, own: Stored): void {
    call.output = call.cache === undefined ? own : (this.#cache?.valueOf(call, own) ?? own);
    this.tracker?.output(call, call.output);
  }

  #executeMap(body: Body, [items]: unknown[]): void {
    // Its items had to be read first, and meanwhile it was canceled.
    if (!body.executes) this.#leave(body);
    else if (beginElements(body.call, items, this.#flow, this.#submission) === 0) this.#returned(body, []);
    else this.#done(body, undefined);
  }

  #threw(body: Body, error: unknown): void {
    this.#submission.submitPending(body);
    if (!body.executes) {
      this.#late(body);
      return;
    }
    this.#failed(body, error, toFailure(error), childOfError(error, body));
  }

  #failed(body: Body, error: unknown, failure: Failure, child: Call | undefined): void {
    const { call } = body;
    call.error = error;
    this.#replay?.ends(body);
    // One that executes elsewhere may fail before it begins.
    if (this.#scheduler.threw(call, body.attempt, failure, child, Math.random(), Date.now())) this.#leave(body);
    else this.#late(body);
  }

  #late(body: Body): void {
    this.tracker?.late(body.call, body.attempt);
    this.#leave(body);
  }

  /** The body's code is over. */
  #leave(body: Body): void {
    endOutput(body);
    letGo(body);
    // A wait that outlives its body (the loser of a Promise.race) still needs it.
    if ((body.waits?.size ?? 0) === 0 && body.call.body === body) body.call.body = undefined;
    // What it has called may live on, and knows it.
    body.remote = undefined;
    if (body.usedWorkdir !== undefined) void this.#workdirs.remove(body.usedWorkdir);
    if (body.isRemote) this.#remote?.left(body);
    else this.#bodies.leave();
    this.#queuePump();
  }

  #stopBody(body: Body): void {
    runInBody(body, () => body.stop(), []);
  }

  #publish(call: Call): void {
    call.given = undefined;
    call.args = none;
    call.sources = none;
    const written = this.#options.stepDurability ? this.tracker?.durable() : undefined;
    if (written === undefined) {
      this.#scheduler.published(call, Date.now());
      return;
    }
    written.then(
      () => {
        this.#scheduler.published(call, Date.now());
        this.#queuePump();
      },
      (error: unknown) => this.#break(error),
    );
  }

  /** The engine cannot go on: an error of its own or of the store. Nothing is left to look as if it were running. */
  #break(error: unknown): void {
    this.#end.reject(error);
    const why = messageOf(error);
    this.#scheduler.cancel(this.root, `the runner failed: ${why}`, Date.now());
    // The command that broke is gone; those behind it stop the bodies and tell how each run ended.
    this.#queuePump();
  }
}
