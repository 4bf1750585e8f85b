import { type Scheduler, toFailure } from "@reprise/core";
import type { Call } from "./call.ts";
import { chain } from "./maybe-promise.ts";
import type { TemplatePart } from "./template.ts";
import type { ValueFlow } from "./value-flow.ts";
import type { Stored } from "./values.ts";

/** Puts the results of runs together whose bodies gave futures, or that have none, once their children have values. */
export class Assembly {
  readonly #scheduler: Scheduler<Call>;
  readonly #flow: ValueFlow;
  readonly #keepOutput: (call: Call, own: Stored) => void;
  readonly #goOn: () => void;

  constructor(options: {
    readonly scheduler: Scheduler<Call>;
    readonly flow: ValueFlow;
    readonly keepOutput: (call: Call, own: Stored) => void;
    /** Called when the scheduler has something new to say. */
    readonly goOn: () => void;
  }) {
    this.#scheduler = options.scheduler;
    this.#flow = options.flow;
    this.#keepOutput = options.keepOutput;
    this.#goOn = options.goOn;
  }

  /** Puts the result of a run together from the values of its children. */
  assemble(call: Call): void {
    const parts =
      call.map?.calls?.map((element): TemplatePart => ({ call: element, path: [], at: "" })) ??
      call.result?.parts ??
      [];
    const missing = parts.find(
      (part) => part.call.state !== "RESOLVED" && !(call.map !== undefined && part.call.handled),
    );
    if (missing !== undefined) {
      this.#scheduler.unassembled(call, missing.call, Date.now());
      return;
    }
    const failed = (error: unknown): void => this.#threw(call, error);
    try {
      void chain(this.#flow.assembled(call, parts), (stored) => this.#finish(call, stored), failed);
    } catch (error) {
      failed(error);
    }
  }

  #finish(call: Call, output: Stored): void {
    if (call.state !== "RAN") return;
    call.result = undefined;
    this.#keepOutput(call, output);
    this.#scheduler.assembled(call, Date.now());
    this.#goOn();
  }

  #threw(call: Call, error: unknown): void {
    call.error = error;
    this.#scheduler.threw(call, call.attempt, toFailure(error), undefined, Math.random(), Date.now());
    this.#goOn();
  }
}
