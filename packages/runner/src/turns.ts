/** After so many ms of work without a pause, timers, signals and I/O get their turn. */
const maxBurst = 10;

/**
 * Shares the thread with the event loop. Work that goes on by microtasks alone would keep timers, signals and I/O from
 * ever being heard, however short each step is; so the time counts from the last turn of the event loop, not from the
 * beginning of a step.
 */
export class Turns {
  readonly #goOn: () => void;
  #began: number | undefined = undefined;
  #waits = false;

  /** @param goOn is called on the next turn of the event loop after {@link Turns.isOver} was true. */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Whether the event loop must have its turn before more is done. */
  get isOver(): boolean {
    if (this.#began === undefined) {
      this.#began = performance.now();
      setImmediate(() => this.#turn());
      return false;
    }
    this.#waits ||= performance.now() - this.#began > maxBurst;
    return this.#waits;
  }

  #turn(): void {
    const waits = this.#waits;
    this.#began = undefined;
    this.#waits = false;
    if (waits) this.#goOn();
  }
}
