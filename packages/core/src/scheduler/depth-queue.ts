import { depth } from "./graph.ts";
import { Queue } from "./queue.ts";
import type { RunNode } from "./run-node.ts";

/**
 * Deepest first, and first in, first out among runs of one depth: what a body waits for comes before what has not begun,
 * so that few bodies wait at a time.
 */
export class DepthQueue<N extends RunNode<N>> {
  readonly #levels: (Queue<N> | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(node: N): void {
    (this.#levels[depth(node)] ??= new Queue<N>()).push(node);
    this.#size += 1;
  }

  take(): N | undefined {
    for (;;) {
      const level = this.#levels.at(-1);
      const node = level?.take();
      if (node !== undefined) {
        this.#size -= 1;
        return node;
      }
      if (this.#levels.length === 0) return undefined;
      this.#levels.pop();
    }
  }
}
