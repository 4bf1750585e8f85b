import type { Scheduler } from "@reprise/core";
import type { EngineCache } from "./cache/call-cache.ts";
import type { Call } from "./call.ts";
import type { Body } from "./context.ts";
import { lateCall } from "./misuse.ts";
import type { EngineReplay } from "./rerun/engine-replay.ts";
import type { Tracker } from "./tracker.ts";
import type { ValueFlow } from "./value-flow.ts";

/** What hands calls to the scheduler needs. */
export interface SubmissionOptions {
  readonly scheduler: Scheduler<Call>;
  readonly flow: ValueFlow;
  readonly tracker: Tracker | undefined;
  readonly cache: EngineCache | undefined;
  /** Undefined unless a recorded pipeline run is re-run or goes on. */
  readonly replay: EngineReplay | undefined;
  /** Called when the scheduler has something new to say. */
  readonly goOn: () => void;
}

/** Hands calls to the scheduler, what they need before them: those of one turn of a body together. */
export class Submission {
  readonly #options: SubmissionOptions;

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  /** Takes a call that a body just made: a snapshot of its arguments now, its start on the next tick. */
  accept(body: Body, call: Call): void {
    if (!body.executes) throw lateCall(body, `func "${call.definition.id}" was called`);
    this.#options.flow.takeArguments(call);
    if (body.pending === undefined) {
      body.pending = [];
      queueMicrotask(() => this.submitPending(body));
    }
    body.pending.push(call);
  }

  /** Submits what a body has called. */
  submitPending(body: Body): void {
    const { pending } = body;
    if (pending === undefined) return;
    body.pending = undefined;
    if (!body.executes) return;
    for (const call of pending) this.submit(call);
    this.#options.goOn();
  }

  /** Hands a call to the scheduler, unless that was done. */
  submit(call: Call): void {
    if (call.submitted) return;
    call.submitted = true;
    let sources: Call[] | undefined;
    for (const { parts } of call.args) for (const part of parts) (sources ??= []).push(part.call);
    if (call.after !== undefined) (sources ??= []).push(...call.after);
    if (sources !== undefined) {
      for (const source of sources) this.submit(source);
      call.sources = sources;
    }
    if (call.map?.calls !== undefined) {
      // Elements start as soon as their own item is there, so the group itself waits for none of them.
      for (const element of call.map.calls)
        for (const { parts } of element.args) for (const part of parts) this.submit(part.call);
    }
    const { replay, cache, tracker, scheduler } = this.#options;
    if (replay?.takesIn(call) === true) return;
    if (cache?.concerns(call) === true) call.asksCache = true;
    const past = replay?.pastOf(call);
    if (past === undefined) tracker?.created(call, Date.now());
    scheduler.create(call, call.sources, Date.now(), past);
  }
}
