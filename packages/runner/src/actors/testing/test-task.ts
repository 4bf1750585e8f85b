import { randomUUID } from "node:crypto";
import { decode, encode, type Failure } from "@reprise/core";
import type { Assignment, Executor, RemoteTask } from "../../workers/executor.ts";
import type { StartMessage, TaskMessage } from "../../workers/protocol.ts";

/** A task that the test gives to an executor itself, in the place of a pipeline run. */
export class TestTask implements Assignment {
  readonly lane = { name: "actor tested", limit: 100 };
  readonly message: StartMessage;
  readonly label: string;
  readonly resources = undefined;
  readonly affinity: string | undefined;
  readonly messages: TaskMessage[] = [];
  /** All that it was told that it waits for, in order. */
  readonly reasons: (string | undefined)[] = [];
  readonly places: string[] = [];
  /** How it ended: its result, or why it has none. */
  readonly ended: Promise<unknown>;
  readonly #over = Promise.withResolvers<unknown>();
  readonly #watchers = new Set<() => void>();
  #remote: RemoteTask | undefined;

  constructor(
    func: string,
    input: readonly string[] = [],
    options: { readonly affinity?: string; readonly id?: string } = {},
  ) {
    const run = options.id ?? randomUUID();
    this.affinity = options.affinity;
    this.label = `${func}#${run.slice(-8)}`;
    this.ended = this.#over.promise;
    const args = input.map((value) => {
      const { digest, bytes } = encode(value);
      const stored = { id: digest, size: bytes.length, document: Buffer.from(bytes).toString("base64") };
      return { stored, parts: [] };
    });
    this.message = { type: "start", task: `${run}#1`, run, root: run, func, file: null, attempt: 1, args };
  }

  startIn(executor: Executor): this {
    this.#remote = executor.start(this);
    return this;
  }

  /** Number of the process that its result tells; rejects if it has none. */
  async pid(): Promise<string> {
    const result = await this.ended;
    if (typeof result === "string" && /^\d+$/.test(result)) return result;
    throw new Error(`${this.label} gave ${JSON.stringify(result)}`);
  }

  receive(message: TaskMessage): void {
    this.messages.push(message);
    if (message.type === "failed") this.#over.resolve(message.failure);
    if (message.type === "result") {
      const { document } = message.value ?? {};
      this.#over.resolve(document == null ? undefined : decode(Buffer.from(document, "base64")));
    }
    this.#tell();
  }

  lost(failure: Failure, isFinal = false): void {
    this.#over.resolve({ lost: failure.message, code: failure.code, isFinal });
  }

  placed(where: string): void {
    this.places.push(where);
  }

  waits(reason: string | undefined): void {
    this.reasons.push(reason);
    this.#tell();
  }

  cancel(reason: string): void {
    this.#remote?.cancel(reason);
  }

  answer(...message: Parameters<RemoteTask["answer"]>): void {
    this.#remote?.answer(...message);
  }

  /** Resolves with the reason to wait that says this, when it was told. */
  async waitsFor(text: string): Promise<string> {
    return this.#when(() => this.reasons.find((reason) => reason?.includes(text)));
  }

  /** The first message of this type, when it has come. */
  async said<Type extends TaskMessage["type"]>(type: Type): Promise<Extract<TaskMessage, { readonly type: Type }>> {
    return this.#when(
      () => this.messages.find((message) => message.type === type) as Extract<TaskMessage, { readonly type: Type }>,
    );
  }

  async #when<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}
