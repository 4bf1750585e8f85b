/** Longest wait of a timer; a later moment takes several. */
const maxWait = 2_147_483_647;

/** Calls back at a moment that may change. */
export class WakeTimer {
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #at: number | undefined = undefined;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Sets the moment, in ms since 1970; undefined for none. */
  set(at: number | undefined): void {
    if (at === this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    if (at === undefined) return;
    const wait = Math.min(Math.max(at - Date.now(), 0), maxWait);
    this.#timer = setTimeout(() => {
      this.#at = undefined;
      this.#wake();
    }, wait);
  }
}
