import { fstatSync, writeSync } from "node:fs";
import type { IpcEnd } from "./ipc-channel.ts";

/** The pipe to whoever has forked this process. */
const ipcFd = 3;

/** Milliseconds between two attempts to write what the pipe has not taken. */
const pause = 2;

interface Unsent {
  readonly bytes: Uint8Array;
  readonly taken: (error: Error | null) => void;
}

const sleeping = new Int32Array(new SharedArrayBuffer(4));

/**
 * The end of the pipe in a process that was forked. What `process.send` still holds when a body ends the process is lost;
 * this writes by itself, so that it can still be written then. The pipe is not for the user's code: `process.send` is gone,
 * as it is in a program that nobody has forked.
 */
export class WorkerEnd implements IpcEnd {
  readonly #unsent: Unsent[] = [];
  readonly #send = process.send?.bind(process) as IpcEnd["send"];
  readonly #writesItself = process.platform !== "win32" && fstatSync(ipcFd).isSocket();
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor() {
    delete process.send;
  }

  get connected(): boolean {
    return process.connected;
  }

  send(message: unknown, taken: (error: Error | null) => void): void {
    if (!this.#writesItself) {
      this.#send?.(message, taken);
      return;
    }
    this.#unsent.push({ bytes: Buffer.from(`${JSON.stringify(message)}\n`), taken });
    if (this.#timer === undefined) this.#write();
  }

  on(event: "message" | "disconnect", listener: (message: unknown) => void): void {
    process.on(event as "message", listener);
  }

  disconnect(): void {
    process.disconnect();
  }

  /** Writes what was not taken yet before the process ends, for at most so many ms. */
  finish(patience: number): void {
    clearTimeout(this.#timer);
    const until = performance.now() + patience;
    while (!this.#writeSome() && performance.now() < until) Atomics.wait(sleeping, 0, 0, pause);
  }

  #write(): void {
    this.#timer = this.#writeSome() ? undefined : setTimeout(() => this.#write(), pause);
  }

  /** Whether all was written, or nothing more can be. */
  #writeSome(): boolean {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const { bytes, taken } = next;
      try {
        const written = writeSync(ipcFd, bytes);
        if (written < bytes.length) {
          this.#unsent[0] = { bytes: bytes.subarray(written), taken };
          continue;
        }
      } catch (error) {
        if ((error as { code?: unknown }).code === "EAGAIN") return false;
        for (const { taken: lost } of this.#unsent.splice(0)) lost(error as Error);
        return true;
      }
      this.#unsent.shift();
      taken(null);
    }
    return true;
  }
}
