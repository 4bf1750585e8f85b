import type { Command } from "./command.ts";
import { Queue } from "./queue.ts";
import type { RunNode, Wait } from "./run-node.ts";
import type { Slots } from "./slots.ts";

/** The `$value()` calls of bodies. A body that waits needs no slot; before it goes on it has to get one again. */
export class Waits<N extends RunNode<N>> {
  readonly #slots: Slots<N>;
  readonly #commands: Queue<Command<N>>;
  readonly #wakes = new Queue<Wait<N>>();

  constructor(slots: Slots<N>, commands: Queue<Command<N>>) {
    this.#slots = slots;
    this.#commands = commands;
  }

  /** A body waits for a run that has not ended. */
  begin(waiter: N, source: N): Wait<N> {
    const wait: Wait<N> = { waiter, source, open: true };
    (source.waiters ??= []).push(wait);
    waiter.waits += 1;
    if (waiter.waits === 1) this.#slots.release(waiter);
    return wait;
  }

  /** The run has ended: whoever waits for it may go on. */
  end(source: N): void {
    const { waiters } = source;
    source.waiters = undefined;
    if (waiters !== undefined) for (const wait of waiters) this.wake(wait);
  }

  /** Whoever waits may go on. */
  wake(wait: Wait<N>): void {
    if (!wait.open) return;
    wait.open = false;
    const { waiter } = wait;
    // RAN: the loser of a race, say, which the body did not wait for; it may still have something to tidy up.
    if (waiter.state !== "RUNNING" && waiter.state !== "RAN") return;
    waiter.waits -= 1;
    // Only the last of several waits needs the slot back: a body that still waits for another must not hold one.
    if (waiter.waits === 0 && !waiter.bodyDone) this.#wakes.push(wait);
    else this.#commands.push({ type: "deliver", wait });
  }

  /** Gives a free slot to a body that may go on; false if there is none. */
  resumeNext(): boolean {
    const wait = this.#wakes.take();
    if (wait === undefined) return false;
    const { waiter } = wait;
    if (waiter.state === "RUNNING" && waiter.waits === 0 && !waiter.holdsSlot && !waiter.bodyDone) {
      this.#slots.take(waiter);
    }
    this.#commands.push({ type: "deliver", wait });
    return true;
  }
}
