import { type Failure, toFailure, type Wait } from "@reprise/core";
import type { BlobStore } from "@reprise/store";
import { letGo } from "../actors/load-scope.ts";
import { Call } from "../call.ts";
import type { ParsedOptions } from "../call-options.ts";
import { Body, type BodyHost, runInBody, type Waiting } from "../context.ts";
import { childFailed, childOfError } from "../failures.ts";
import type { FuncDefinition } from "../func-definition.ts";
import type { FuturePart } from "../future.ts";
import { logData } from "../log-data.ts";
import { MadeCalls } from "../made-calls.ts";
import { chain, chainAll, isThenable, type MaybePromise } from "../maybe-promise.ts";
import { messageOf } from "../message-of.ts";
import { foreignFuture, lateCall } from "../misuse.ts";
import { endOutput } from "../output-capture.ts";
import { extractFutures } from "../template.ts";
import type { Stored } from "../values.ts";
import { ValueFlow } from "../value-flow.ts";
import { Workdirs } from "../workdirs.ts";
import { OrderedMessages } from "./ordered-messages.ts";
import type {
  AwaitMessage,
  FailedMessage,
  NoValueMessage,
  ResultMessage,
  StartMessage,
  StopAwaitMessage,
  TaskMessage,
  ValueMessage,
} from "./protocol.ts";
import { TaskProgress } from "./task-progress.ts";
import type { TaskValues } from "./task-values.ts";
import { refuseFunctions, wireCall } from "./wire-call.ts";

/** What a task needs of the process that executes it. */
export interface TaskEngineOptions {
  readonly message: StartMessage;
  readonly definition: FuncDefinition;
  readonly values: TaskValues;
  readonly blobs: BlobStore;
  readonly makeWorkdir: () => string;
  /**
   * Whether it will probably be over in no time, so that it need not be told apart from its result that it has begun: that
   * would wake up the driver for nothing.
   */
  readonly isQuick: boolean;
  readonly send: (message: TaskMessage, isPatient?: boolean) => void;
  /** Called once, when the code of the body is over and all of it was told. */
  readonly over: () => void;
}

/**
 * Executes one task: what the engine of a pipeline run is to a body in the driver, this is to one in a worker. What the
 * body calls and waits for becomes messages to the driver.
 */
export class TaskEngine implements BodyHost {
  readonly root: { readonly id: string };
  readonly tracker: NonNullable<BodyHost["tracker"]>;
  readonly forwardsOutput = false;
  readonly blobs: BlobStore;
  readonly body: Body;
  readonly #options: TaskEngineOptions;
  readonly #task: string;
  readonly #call: Call;
  readonly #flow: ValueFlow;
  readonly #calls: MadeCalls;
  readonly #messages: OrderedMessages;
  readonly #progress: TaskProgress;
  readonly #workdirs: Workdirs;
  /** Calls and waits of this turn of the body. */
  #made: Call[] = [];
  #awaits: (AwaitMessage | StopAwaitMessage)[] = [];
  #flushQueued = false;
  /** Runs that nobody here can refer to any more: the driver need not keep them, and their values, for this body. */
  #forgotten: string[] = [];
  #calledRuns: FinalizationRegistry<string> | undefined = undefined;
  readonly #waiting = new Map<number, Wait<Call>>();
  #lastWait = 0;
  /** Why the task fails whatever its body gives: something that it has made cannot be kept. */
  #broken: { readonly error: unknown } | undefined = undefined;
  #isOver = false;

  constructor(options: TaskEngineOptions) {
    const { message, definition, values, blobs, makeWorkdir, send } = options;
    this.#options = options;
    this.#task = message.task;
    this.root = { id: message.root };
    this.blobs = blobs;
    this.tracker = this.#makeTracker();
    this.#workdirs = new Workdirs(makeWorkdir);
    this.#flow = new ValueFlow(values.values, undefined);
    this.#messages = new OrderedMessages(
      (said) => {
        if (this.#broken === undefined) send(said);
      },
      (error) => this.#break(error),
    );
    this.#progress = new TaskProgress((progress) => send({ type: "progress", task: this.#task, ...progress }));
    this.#calls = new MadeCalls({
      flow: this.#flow,
      take: (call) => {
        this.#made.push(call);
        this.#follow(call);
      },
      goOn: () => this.#queueFlush(),
    });
    this.#call = new TaskCall(message, definition);
    this.body = new Body(this.#call, this);
    this.#call.body = this.body;
  }

  /** Executes the body. */
  execute(): void {
    const { message, values, isQuick, send } = this.#options;
    send({ type: "started", task: this.#task, time: Date.now() }, isQuick);
    try {
      const args = chainAll(message.args, (argument, at) =>
        values.argument(this.#call, at, argument, (whole) => this.#tellInput(at, whole)),
      );
      const inputs = chain(args, (given) => {
        this.#call.given = given;
        return this.#flow.inputs(this.#call);
      });
      void chain(
        inputs,
        (valid) => this.#begin(valid),
        (error) => this.#threw(error),
      );
    } catch (error) {
      this.#threw(error);
    }
  }

  /** The task no longer counts: the body is told to stop, and its end is the end of the task. */
  cancel(reason: string): void {
    if (!this.body.executes) return;
    this.#call.reason = reason;
    this.#call.state = "CANCELED";
    this.#progress.end();
    runInBody(this.body, () => this.body.stop(), []);
  }

  /** What the body waits for has a value. */
  hasValue({ wait, artifact }: ValueMessage): void {
    this.#deliver(wait, (source, { resolve, reject, take }) => {
      try {
        // Others may wait for the same run, and ask for it again.
        source.output ??= this.#options.values.received(artifact);
        source.state = "RESOLVED";
        void chain(take(source), resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  /** What the body waits for has failed or was canceled. */
  hasNoValue({ wait, message, cause }: NoValueMessage): void {
    this.#deliver(wait, (source, { reject }) => reject(childFailed(source, message, cause)));
  }

  /** The process ends: what the body has written is told, and what it has left in its folder is removed. */
  processEnds(): void {
    endOutput(this.body);
    this.#progress.end();
    this.#workdirs.removeNow();
  }

  /** Takes a call that the body just made: a snapshot of its arguments now, its message on the next tick. */
  accept(body: Body, call: Call): void {
    if (call.map !== undefined) this.checkOptions(body, call.map.each, `each of map of func "${call.definition.id}"`);
    this.#calls.accept(body, call);
  }

  /** Refuses options of a call that cannot leave the process. */
  checkOptions(body: Body, options: ParsedOptions | undefined, what: string): void {
    refuseFunctions(options, what, body);
  }

  /** The value of a part for the body, which waits for it. */
  valueFor(body: Body, { call, path }: FuturePart, signal: AbortSignal | undefined): Promise<unknown> {
    if (!body.executes)
      return Promise.reject(body.call.state === "RUNNING" ? body.stopReason() : lateCall(body, "$value() was called"));
    if (call.maker !== body) return Promise.reject(foreignFuture(call, body.call));
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    this.#calls.submit(call);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const number = (this.#lastWait += 1);
    const wait: Wait<Call> = { waiter: this.#call, source: call, open: true };
    const stop = signal === undefined ? undefined : this.#stopOnAbort(number, signal);
    const take = (source: Call): unknown => this.#flow.part(source, path);
    (body.waits ??= new Map()).set(wait, { promise, resolve, reject, take, stop });
    this.#waiting.set(number, wait);
    this.#awaits.push({ type: "await", task: this.#task, wait: number, run: call.id });
    this.#queueFlush();
    return promise;
  }

  noCache(): void {
    this.#options.send({ type: "noCache", task: this.#task });
  }

  /** Makes a fresh directory, removed when the body is over. */
  makeWorkdir(): string {
    return this.#workdirs.make();
  }

  #makeTracker(): NonNullable<BodyHost["tracker"]> {
    const { send } = this.#options;
    const task = this.#task;
    return {
      log: (_, { stream, level, text, data, time }) => {
        const kept = logData(data, Number.POSITIVE_INFINITY);
        send({ type: "log", task, stream, level, text, time, ...(kept === undefined ? {} : { data: kept }) });
      },
      metric: (_, { name, value, type, time }) => send({ type: "metric", task, name, value, kind: type, time }),
      progress: (_, progress) => this.#progress.say(progress),
    };
  }

  #deliver(number: number, hand: (source: Call, waiting: Waiting) => void): void {
    const wait = this.#waiting.get(number);
    const waiting = wait === undefined ? undefined : this.body.waits?.get(wait);
    if (wait === undefined || waiting === undefined) return;
    this.#waiting.delete(number);
    this.body.waits?.delete(wait);
    waiting.stop?.();
    hand(wait.source, waiting);
  }

  #stopOnAbort(number: number, signal: AbortSignal): () => void {
    const abandon = (): void => {
      this.#deliver(number, (_, { reject }) => reject(signal.reason));
      this.#awaits.push({ type: "stopAwait", task: this.#task, wait: number });
      this.#queueFlush();
    };
    signal.addEventListener("abort", abandon, { once: true });
    return () => signal.removeEventListener("abort", abandon);
  }

  /** What the body calls and waits for in one turn goes together. */
  #queueFlush(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushQueued = false;
    const made = this.#made;
    const awaits = this.#awaits;
    this.#made = [];
    this.#awaits = [];
    const task = this.#task;
    if (made.length > 0) {
      try {
        const calls = chainAll(made, (call) => wireCall(call, this.#options.values));
        this.#messages.say(chain(calls, (wires) => ({ type: "calls", task, calls: wires })));
      } catch (error) {
        this.#break(error);
      }
    }
    for (const message of awaits) this.#messages.say(message);
    const runs = this.#forgotten;
    this.#forgotten = [];
    if (runs.length > 0 && !this.#isOver) this.#messages.say({ type: "forget", task, runs });
  }

  /** Hears when nobody refers to a call any more. Most bodies make none: a registry for each would keep the collector busy. */
  #follow(call: Call): void {
    this.#calledRuns ??= new FinalizationRegistry((run) => {
      this.#forgotten.push(run);
      this.#queueFlush();
    });
    this.#calledRuns.register(call, call.id);
  }

  #tellInput(argument: number, whole: Stored): void {
    const row = this.#options.values.row(whole);
    this.#messages.say(chain(row, (artifact) => ({ type: "input", task: this.#task, argument, artifact })));
  }

  #begin(args: unknown[]): void {
    // Its arguments had to be read first, and meanwhile it was canceled.
    if (!this.body.executes) {
      this.#late();
      return;
    }
    const { contextAt, run } = this.#call.definition;
    if (contextAt >= 0) args[contextAt] = this.body;
    let result: unknown;
    try {
      result = runInBody(this.body, run, args as never[]);
    } catch (error) {
      this.#threw(error);
      return;
    }
    if (isThenable(result)) {
      this.#calls.submitPending(this.body);
      result.then(
        (value) => this.#returned(value),
        (error: unknown) => this.#threw(error),
      );
    } else this.#returned(result);
  }

  /** The body gave its result. */
  #returned(value: unknown): void {
    this.#calls.submitPending(this.body);
    if (!this.body.executes) {
      this.#late();
      return;
    }
    try {
      if (this.#keepResult(value)) return;
      const done = (stored: Stored): void => this.#done(stored);
      void chain(this.#flow.output(this.#call, value), done, (error) => this.#threw(error));
    } catch (error) {
      this.#threw(error);
    }
  }

  /** Tells a result with futures in it. False for any other result. */
  #keepResult(value: unknown): boolean {
    const call = this.#call;
    const what = call.definition.labels.output;
    const found = extractFutures(value, what);
    if (found === undefined) return false;
    const result = this.#flow.store(found, what, (future) => {
      if (future.maker !== this.body) throw foreignFuture(future, call);
    });
    const told = this.#options.values.composite(result);
    call.state = "RAN";
    this.#end(chain(told, (template): ResultMessage => ({ type: "result", task: this.#task, value: null, template })));
    return true;
  }

  #done(output: Stored): void {
    if (!this.body.executes) {
      this.#late();
      return;
    }
    const row = this.#options.values.row(output);
    this.#call.state = "RESOLVED";
    this.#end(chain(row, (value): ResultMessage => ({ type: "result", task: this.#task, value, template: null })));
  }

  #threw(error: unknown): void {
    this.#calls.submitPending(this.body);
    if (!this.body.executes) {
      this.#late();
      return;
    }
    const failure = toFailure(error);
    this.#call.failure = failure;
    this.#call.state = "FAILED";
    this.#end(this.#failed(failure, childOfError(error, this.body)));
  }

  /** It ended when it no longer counted. */
  #late(): void {
    this.#end(this.#failed(toFailure(this.body.stopReason()), undefined));
  }

  #failed(failure: Failure, child: Call | undefined): FailedMessage {
    return { type: "failed", task: this.#task, failure, child: child?.id ?? null };
  }

  /** The body's code is over. */
  #end(message: MaybePromise<ResultMessage | FailedMessage>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { body } = this;
    endOutput(body);
    letGo(body);
    this.#progress.end();
    this.#call.body = undefined;
    for (const waiting of body.waits?.values() ?? []) waiting.stop?.();
    this.#waiting.clear();
    this.#flush();
    this.#messages.say(message);
    const removed = body.usedWorkdir === undefined ? undefined : this.#workdirs.remove(body.usedWorkdir);
    this.#messages.whenSent(() => {
      if (this.#broken !== undefined) this.#options.send(this.#failed(toFailure(this.#broken.error), undefined));
      // The process may end with the task, and nobody else would remove the folder.
      void chain(removed, () => this.#options.over());
    });
  }

  /** Something that the body has made cannot be kept: whatever comes of it, the task fails. */
  #break(error: unknown): void {
    this.#broken ??= { error };
    this.cancel(messageOf(error));
  }
}

/** The call whose body executes here. */
class TaskCall extends Call {
  readonly #run: string;

  constructor({ run, attempt }: StartMessage, definition: FuncDefinition) {
    super(definition, [], undefined, null);
    this.#run = run;
    this.attempt = attempt;
    this.state = "RUNNING";
  }

  override get id(): string {
    return this.#run;
  }
}
