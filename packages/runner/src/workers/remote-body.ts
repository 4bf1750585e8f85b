import { type Failure, fromFailure, parseRunId, RepriseError, toFailure } from "@reprise/core";
import type { BodyWaits } from "../body-waits.ts";
import { Call, type Composite, none } from "../call.ts";
import type { Body } from "../context.ts";
import { groupDefinition } from "../func.ts";
import { type FuncDefinition, funcRegistry } from "../func-definition.ts";
import { restoreMap, restoreOptions } from "../recorded-options.ts";
import type { Resources } from "../resources.ts";
import type { Submission } from "../submission.ts";
import type { Tracker } from "../tracker.ts";
import type { Values } from "../values.ts";
import type { Assignment, ExecutorLane, RemoteTask } from "./executor.ts";
import {
  type AwaitMessage,
  newTaskId,
  type ResultMessage,
  type StartMessage,
  type TaskMessage,
  type WireArgument,
  type WireCall,
  type WireComposite,
} from "./protocol.ts";

/** What a body elsewhere needs of the engine of its pipeline run. */
export interface RemoteBodyHost {
  readonly values: Values;
  readonly waits: BodyWaits;
  readonly submission: Submission;
  readonly tracker: Tracker | undefined;
  readonly forwardsOutput: boolean;
  /** The body begins; false if the attempt no longer counts. */
  started(body: Body): boolean;
  noCache(body: Body): void;
  /** The body is over. Its output is `call.result`, which holds futures, or the given value. */
  returned(body: Body, output: ReturnType<Values["made"]> | undefined): void;
  failed(body: Body, error: unknown, failure: Failure, child: Call | undefined): void;
  lost(body: Body, failure: Failure, isFinal: boolean): void;
  /** The code of a body that no longer counts is over. */
  left(body: Body): void;
  /** The scheduler has something new to say. */
  goOn(): void;
}

/** The driver's side of one body that executes elsewhere: what it tells becomes of the engine, what it asks is answered. */
export class RemoteBody implements Assignment {
  readonly lane: ExecutorLane;
  readonly message: StartMessage;
  readonly affinity: string | undefined;
  readonly #body: Body;
  readonly #host: RemoteBodyHost;
  /** Runs that the body has called, as long as it may refer to them. */
  readonly #calls = new Map<string, Call>();
  readonly #waits = new Map<number, AbortController>();
  #lastWait = 0;
  #task: RemoteTask | undefined = undefined;
  #begun = false;
  #over = false;

  constructor(
    body: Body,
    host: RemoteBodyHost,
    {
      lane,
      args,
      affinity,
    }: {
      readonly lane: ExecutorLane;
      readonly args: readonly WireArgument[];
      readonly affinity: string | undefined;
    },
  ) {
    const { call, attempt } = body;
    const { id, definition } = call;
    this.#body = body;
    this.#host = host;
    this.lane = lane;
    this.affinity = affinity;
    this.message = {
      type: "start",
      task: newTaskId(id, attempt),
      run: id,
      root: body.rootId,
      func: definition.id,
      file: definition.place?.file ?? null,
      attempt,
      args,
    };
  }

  get label(): string {
    return this.#body.call.label;
  }

  get resources(): Resources | undefined {
    const { changes, definition } = this.#body.call;
    return changes?.resources ?? definition.options.resources;
  }

  /** An executor has taken the task. */
  taken(task: RemoteTask): void {
    this.#task = task;
  }

  /** The body no longer counts. */
  stop(reason: string): void {
    if (this.#over) return;
    this.#task?.cancel(reason);
    if (!this.#begun) this.#end(() => this.#host.left(this.#body));
  }

  receive(message: TaskMessage): void {
    if (this.#over) return;
    this.#host.tracker?.gather();
    try {
      this.#receive(message);
    } catch (error) {
      // What it says makes no sense here: a func that this process does not define, a value that arrived damaged.
      this.#task?.cancel("what its worker says cannot be used");
      this.#fail(error, toFailure(error), undefined);
    }
  }

  lost(failure: Failure, isFinal = false): void {
    this.#end(() => this.#host.lost(this.#body, failure, isFinal));
  }

  placed(where: string): void {
    this.#host.tracker?.placed(this.#body.call, where);
  }

  waits(reason: string | undefined): void {
    if (!this.#over) this.#host.tracker?.waitsFor(this.#body.call, reason);
  }

  #receive(message: TaskMessage): void {
    const { tracker } = this.#host;
    const { call, attempt, executes } = this.#body;
    switch (message.type) {
      case "started":
        this.#begun = true;
        this.#host.started(this.#body);
        break;
      case "log":
        this.#forward(message.stream, message.text);
        tracker?.log(call, { ...message, data: message.data, attempt });
        break;
      case "metric":
        tracker?.metric(call, { name: message.name, value: message.value, type: message.kind, time: message.time });
        break;
      case "progress":
        // An attempt that is over must not speak for the one that followed it.
        if (executes) tracker?.progress(call, { done: message.done, total: message.total, note: message.note });
        break;
      case "noCache":
        this.#host.noCache(this.#body);
        break;
      case "warning":
        tracker?.warn(call, message.text);
        break;
      case "input":
        if (executes) tracker?.input(call, message.argument, this.#host.values.made(message.artifact));
        break;
      case "calls":
        if (executes) this.#called(message.calls);
        break;
      case "await":
        if (executes) this.#await(message);
        break;
      case "stopAwait":
        this.#waits.get(message.wait)?.abort();
        break;
      case "forget":
        for (const run of message.runs) this.#calls.delete(run);
        break;
      case "result":
        this.#returned(message);
        break;
      case "failed":
        this.#fail(
          fromFailure(message.failure),
          message.failure,
          message.child === null ? undefined : this.#calls.get(message.child),
        );
        break;
    }
  }

  #forward(stream: "stdout" | "stderr" | "log", text: string): void {
    if (stream !== "log" && this.#host.forwardsOutput) process[stream].write(`${text}\n`);
  }

  #called(wires: readonly WireCall[]): void {
    const calls = wires.flatMap((wire) => (this.#calls.has(wire.run) ? [] : [this.#callOf(wire)]));
    for (const call of calls) this.#host.submission.submit(call);
    this.#host.goOn();
  }

  #callOf(wire: WireCall): Call {
    const body = this.#body;
    const definition = funcRegistry.get(wire.func);
    if (definition === undefined) {
      throw new RepriseError(
        "FUNC_NOT_FOUND",
        `${body.call.place} called func "${wire.func}", which its worker defines and this process does not. ` +
          "Define funcs at the top of a module that the file of the root func imports.",
      );
    }
    const call = this.#emptyCall(wire.isMap ? groupDefinition(definition) : definition, body.call);
    const uuid = parseRunId(wire.run);
    if (uuid === undefined) throw new RepriseError("WORKER_FAILED", `A worker named a call "${wire.run}".`);
    call.takeId(uuid);
    call.changes = restoreOptions(wire.options);
    if (wire.isMap) this.#mapOf(call, definition, wire);
    call.args = wire.args.map((arg) => this.#compositeOf(arg));
    if (wire.after.length > 0) call.after = wire.after.map((run) => this.#callNamed(run));
    for (const before of call.after ?? []) before.isUsed = true;
    this.#calls.set(wire.run, call);
    return call;
  }

  #mapOf(group: Call, element: FuncDefinition, { options, elements }: WireCall): void {
    const { tolerate, ...plan } = restoreMap(options);
    group.tolerate = tolerate;
    const calls = elements?.map((args) => {
      const call = this.#emptyCall(element, group);
      call.changes = plan.each;
      call.args = args.map((arg) => this.#compositeOf(arg));
      return call;
    });
    group.map = { ...plan, element, calls };
  }

  /** A call whose arguments are taken already. */
  #emptyCall(definition: FuncDefinition, parent: Call): Call {
    const call = new Call(definition, none, this.#body, parent);
    call.given = undefined;
    return call;
  }

  #compositeOf({ stored, parts }: WireComposite): Composite {
    return {
      stored: stored === null ? undefined : this.#host.values.made(stored),
      parts: parts.map(({ run, path, at }) => {
        const call = this.#callNamed(run);
        call.isUsed = true;
        return { call, path, at };
      }),
    };
  }

  #callNamed(run: string): Call {
    const call = this.#calls.get(run);
    if (call !== undefined) return call;
    throw new RepriseError("WORKER_FAILED", `A worker used run ${run}, which ${this.#body.call.place} has not called.`);
  }

  #await({ wait, run }: AwaitMessage): void {
    // Their numbers rise: one that was there is repeated.
    if (wait <= this.#lastWait) return;
    this.#lastWait = wait;
    const call = this.#callNamed(run);
    const stop = new AbortController();
    this.#waits.set(wait, stop);
    const { submission, waits, values } = this.#host;
    const { task } = this.message;
    submission.submit(call);
    const answered = async (): Promise<void> => {
      try {
        await waits.endOf(this.#body, call, stop.signal);
      } finally {
        this.#waits.delete(wait);
      }
      const artifact = await values.told(call.output as NonNullable<Call["output"]>);
      this.#task?.answer({ type: "value", task, wait, artifact });
    };
    answered().catch((error: unknown) => {
      if (stop.signal.aborted || this.#over || !this.#body.executes) return;
      const { message, cause } = error as Error;
      // As it was recorded, with all its classes; a run that was canceled has only the error that says so.
      const origin = call.origin?.failure ?? call.failure;
      this.#task?.answer({
        type: "noValue",
        task,
        wait,
        message,
        cause: origin ?? (cause === undefined ? null : toFailure(cause)),
      });
    });
  }

  #returned({ value, template }: ResultMessage): void {
    const { values } = this.#host;
    const { call } = this.#body;
    if (value !== null) {
      const output = values.made(value);
      this.#end(() => this.#host.returned(this.#body, output));
      return;
    }
    if (template !== null && this.#body.executes) call.result = this.#compositeOf(template);
    this.#end(() => this.#host.returned(this.#body, undefined));
  }

  #fail(error: unknown, failure: Failure, child: Call | undefined): void {
    this.#end(() => this.#host.failed(this.#body, error, failure, child));
  }

  #end(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    tell();
  }
}
