import type { Command } from "./command.ts";
import type { Lane, Lanes } from "./lanes.ts";
import type { Queue } from "./queue.ts";
import type { RunNode, Wait } from "./run-node.ts";
import { hasNews } from "./starvation.ts";

/**
 * The `$value()` calls of bodies. A body that waits gives its slot back, where its lane does not keep it; before it goes on
 * it has to get one again.
 */
export class Waits<N extends RunNode<N>> {
  readonly #lanes: Lanes<N>;
  readonly #commands: Queue<Command<N>>;

  constructor(lanes: Lanes<N>, commands: Queue<Command<N>>) {
    this.#lanes = lanes;
    this.#commands = commands;
  }

  /** A body waits for a run that has not ended. */
  begin(waiter: N, source: N): Wait<N> {
    const wait: Wait<N> = { waiter, source, open: true };
    (source.waiters ??= []).push(wait);
    waiter.waits += 1;
    if (this.#lanes.mayStarve) waiter.calmAt = undefined;
    if (waiter.waits === 1) this.#lanes.of(waiter).suspend(waiter);
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
    if (waiter.waits === 0 && !waiter.bodyDone) {
      const lane = this.#lanes.of(waiter);
      if (!lane.keepsSlot) {
        lane.wake(wait);
        return;
      }
      lane.resume(waiter);
    } else if (this.#lanes.mayStarve) waiter.calmAt = hasNews;
    this.#commands.push({ type: "deliver", wait });
  }

  /** Gives a free slot to a body that may go on; false if there is none. */
  resumeNext(lane: Lane<N>): boolean {
    const wait = lane.takeWake();
    if (wait === undefined) return false;
    const { waiter } = wait;
    if (waiter.state === "RUNNING" && waiter.waits === 0 && !waiter.bodyDone) lane.resume(waiter);
    this.#commands.push({ type: "deliver", wait });
    const more = lane.takeMore(waiter);
    if (more !== undefined) for (const other of more) this.#commands.push({ type: "deliver", wait: other });
    return true;
  }
}
