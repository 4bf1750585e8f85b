import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { RepriseError } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import type { Channel } from "../workers/channel.ts";

/** Most characters of a message: whatever is large travels through the blob store. */
const mostCharacters = 256 * 1024 * 1024;

/** Messages as lines of JSON over a socket that is connected. */
export class SocketChannel<Out, In> implements Channel<Out, In> {
  readonly #socket: Socket;
  readonly #check: (value: unknown) => In;
  readonly #decoder = new StringDecoder("utf8");
  /** The beginning of a message whose end has not come. */
  #open: string[] = [];
  #length = 0;
  #listener: ((message: In) => void) | undefined;
  #closed = false;
  #error: Error | undefined;
  #closeListener: ((error: Error | undefined) => void) | undefined;

  /** @param check gives the message that a value is, or throws. */
  constructor(socket: Socket, check: (value: unknown) => In) {
    this.#socket = socket;
    this.#check = check;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", (error) => this.#close(error));
    socket.on("close", () => this.#close(undefined));
    socket.pause();
  }

  send(message: Out): void {
    if (!this.#closed) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  onMessage(listener: (message: In) => void): void {
    this.#listener = listener;
    this.#socket.resume();
  }

  onClose(listener: (error: Error | undefined) => void): void {
    if (this.#closed) queueMicrotask(() => listener(this.#error));
    else this.#closeListener = listener;
  }

  /** What was sent before still arrives. */
  close(): void {
    this.#socket.destroySoon();
    this.#close(undefined);
  }

  /** Whether the process lives on while the connection is open. */
  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #read(bytes: Buffer): void {
    const lines = this.#decoder.write(bytes).split("\n");
    const rest = lines.pop() ?? "";
    for (const [at, line] of lines.entries()) {
      if (this.#closed) return;
      if (at > 0 || this.#open.length === 0) this.#hear(line);
      else {
        const whole = this.#open.join("") + line;
        this.#open = [];
        this.#length = 0;
        this.#hear(whole);
      }
    }
    if (rest === "" || this.#closed) return;
    this.#open.push(rest);
    this.#length += rest.length;
    if (this.#length > mostCharacters) this.#refuse(`a message of more than ${mostCharacters} characters`);
  }

  #hear(line: string): void {
    let message: In;
    try {
      message = this.#check(JSON.parse(line));
    } catch (error) {
      this.#refuse(messageOf(error), error);
      return;
    }
    this.#listener?.(message);
  }

  #refuse(why: string, cause?: unknown): void {
    const text = `The connection of driver and supervisor is closed, because one does not understand the other: ${why}`;
    this.#socket.destroy();
    this.#close(new RepriseError("ACTOR_FAILED", text, { cause }));
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#closeListener?.(error);
  }
}
