import type { Call } from "./call.ts";
import type { Body } from "./context.ts";
import { lateCall } from "./misuse.ts";
import type { ValueFlow } from "./value-flow.ts";

/** What becomes of the calls that bodies make. */
export interface MadeCallsOptions {
  readonly flow: ValueFlow;
  /** Takes a call; what it needs was taken before it. */
  readonly take: (call: Call) => void;
  /** Called when calls of a body were taken. */
  readonly goOn: () => void;
}

/** The calls that bodies make, handed over with what they need before them: those of one turn of a body together. */
export class MadeCalls {
  readonly #options: MadeCallsOptions;

  constructor(options: MadeCallsOptions) {
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

  /** Hands a call over, unless that was done. */
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
    this.#options.take(call);
  }
}
