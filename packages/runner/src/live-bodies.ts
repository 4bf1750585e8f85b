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
