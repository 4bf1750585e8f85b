import type { KeyRecord } from "@reprise/core";
import type { CacheEntry, CachePut, CacheStore, CacheWrites, Lease } from "@reprise/store";
import type { Call } from "../call.ts";

/** A result that waits to be stored. */
export interface PendingPut {
  readonly call: Call;
  /** Asked when the artifact is on disk. */
  readonly entry: () => CacheEntry;
  readonly record: KeyRecord;
  readonly lease: Lease | null;
  readonly mode: CachePut["mode"];
}

/** What becomes of puts. */
export interface WriteOutcomes {
  /** The cache could not be written. */
  readonly failed: (call: Call, error: unknown) => void;
  /** Another run had taken over. */
  readonly fenced: (call: Call) => void;
}

interface Batch {
  readonly puts: PendingPut[];
  readonly releases: Lease[];
  readonly hits: string[];
  readonly records: { readonly key: string; readonly record: KeyRecord }[];
  readonly code: CacheWrites["code"][number][];
}

/** So many hits are written by themselves; fewer go with the next write. */
const manyHits = 10_000;

const emptyBatch = (): Batch => ({ puts: [], releases: [], hits: [], records: [], code: [] });

/**
 * Collects what is to be written to the cache and writes it in batches, each after everything that it refers to is on
 * disk: an entry never names an artifact that is not there.
 */
export class PendingWrites {
  readonly #store: CacheStore;
  readonly #durable: () => Promise<void> | undefined;
  readonly #outcomes: WriteOutcomes;
  #batch = emptyBatch();
  #writing: Promise<void> | undefined = undefined;

  /** @param durable resolves when all that was recorded so far is on disk; undefined if it already is. */
  constructor(store: CacheStore, durable: () => Promise<void> | undefined, outcomes: WriteOutcomes) {
    this.#store = store;
    this.#durable = durable;
    this.#outcomes = outcomes;
  }

  put(put: PendingPut): void {
    this.#batch.puts.push(put);
    this.#schedule();
  }

  release(lease: Lease): void {
    this.#batch.releases.push(lease);
    this.#schedule();
  }

  /**
   * Counts a reuse. That is for people and for clearing what nobody uses, so it can wait: a write of its own would cost
   * more than the lookup did.
   */
  hit(key: string): void {
    if (this.#batch.hits.push(key) >= manyHits) this.#schedule();
  }

  record(key: string, record: KeyRecord): void {
    this.#batch.records.push({ key, record });
    this.#schedule();
  }

  code(code: CacheWrites["code"][number]): void {
    this.#batch.code.push(code);
    this.#schedule();
  }

  /** Resolves when everything that was added is written, or could not be. */
  async flush(): Promise<void> {
    if (this.#batch.hits.length > 0) this.#schedule();
    while (this.#writing !== undefined) await this.#writing;
  }

  #schedule(): void {
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    // What ends in this turn of the event loop goes out together.
    await new Promise(setImmediate);
    do {
      const batch = this.#batch;
      this.#batch = emptyBatch();
      await this.#writeBatch(batch);
    } while (isDue(this.#batch));
    this.#writing = undefined;
  }

  async #writeBatch({ puts, ...rest }: Batch): Promise<void> {
    try {
      if (puts.length > 0) await this.#durable();
      const entries = puts.map(({ entry, record, lease, mode }) => ({ entry: entry(), record, lease, mode }));
      const { fenced } = await this.#store.write({ ...rest, puts: entries });
      for (const [at, { entry }] of entries.entries()) {
        if (fenced.includes(entry.key)) this.#outcomes.fenced((puts[at] as PendingPut).call);
      }
    } catch (error) {
      for (const { call } of puts) this.#outcomes.failed(call, error);
    }
  }
}

function isDue({ puts, releases, hits, records, code }: Batch): boolean {
  return puts.length + releases.length + records.length + code.length > 0 || hits.length >= manyHits;
}
