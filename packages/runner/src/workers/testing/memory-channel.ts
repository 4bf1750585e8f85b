import type { Channel } from "../channel.ts";

/** One end of a connection within the process; what is said is written as JSON and read again. */
class MemoryEnd<Out, In> implements Channel<Out, In> {
  other: MemoryEnd<In, Out> | undefined = undefined;
  #listener: ((message: In) => void) | undefined = undefined;
  #closed: ((error: Error | undefined) => void) | undefined = undefined;
  readonly #check: (value: unknown) => In;
  readonly #unheard: string[] = [];

  constructor(check: (value: unknown) => In) {
    this.#check = check;
  }

  send(message: Out): void {
    this.other?.hear(JSON.stringify(message));
  }

  hear(text: string): void {
    this.#unheard.push(text);
    queueMicrotask(() => this.#tell());
  }

  onMessage(listener: (message: In) => void): void {
    this.#listener = listener;
    queueMicrotask(() => this.#tell());
  }

  onClose(listener: (error: Error | undefined) => void): void {
    this.#closed = listener;
  }

  close(): void {
    const { other } = this;
    this.other = undefined;
    if (other === undefined) return;
    other.other = undefined;
    this.#closed?.(undefined);
    other.lost();
  }

  lost(): void {
    this.#closed?.(undefined);
  }

  #tell(): void {
    if (this.#listener === undefined) return;
    for (const text of this.#unheard.splice(0)) this.#listener(this.#check(JSON.parse(text)));
  }
}

/** The two ends of a connection. What arrives is checked as it is between processes. */
export function memoryChannel<A, B>(
  checkA: (value: unknown) => A,
  checkB: (value: unknown) => B,
): readonly [Channel<A, B>, Channel<B, A>] {
  const first = new MemoryEnd<A, B>(checkB);
  const second = new MemoryEnd<B, A>(checkA);
  first.other = second;
  second.other = first;
  return [first, second];
}
