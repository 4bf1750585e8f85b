import type * as Store from "@reprise/store";
import type * as ReplicaCaches from "../actors/replica-caches.ts";
import type { FuncDefinition } from "../func-definition.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import { EnvironmentAccess } from "./environment-access.ts";
import { watchOver } from "./lifeline.ts";
import type { CacheStatistics, HelloMessage, StartMessage } from "./protocol.ts";
import { Surroundings } from "./surroundings.ts";
import type { Workplace } from "./task-host.ts";
import { noRows, TaskValues } from "./task-values.ts";
import { WorkerProgram } from "./worker-program.ts";
import { isBundled } from "./worker-url.ts";

/** A process that executes tasks: its program, what tasks may change of it, and what watches over it. */
export class WorkerPlace implements Workplace {
  readonly blobs: Store.BlobStore;
  readonly values: TaskValues;
  readonly #hello: HelloMessage;
  readonly #files: Store.HomeFiles;
  readonly #program: WorkerProgram;
  readonly #isClean: boolean;
  /** What a replica keeps in memory. */
  #replica: typeof ReplicaCaches | undefined = undefined;
  #surroundings: Surroundings | undefined = undefined;
  #access: EnvironmentAccess | undefined = undefined;
  #isWatched = false;

  /** @param store loaded by whoever needs it, in one piece with what drivers load of it. */
  constructor(hello: HelloMessage, store: Pick<typeof Store, "ArtifactStore" | "HomeFiles">) {
    this.#hello = hello;
    this.#isClean = hello.actor?.isolation === "clean";
    this.#files = new store.HomeFiles(hello.home);
    this.blobs = this.#files.blobs;
    this.values = new TaskValues(new store.ArtifactStore(noRows, this.blobs), this.blobs);
    this.#program = new WorkerProgram(hello.program, this.#files.code, { loadsAnew: this.#isClean });
  }

  /** Loads the program and, on a replica, what is to be in memory before the first task. Rejects if that fails. */
  async open(): Promise<void> {
    const { actor, memory } = this.#hello;
    // Where bodies are to see what others have left, or execute at the same time, nothing is put back.
    const putsBack = actor === null || this.#isClean;
    // In a bundle the user's modules have come first.
    if (putsBack) this.#access = new EnvironmentAccess(isBundled());
    if (memory !== null || actor !== null) this.#watch();
    await this.#program.load();
    if (actor !== null) {
      this.#replica = await import("../actors/replica-caches.ts");
      await this.#replica.runWarmups(actor.name);
    }
    if (putsBack) this.#surroundings = new Surroundings({ globals: this.#isClean, access: this.#access });
  }

  makeWorkdir(): string {
    return this.#files.makeWorkdir();
  }

  funcOf(message: StartMessage): MaybePromise<FuncDefinition> {
    return this.#program.funcOf(message);
  }

  begins(): void {
    // Not later: a body may block this thread from its first moment, and the driver may be killed meanwhile.
    if (!this.#isWatched) this.#watch();
  }

  ends(): MaybePromise<void> {
    this.#surroundings?.restore();
    return this.#isClean ? this.#program.reload() : undefined;
  }

  vitals(): { readonly memory: number; readonly caches: readonly CacheStatistics[] } {
    return { memory: process.memoryUsage.rss(), caches: this.#replica?.cacheStatistics() ?? [] };
  }

  /** Lets go of what is kept in memory. */
  async close(): Promise<void> {
    await this.#replica?.disposeCaches();
  }

  #watch(): void {
    this.#isWatched = true;
    const watch = (): unknown => watchOver(this.#hello);
    // A thread is started with what the environment is.
    if (this.#access === undefined) watch();
    else this.#access.own(watch);
  }
}
