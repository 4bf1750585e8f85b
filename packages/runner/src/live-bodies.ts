import type { Body } from "./context.ts";

/** How long, in ms, bodies may take to stop. */
export interface Patience {
  readonly here: number;
  /** For those in processes that end with this one: they are made to end. */
  readonly elsewhere: number;
  /** Told, after a moment, which of those have not ended. */
  readonly soon: (bodies: readonly Body[]) => void;
}

/** Counts the bodies whose code still executes, those that no longer count among them. */
export class LiveBodies {
  #count = 0;
  #allLeft: (() => void) | undefined = undefined;

  enter(): void {
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#allLeft?.();
  }

  /** Resolves when the code of all bodies is over, or after `patience` ms. */
  async left(patience: number): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, patience);
    this.#allLeft = resolve;
    await promise;
    clearTimeout(timer);
  }
}
