import type { Attempt, LogLine, Metric } from "@reprise/core";
import type {
  ArtifactWrite,
  Backend,
  CacheChange,
  CommitResult,
  DriverLease,
  EdgeWrite,
  EventWrite,
  OfRun,
  PipelineRunWrite,
  RunRef,
  RunWrite,
  WriteBatch,
} from "@reprise/store";

/** A batch is written when it has so many rows … */
const maxRows = 512;
/** … or is so many ms old, looked at when a row is added: a chain of microtasks would starve `setImmediate`. */
const maxAge = 5;
/** With so many rows waiting for slow blobs, no further body starts. */
const highWater = 20_000;
const lowWater = 5_000;
/** The same for the bytes of values that are kept in memory until they are on disk. */
const highWaterBytes = 128 * 1024 * 1024;
const lowWaterBytes = 32 * 1024 * 1024;

class OpenBatch implements WriteBatch {
  readonly artifacts: ArtifactWrite[] = [];
  readonly pipelineRuns: PipelineRunWrite[] = [];
  readonly runs: RunWrite[] = [];
  readonly edges: EdgeWrite[] = [];
  readonly attempts: OfRun<Attempt>[] = [];
  readonly events: EventWrite[] = [];
  readonly logs: OfRun<LogLine>[] = [];
  readonly metrics: OfRun<Metric>[] = [];
  readonly cacheChanges: CacheChange[] = [];
  readonly awaited: RunRef[] = [];
  readonly driver: DriverLease;
  /** Blobs that must be on disk before the rows that name them. */
  readonly blobs: Promise<void>[] = [];
  readonly written = Promise.withResolvers<void>();
  readonly began = performance.now();
  rows = 0;
  bytes = 0;

  constructor(driver: DriverLease) {
    this.driver = driver;
  }
}

/** What a recorder tells. */
export interface RecorderEvents {
  /** The store cannot be written. Nothing more will be; everything before is there. */
  readonly failed: (error: unknown) => void;
  /** Rows that somebody else had finished: their runs were canceled from outside. */
  readonly refused: (runs: readonly RunRef[]) => void;
}

/**
 * Writes what happens, in order, in batches. When nothing is being written a batch goes out at the end of the current
 * turn of the event loop; what is added meanwhile goes out together. What is on disk is therefore always a consistent
 * prefix of what happened.
 *
 * Where each turn brings a message of a worker, a commit for each would take longer than the messages: then a batch goes
 * out {@link maxAge} after the one before, unless somebody waits for it, or a body begins that may hold the event loop.
 */
export class Recorder {
  readonly #backend: Backend;
  readonly #driver: DriverLease;
  readonly #events: RecorderEvents;
  #open: OpenBatch | undefined = undefined;
  #number = 0;
  /** Whether a commit or the blobs of a batch are under way. */
  #busy = false;
  #scheduled = false;
  /** Rejected with the error after which nothing more is written. */
  #lost: Promise<never> | undefined = undefined;
  readonly #drained: (() => void)[] = [];
  #wasOverloaded = false;
  /** Bytes of values that are not on disk yet. */
  #bytes = 0;
  /** Whether messages of workers come, and no body executes here. */
  #gathers = false;
  #timer: NodeJS.Timeout | undefined = undefined;
  #writtenAt = 0;

  /** @param driver the right to write, without which nothing is written. */
  constructor(backend: Backend, driver: DriverLease, events: RecorderEvents) {
    this.#backend = backend;
    this.#driver = driver;
    this.#events = events;
  }

  /** Number of the batch that is open: rows of one run in one batch are one write. */
  get batch(): number {
    return this.#number;
  }

  /** Whether so much waits to be written that no further body should start. */
  get overloaded(): boolean {
    const overloaded = (this.#open?.rows ?? 0) > highWater || this.#bytes > highWaterBytes;
    if (overloaded) this.#wasOverloaded = true;
    return overloaded;
  }

  onDrain(callback: () => void): void {
    this.#drained.push(callback);
  }

  /** @param bytes length of what memory holds of the value. */
  artifact(write: ArtifactWrite, bytes: number, blobs: Promise<void> | undefined): void {
    const batch = this.#add();
    batch.bytes += bytes;
    this.#bytes += bytes;
    batch.artifacts.push(write);
    if (blobs === undefined) return;
    // The batch asks for the outcome later; until then a rejection must not count as unhandled.
    blobs.catch(() => undefined);
    batch.blobs.push(blobs);
  }

  pipelineRun(write: PipelineRunWrite): void {
    this.#add().pipelineRuns.push(write);
  }

  run(write: RunWrite): void {
    this.#add().runs.push(write);
  }

  edge(write: EdgeWrite): void {
    this.#add().edges.push(write);
  }

  attempt(write: OfRun<Attempt>): void {
    this.#add().attempts.push(write);
  }

  event(write: EventWrite): void {
    this.#add().events.push(write);
  }

  log(write: OfRun<LogLine>): void {
    this.#add().logs.push(write);
  }

  metric(write: OfRun<Metric>): void {
    this.#add().metrics.push(write);
  }

  /** A run whose row is written is waited for. */
  awaited(run: RunRef): void {
    this.#add().awaited.push(run);
  }

  /** What became of a run's place in the cache once its row was written. */
  cacheChange(write: CacheChange): void {
    this.#add().cacheChanges.push(write);
  }

  /** Resolves when everything that was added is on disk; undefined if it already is. */
  durable(): Promise<void> | undefined {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      setImmediate(this.#due);
    }
    return this.written();
  }

  /** As {@link durable}, for somebody who has time. */
  written(): Promise<void> | undefined {
    if (this.#lost !== undefined) return this.#lost;
    if (this.#open !== undefined) return this.#open.written.promise;
    return this.#busy ? this.#sealed?.written.promise : undefined;
  }

  #sealed: OpenBatch | undefined = undefined;

  /**
   * Writes what is left, now, for a process that is about to exit; false if that is not possible, because blobs are
   * still being written.
   */
  flushNow(): boolean {
    if (this.#lost !== undefined) return false;
    const batch = this.#open;
    if (this.#busy || (batch !== undefined && batch.blobs.length > 0)) return false;
    if (batch !== undefined) this.#write(this.#seal(batch));
    return true;
  }

  #add(): OpenBatch {
    // What comes after the loss of the store goes nowhere, and must not pile up.
    if (this.#lost !== undefined) return new OpenBatch(this.#driver);
    const batch = (this.#open ??= new OpenBatch(this.#driver));
    batch.rows += 1;
    if (!this.#scheduled && !this.#busy) {
      this.#scheduled = true;
      this.#schedule();
    }
    return batch;
  }

  #schedule(): void {
    const rest = this.#gathers ? maxAge - (performance.now() - this.#writtenAt) : 0;
    if (rest <= 0) setImmediate(this.#due);
    else this.#timer = setTimeout(this.#due, rest);
  }

  readonly #due = (): void => {
    this.#scheduled = false;
    this.#timer = undefined;
    this.#next();
  };

  /** A message of a worker has come: what it brings may be written together with what the next ones bring. */
  gather(): void {
    this.#gathers = true;
  }

  /** A body begins here, which may hold the event loop for long: what waits is written before. */
  hurry(): void {
    if (!this.#gathers) return;
    this.#gathers = false;
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#due();
  }

  /** To be called after rows that belong together were added: writes if there is much, or it has waited long. */
  settle(): void {
    const batch = this.#open;
    if (batch === undefined || this.#busy) return;
    if (batch.rows >= maxRows || (batch.rows >= 16 && performance.now() - batch.began > maxAge)) this.#next();
  }

  #next(): void {
    const batch = this.#open;
    if (batch === undefined || this.#busy || this.#lost !== undefined) return;
    this.#seal(batch);
    if (batch.blobs.length === 0) {
      this.#write(batch);
      return;
    }
    this.#busy = true;
    Promise.all(batch.blobs).then(
      () => {
        this.#busy = false;
        this.#write(batch);
      },
      (error: unknown) => this.#fail(batch, error),
    );
  }

  #seal(batch: OpenBatch): OpenBatch {
    this.#open = undefined;
    this.#sealed = batch;
    this.#number += 1;
    return batch;
  }

  #write(batch: OpenBatch): void {
    try {
      const result = this.#backend.commit(batch);
      if (result instanceof Promise) {
        this.#busy = true;
        result.then(
          (done) => {
            this.#busy = false;
            this.#done(batch, done);
          },
          (error: unknown) => this.#fail(batch, error),
        );
      } else this.#done(batch, result);
    } catch (error) {
      this.#fail(batch, error);
    }
  }

  #done(batch: OpenBatch, { refused }: CommitResult): void {
    this.#sealed = undefined;
    this.#writtenAt = performance.now();
    this.#bytes -= batch.bytes;
    batch.written.resolve();
    if (refused.length > 0) this.#events.refused(refused);
    if (this.#wasOverloaded && (this.#open?.rows ?? 0) < lowWater && this.#bytes < lowWaterBytes) {
      this.#wasOverloaded = false;
      for (const callback of this.#drained) callback();
    }
    if (this.#open !== undefined && !this.#scheduled) this.#next();
  }

  #fail(batch: OpenBatch, error: unknown): void {
    this.#busy = false;
    this.#lost = batch.written.promise as Promise<never>;
    for (const lost of [batch, this.#open]) {
      lost?.written.promise.catch(() => undefined);
      lost?.written.reject(error);
    }
    this.#open = undefined;
    this.#sealed = undefined;
    this.#bytes = 0;
    this.#events.failed(error);
  }
}
