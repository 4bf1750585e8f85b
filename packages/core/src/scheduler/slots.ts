import type { RunNode } from "./run-node.ts";

/** How many bodies may execute at once, and which do. */
export class Slots<N extends RunNode<N>> {
  readonly #count: number;
  #taken = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get taken(): number {
    return this.#taken;
  }

  get areFree(): boolean {
    return this.#taken < this.#count;
  }

  take(node: N): void {
    node.holdsSlot = true;
    this.#taken += 1;
  }

  release(node: N): void {
    if (!node.holdsSlot) return;
    node.holdsSlot = false;
    this.#taken -= 1;
  }
}
