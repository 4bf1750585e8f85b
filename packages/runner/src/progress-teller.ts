import type { Progress } from "@reprise/core";
import type { Call } from "./call.ts";

/** Progress is told at most so often, in ms. */
const pause = 100;

/** The latest progress of a run, and the pause after it was last told. */
interface Telling {
  progress: Progress;
  told: Progress;
  timer: NodeJS.Timeout | undefined;
}

/** Passes on how far runs are: at once, and what comes within the pause after it when that, or the run, is over. */
export class ProgressTeller {
  readonly #tell: (call: Call, progress: Progress) => void;
  readonly #open = new Map<Call, Telling>();

  constructor(tell: (call: Call, progress: Progress) => void) {
    this.#tell = tell;
  }

  tell(call: Call, progress: Progress): void {
    const telling = this.#open.get(call);
    if (telling === undefined) {
      const fresh: Telling = { progress, told: progress, timer: undefined };
      this.#open.set(call, fresh);
      this.#tellNow(call, fresh);
      return;
    }
    telling.progress = progress;
    if (telling.timer === undefined) this.#tellNow(call, telling);
  }

  /** The run, or its attempt, is over. */
  end(call: Call): void {
    if (this.#open.size === 0) return;
    const telling = this.#open.get(call);
    if (telling === undefined) return;
    clearTimeout(telling.timer);
    this.#open.delete(call);
    if (telling.told !== telling.progress) this.#tell(call, telling.progress);
  }

  #tellNow(call: Call, telling: Telling): void {
    telling.told = telling.progress;
    this.#tell(call, telling.progress);
    telling.timer = setTimeout(() => {
      telling.timer = undefined;
      if (telling.told !== telling.progress) this.#tellNow(call, telling);
    }, pause).unref();
  }
}
