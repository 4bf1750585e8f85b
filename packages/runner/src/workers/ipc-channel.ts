import type { Channel } from "./channel.ts";

/** One end of the pipe between a process and one that it has forked: `process`, or a `ChildProcess`. */
export interface IpcEnd {
  readonly connected: boolean;
  send?: ((message: unknown, callback: (error: Error | null) => void) => unknown) | undefined;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  disconnect?(): void;
}

/**
 * Messages that may wait until the code that sends them has come to its end, to go together: each write costs about as much
 * as a short body. What a body says of itself may not: it may block the process, or end it, right behind it.
 */
const patient: ReadonlySet<string> = new Set([
  "start",
  "value",
  "noValue",
  "calls",
  "await",
  "stopAwait",
  "result",
  "failed",
]);

/** For what is to be done on the microtask after: `queueMicrotask` of Node makes an asynchronous resource each time. */
const now = Promise.resolve();

/**
 * A channel over the pipe between a process and its child; several messages may go in one. Also what could not be delivered
 * closes it.
 *
 * @param check validates what arrives.
 */
export function ipcChannel<Out extends { readonly type: string }, In>(
  end: IpcEnd,
  check: (value: unknown) => In,
): IpcChannel<Out, In> {
  return new IpcChannel(end, check);
}

/** See {@link ipcChannel}. */
export class IpcChannel<Out extends { readonly type: string }, In> implements Channel<Out, In> {
  readonly #end: IpcEnd;
  readonly #check: (value: unknown) => In;
  #listener: ((message: In) => void) | undefined = undefined;
  #closed: { readonly error: Error | undefined } | undefined = undefined;
  #closeListener: ((error: Error | undefined) => void) | undefined = undefined;
  #waiting: Out[] = [];
  #flushQueued = false;
  #turn: NodeJS.Immediate | undefined = undefined;
  /** Messages that the system has not taken yet. */
  #unsent = 0;
  #sentAll: (() => void) | undefined = undefined;
  readonly #flushNow = (): void => this.flush();

  constructor(end: IpcEnd, check: (value: unknown) => In) {
    this.#end = end;
    this.#check = check;
    end.on("disconnect", () => this.#close(undefined));
  }

  send(message: Out, isPatient = false): void {
    if (this.#closed !== undefined) return;
    // What is sent like this may wait for what follows from it, and holds up nothing that was said before.
    if (isPatient) this.flush();
    this.#waiting.push(message);
    if (isPatient) this.#turn ??= setImmediate(this.#flushNow);
    else if (!patient.has(message.type)) this.flush();
    else if (!this.#flushQueued) {
      this.#flushQueued = true;
      void now.then(this.#flushNow);
    }
  }

  /** Hands what waits to the system now. */
  flush(): void {
    this.#flushQueued = false;
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const [first] = this.#waiting;
    if (first === undefined || this.#closed !== undefined) return;
    const all = this.#waiting;
    this.#waiting = [];
    this.#unsent += 1;
    try {
      this.#end.send?.(all.length === 1 ? first : all, (error) => this.#sent(error));
    } catch (error) {
      this.#sent(error as Error);
    }
  }

  /** Resolves when the system has taken all that was sent, or the connection is gone. */
  async sent(): Promise<void> {
    this.flush();
    if (this.#unsent === 0 || this.#closed !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#sentAll = resolve;
    });
  }

  onMessage(listener: (message: In) => void): void {
    this.#listener = listener;
    this.#end.on("message", (message) => this.#hear(message));
  }

  onClose(listener: (error: Error | undefined) => void): void {
    this.#closeListener = listener;
    const closed = this.#closed;
    if (closed !== undefined) queueMicrotask(() => listener(closed.error));
  }

  close(): void {
    this.flush();
    this.#close(undefined);
  }

  #hear(message: unknown): void {
    const all: readonly unknown[] = Array.isArray(message) ? message : [message];
    for (const one of all) {
      if (this.#closed !== undefined) return;
      let checked: In;
      try {
        checked = this.#check(one);
      } catch (error) {
        this.#close(error as Error);
        return;
      }
      this.#listener?.(checked);
    }
  }

  #sent(error: Error | null): void {
    this.#unsent -= 1;
    // The other end has gone: that it has is told by the disconnection, which comes behind what it still had to say.
    if (error !== null && this.#end.connected) this.#close(error);
    if (this.#unsent === 0 || this.#closed !== undefined) this.#sentAll?.();
  }

  #close(error: Error | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { error };
    this.#waiting = [];
    this.#sentAll?.();
    if (this.#end.connected) this.#end.disconnect?.();
    this.#closeListener?.(error);
  }
}
