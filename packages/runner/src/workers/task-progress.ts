import type { Progress } from "@reprise/core";

/** Progress is told at most so often, in ms: the driver tells nobody more often than twice as slowly. */
const pause = 50;

/** Tells how far a body is: at once, and what comes within the pause after it when that is over. */
export class TaskProgress {
  readonly #tell: (progress: Progress) => void;
  #toldAt = Number.NEGATIVE_INFINITY;
  #untold: Progress | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(tell: (progress: Progress) => void) {
    this.#tell = tell;
  }

  say(progress: Progress): void {
    this.#untold = progress;
    const wait = this.#toldAt + pause - performance.now();
    // A body that gives the event loop no turn is asked for the time instead.
    if (wait <= 0) this.#tellNow();
    else this.#timer ??= setTimeout(() => this.#tellNow(), wait).unref();
  }

  /** Tells what was not told yet. */
  end(): void {
    if (this.#untold !== undefined) this.#tellNow();
  }

  #tellNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const progress = this.#untold;
    if (progress === undefined) return;
    this.#untold = undefined;
    this.#toldAt = performance.now();
    this.#tell(progress);
  }
}
