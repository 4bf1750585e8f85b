/** Weight of the latest body in a mean. */
const weight = 0.2;
/** What a body that waits for another counts as, in ms: its worker is not there for others. */
const waitingTime = 1_000;

/** How long bodies take, of late. */
export class BodyTimes {
  readonly #means = new Map<string, number>();

  /** Milliseconds; Infinity for what has not been seen yet. */
  mean(name: string): number {
    return this.#means.get(name) ?? Infinity;
  }

  add(name: string, ms: number): void {
    const mean = this.#means.get(name);
    this.#means.set(name, mean === undefined ? ms : mean + (ms - mean) * weight);
  }

  addWaiting(name: string): void {
    this.add(name, waitingTime);
  }
}
