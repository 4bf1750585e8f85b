/** So few entries are not worth looking through. */
const few = 256;

/**
 * A min-heap of moments. Nobody removes an entry that counts no more; those are dropped together whenever the heap has
 * doubled, which keeps every operation O(log n) on average without an index, and what they hold from piling up.
 */
export class Deadlines<T> {
  readonly #counts: (item: T) => boolean;
  #times: number[] = [];
  #items: T[] = [];
  #looksAt = few;

  /** @param counts whether an entry still counts; once false, always false. */
  constructor(counts: (item: T) => boolean) {
    this.#counts = counts;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The earliest moment, or undefined if there is none. */
  get next(): number | undefined {
    return this.#times[0];
  }

  add(time: number, item: T): void {
    if (this.#items.length >= this.#looksAt) this.#dropOld();
    let at = this.#times.length;
    this.#times.push(time);
    this.#items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#time(above) <= time) break;
      this.#swap(at, above);
      at = above;
    }
  }

  /** Takes an item whose moment has come, or undefined if there is none. */
  take(now: number): T | undefined {
    if (this.#times.length === 0 || this.#time(0) > now) return undefined;
    const item = this.#items[0];
    const last = this.#times.length - 1;
    this.#swap(0, last);
    this.#times.pop();
    this.#items.pop();
    this.#sink(last);
    return item;
  }

  #dropOld(): void {
    const times = this.#times;
    const items = this.#items;
    this.#times = [];
    this.#items = [];
    // Until all are back, adding must not look through them again.
    this.#looksAt = Number.POSITIVE_INFINITY;
    for (const [at, item] of items.entries()) if (this.#counts(item)) this.add(times[at] as number, item);
    this.#looksAt = Math.max(few, 2 * this.#items.length);
  }

  #sink(length: number): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      if (left >= length) return;
      const right = left + 1;
      const least = right < length && this.#time(right) < this.#time(left) ? right : left;
      if (this.#time(at) <= this.#time(least)) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #time(at: number): number {
    return this.#times[at] as number;
  }

  #swap(a: number, b: number): void {
    const time = this.#time(a);
    const item = this.#items[a] as T;
    this.#times[a] = this.#time(b);
    this.#items[a] = this.#items[b] as T;
    this.#times[b] = time;
    this.#items[b] = item;
  }
}
