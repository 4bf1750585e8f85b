import type { Scheduler, Wait } from "@reprise/core";
import type { Call } from "./call.ts";
import type { Body, Waiting } from "./context.ts";
import { runFailed } from "./failures.ts";
import type { FuturePart } from "./future.ts";
import { chain } from "./maybe-promise.ts";
import type { Tracker } from "./tracker.ts";
import type { ValueFlow } from "./value-flow.ts";

/** The `$value()` calls of bodies: waits that the scheduler ends, and the values that are handed over then. */
export class BodyWaits {
  readonly #scheduler: Scheduler<Call>;
  readonly #flow: ValueFlow;
  readonly #tracker: Tracker | undefined;
  readonly #goOn: () => void;

  constructor(options: {
    readonly scheduler: Scheduler<Call>;
    readonly flow: ValueFlow;
    readonly tracker: Tracker | undefined;
    /** Called when the scheduler has something new to say. */
    readonly goOn: () => void;
  }) {
    this.#scheduler = options.scheduler;
    this.#flow = options.flow;
    this.#tracker = options.tracker;
    this.#goOn = options.goOn;
  }

  /** The value of a part of a call that the scheduler knows, for a body that waits for it. */
  valueFor(body: Body, { call, path }: FuturePart, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#outcome(body, call, signal, (source) => this.#flow.part(source, path));
  }

  /** Resolves when a call that a body elsewhere waits for has a value; rejects as {@link valueFor}. */
  endOf(body: Body, call: Call, signal: AbortSignal): Promise<unknown> {
    return this.#outcome(body, call, signal, () => undefined);
  }

  #outcome(body: Body, call: Call, signal: AbortSignal | undefined, take: Waiting["take"]): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#tracker?.awaited(call);
    const wait = this.#scheduler.wait(body.call, call);
    if (wait === undefined) {
      this.#hand(call, { promise, resolve, reject, take, stop: undefined });
      return promise;
    }
    this.#tracker?.waits(body.call, call);
    const stop = signal === undefined ? undefined : this.#stopOnAbort(body, wait, signal);
    (body.waits ??= new Map()).set(wait, { promise, resolve, reject, take, stop });
    this.#goOn();
    return promise;
  }

  /** The call that a body waits for has ended, or the body gave up: it gets the value or the failure. */
  deliver(wait: Wait<Call>): void {
    const { waits } = wait.waiter.body ?? {};
    const waiting = waits?.get(wait);
    if (waiting === undefined) return;
    waits?.delete(wait);
    waiting.stop?.();
    // The body has left without it: that it failed is told by the run.
    if (wait.waiter.bodyDone) waiting.promise.catch(() => undefined);
    this.#tracker?.resumes(wait.waiter);
    if (waiting.abandoned === undefined) this.#hand(wait.source, waiting);
    else waiting.reject(waiting.abandoned.reason);
  }

  #stopOnAbort(body: Body, wait: Wait<Call>, signal: AbortSignal): () => void {
    const abandon = (): void => {
      const waiting = body.waits?.get(wait);
      if (waiting === undefined) return;
      waiting.abandoned = { reason: signal.reason };
      this.#scheduler.stopWaiting(wait);
      this.#goOn();
    };
    signal.addEventListener("abort", abandon, { once: true });
    return () => signal.removeEventListener("abort", abandon);
  }

  #hand(source: Call, { resolve, reject, take }: Waiting): void {
    if (source.state !== "RESOLVED") {
      reject(runFailed(source));
      return;
    }
    try {
      void chain(take(source), resolve, reject);
    } catch (error) {
      reject(error);
    }
  }
}
