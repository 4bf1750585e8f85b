import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";

/** A piece of a file to hash and, if there is a target, to copy. Files are descriptors, which threads share. */
export interface ChunkTask {
  readonly source: number;
  readonly target: number | undefined;
  readonly start: number;
  readonly length: number;
}

interface Waiting {
  readonly task: ChunkTask;
  readonly resolve: (digest: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly digest?: Uint8Array;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

interface Thread {
  readonly worker: Worker;
  busy: Waiting | undefined;
}

// As text, because a bundler would not find a file of its own; it needs nothing but Node.
const program = `
const { parentPort } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const { readSync, writeSync } = require("node:fs");
const buffer = Buffer.allocUnsafeSlow(1 << 20);
parentPort.on("message", ({ source, target, start, length }) => {
  try {
    const hash = createHash("sha256");
    const end = start + length;
    for (let at = start; at < end; ) {
      const count = readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
      if (count === 0) break;
      hash.update(count === buffer.length ? buffer : buffer.subarray(0, count));
      if (target !== undefined) {
        for (let done = 0; done < count; ) done += writeSync(target, buffer, done, count - done, at + done);
      }
      at += count;
    }
    parentPort.postMessage({ digest: hash.digest() });
  } catch (error) {
    parentPort.postMessage({ error: { message: error.message, code: error.code } });
  }
});
`;

/**
 * A few threads that hash pieces of files: started when there is work, kept for the next, and never a reason for the
 * process to stay alive unless somebody waits for them.
 */
export class HashThreads {
  readonly #size: number;
  readonly #threads: Thread[] = [];
  readonly #queue: Waiting[] = [];

  /** @param size how many threads at most. Default: as many as there are processors, up to 4. */
  constructor(size: number = Math.min(4, availableParallelism())) {
    this.#size = size;
  }

  /** How many pieces are worked on at once. */
  get size(): number {
    return this.#size;
  }

  /** SHA-256 of a piece; where the file ends early, of what is there. */
  run(task: ChunkTask): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, resolve, reject });
      this.#dispatch();
    });
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#threads.find(({ busy }) => busy === undefined) ?? this.#start();
      if (thread === undefined) return;
      const waiting = this.#queue.shift() as Waiting;
      thread.busy = waiting;
      thread.worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      thread.worker.postMessage(waiting.task);
    }
  }

  #start(): Thread | undefined {
    if (this.#threads.length >= this.#size) return undefined;
    const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(program, {
      eval: true,
      name: "reprise-hash",
      execArgv: [],
      env: {},
    });
    const thread: Thread = { worker, busy: undefined };
    worker.on("message", (answer: Answer) => {
      this.#settle(thread, answer);
    });
    worker.on("error", (error: Error) => {
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      thread.busy?.reject(error);
      this.#dispatch();
    });
    this.#threads.push(thread);
    return thread;
  }

  #settle(thread: Thread, { digest, error }: Answer): void {
    const { busy } = thread;
    thread.busy = undefined;
    if (error === undefined) busy?.resolve(digest as Uint8Array);
    else busy?.reject(Object.assign(new Error(error.message), { code: error.code }));
    this.#dispatch();
    if (thread.busy === undefined) thread.worker.unref();
  }
}
