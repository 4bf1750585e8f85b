import type { DriverProcess } from "./driver-process.ts";
import { protocolVersion } from "./messages.ts";

/** What happens while a run is interrupted. */
export interface InterruptOptions {
  readonly driver: DriverProcess;
  /** Tells people what goes on. */
  readonly say: (text: string) => void;
  /** Ends, in the store, the pipeline runs of the driver. Called while the driver may still be alive. */
  readonly markCanceled: (reason: string) => Promise<void>;
  /** Makes ready for {@link markCanceled}, so that it takes no time when it is needed. */
  readonly prepare: () => void;
}

/** Time in which an interrupted driver must have recorded the end, so that all is over within a second. */
const patienceForAnswer = 650;
/** Time that a driver which has answered gets to end by itself. */
const patienceForEnd = 3_000;
/** As {@link patienceForEnd} if bodies in worker processes are stopping; the driver itself waits no longer for them. */
const patienceForWorkers = 18_000;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Ctrl-C, SIGTERM and a closed terminal while a pipeline runs: the first asks the driver to cancel, the second kills it. A
 * driver that does not answer, because a body blocks its event loop, is killed too.
 */
export class Interrupts implements Disposable {
  readonly #options: InterruptOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #first: NodeJS.Signals | null = null;
  #answered = false;
  #patience = patienceForEnd;
  #lastTimer: NodeJS.Timeout | undefined = undefined;
  #killed = false;
  readonly #onSignal = (signal: NodeJS.Signals) => this.interrupt(signal);

  constructor(options: InterruptOptions) {
    this.#options = options;
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  /** The signal that came first, if one came. */
  get signal(): NodeJS.Signals | null {
    return this.#first;
  }

  /** Whether the driver was killed from here. */
  get killed(): boolean {
    return this.#killed;
  }

  get reason(): string {
    return this.#first === "SIGINT" ? "canceled by Ctrl-C" : `canceled by ${this.#first}`;
  }

  /** The driver has heard of the first signal. */
  answered(): void {
    this.#answered = true;
  }

  /** The driver waits for bodies in processes of their own, which have time to stop. */
  waits(): void {
    this.#patience = patienceForWorkers;
    if (this.#lastTimer !== undefined) this.#expectEnd();
  }

  interrupt(signal: NodeJS.Signals): void {
    if (this.#first !== null) {
      this.#kill();
      return;
    }
    this.#first = signal;
    const { driver, say, prepare } = this.#options;
    say("Canceling … (Ctrl-C again quits at once)");
    driver.send({ v: protocolVersion, type: "cancel", reason: this.reason });
    this.#timers.push(setTimeout(() => this.#checkAnswer(), patienceForAnswer));
    prepare();
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#lastTimer);
  }

  #checkAnswer(): void {
    if (!this.#answered) {
      this.#kill();
      return;
    }
    // A store that cannot be written now is told when the driver is gone and all is marked once more.
    this.#options.markCanceled(this.reason).catch(() => undefined);
    this.#expectEnd();
  }

  #expectEnd(): void {
    clearTimeout(this.#lastTimer);
    this.#lastTimer = setTimeout(() => this.#kill(), this.#patience);
  }

  #kill(): void {
    this.#killed = true;
    this.#options.driver.kill();
  }
}
