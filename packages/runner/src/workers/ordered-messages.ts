import { isThenable, type MaybePromise } from "../maybe-promise.ts";
import type { TaskMessage } from "./protocol.ts";

/** Messages in the order in which they were said, though some can go only when what they speak of is on disk. */
export class OrderedMessages {
  readonly #send: (message: TaskMessage) => void;
  readonly #failed: (error: unknown) => void;
  #last: Promise<void> | undefined = undefined;

  /** @param failed told why a message could not be made. Those behind it are sent all the same. */
  constructor(send: (message: TaskMessage) => void, failed: (error: unknown) => void) {
    this.#send = send;
    this.#failed = failed;
  }

  /** Sends a message behind all that were said before it. */
  say(message: MaybePromise<TaskMessage>): void {
    if (this.#last === undefined && !isThenable(message)) {
      this.#send(message);
      return;
    }
    const turn = this.#inTurn(this.#last, Promise.resolve(message));
    this.#last = turn;
    void turn.then(() => {
      if (this.#last === turn) this.#last = undefined;
    });
  }

  /** Calls back when all that was said so far was sent: at once, if it was. */
  whenSent(sent: () => void): void {
    if (this.#last === undefined) sent();
    else void this.#last.then(sent, sent);
  }

  async #inTurn(before: Promise<void> | undefined, message: Promise<TaskMessage>): Promise<void> {
    // It may fail while those before it are waited for.
    message.catch(() => undefined);
    await before;
    try {
      this.#send(await message);
    } catch (error) {
      this.#failed(error);
    }
  }
}
