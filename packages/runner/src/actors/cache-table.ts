import { RepriseError } from "@reprise/core";
import { currentBody, currentHolder, outsideBodies, runInLoad } from "../context.ts";
import { isThenable } from "../maybe-promise.ts";
import { messageOf } from "../message-of.ts";
import type { CacheStatistics } from "../workers/protocol.ts";
import type { CallKey, Compared, PlainKey } from "./cache-key.ts";
import type { ParsedCacheOptions } from "./cache-options.ts";
import { rememberLive } from "./live-values.ts";
import { hold, type Holdable, LoadScope } from "./load-scope.ts";

/** Longest time that a timer can wait. */
const longestTimer = 2 ** 31 - 1;

/** One value of a cached function, from the moment at which somebody first asks for it. */
class Entry implements Holdable {
  readonly at: PlainKey;
  readonly compared: Compared | undefined;
  readonly options: ParsedCacheOptions;
  readonly scope = new LoadScope(currentBody());
  readonly #table: CacheTable;
  holders = 0;
  /** What callers get: the value or, of an asynchronous function, the promise of it. */
  result: unknown = undefined;
  value: unknown = undefined;
  bytes = 0;
  state: "loading" | "loaded" | "over" = "loading";
  /** No longer in the table, though somebody may use it. */
  isOut = false;
  expiresAt = Number.POSITIVE_INFINITY;
  /** See {@link Disposable.order}. */
  order = Number.POSITIVE_INFINITY;
  /** The next entry of the same place, with another key. */
  next: Entry | undefined = undefined;

  constructor(table: CacheTable, { at, compared }: CallKey, options: ParsedCacheOptions) {
    this.#table = table;
    this.at = at;
    this.compared = compared?.snapshot();
    this.options = options;
  }

  released(): void {
    this.#table.released(this);
  }
}

/** A value that somebody has to dispose of. */
export interface Disposable {
  /** The order in which values were loaded: one that was loaded later may use what was there before. */
  readonly order: number;
  /** Disposes of the value, also if it is in use; waits for it if it is being loaded. */
  dispose(): Promise<void>;
}

/**
 * The values of one cached function in this process. It outlives the module that has declared the function: where user
 * code is loaded anew, the new declaration finds the values of the old one.
 */
export class CacheTable {
  readonly actor: string;
  /** How it is called in statistics. */
  readonly #nameOf: () => string;
  readonly #places = new Map<PlainKey, Entry>();
  /** All entries of the table: where there is a limit, the one that was asked for last at the end. */
  readonly #entries = new Set<Entry>();
  /** Entries out of the table whose values are not disposed of. */
  readonly #retired = new Set<Entry>();
  /** How many entries have a value that is to be disposed of: two keys may have given one. */
  readonly #owners = new WeakMap<object, number>();
  /** What is being disposed of. */
  readonly #leaving = new Set<Promise<void>>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #failures = 0;
  #evictions = 0;
  #loadTime = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(actor: string, nameOf: () => string) {
    this.actor = actor;
    this.#nameOf = nameOf;
  }

  get label(): string {
    return `cached function "${this.#nameOf()}" of actor "${this.actor}"`;
  }

  statistics(): CacheStatistics {
    return {
      name: this.#nameOf(),
      entries: this.#entries.size,
      hits: this.#hits,
      misses: this.#misses,
      failures: this.#failures,
      evictions: this.#evictions,
      loadTime: this.#loadTime,
    };
  }

  /** What a key of one part has, if it is there: the way of most hits, so there is nothing on it that can be left out. */
  get(at: PlainKey, options: ParsedCacheOptions): { readonly result: unknown } | undefined {
    const entry = this.#places.get(at);
    return entry === undefined || entry.compared !== undefined ? undefined : this.#hit(entry, options);
  }

  /** What a key has; what is not there is loaded. */
  take(key: CallKey, options: ParsedCacheOptions, load: () => unknown): unknown {
    const entry = this.#find(key);
    const hit = entry === undefined ? undefined : this.#hit(entry, options);
    return hit === undefined ? this.#load(key, options, load) : hit.result;
  }

  /** Forgets one key, or all. */
  clear(key?: CallKey): void {
    if (key === undefined) for (const entry of this.#entries) this.#retire(entry);
    else {
      const entry = this.#find(key);
      if (entry !== undefined) this.#retire(entry);
    }
  }

  /** Nobody uses an entry any more. */
  released(entry: Entry): void {
    if (entry.isOut) this.#finish(entry);
    else this.#trim(entry.options);
  }

  /** Everything that is not disposed of, in use or not. */
  get disposables(): readonly Disposable[] {
    return [...this.#entries, ...this.#retired].map((entry) => ({
      order: entry.order,
      dispose: async () => {
        this.#retire(entry);
        if (entry.state === "loading") await Promise.resolve(entry.result).catch(() => undefined);
        this.#finish(entry);
        await Promise.all(this.#leaving);
      },
    }));
  }

  #find({ at, compared }: CallKey): Entry | undefined {
    let entry = this.#places.get(at);
    if (compared === undefined) return entry;
    for (; entry !== undefined; entry = entry.next) {
      if (entry.compared?.equals(compared) === true) return entry;
    }
    return undefined;
  }

  #hit(entry: Entry, options: ParsedCacheOptions): { readonly result: unknown } | undefined {
    if (entry.expiresAt !== Number.POSITIVE_INFINITY && performance.now() >= entry.expiresAt) {
      this.#evict(entry);
      return undefined;
    }
    if (entry.state === "loading" && entry.result === undefined) {
      throw new RepriseError(
        "FUNC_DEFINITION",
        `${this.label} calls itself with the arguments that it was called with: it would never end.`,
      );
    }
    this.#hits += 1;
    if (isBounded(options)) {
      this.#entries.delete(entry);
      this.#entries.add(entry);
    }
    hold(currentHolder(), entry);
    return entry;
  }

  #load(key: CallKey, options: ParsedCacheOptions, load: () => unknown): unknown {
    const entry = new Entry(this, key, options);
    const first = this.#places.get(entry.at);
    entry.next = first;
    this.#places.set(entry.at, entry);
    this.#entries.add(entry);
    this.#misses += 1;
    hold(currentHolder(), entry);
    const began = performance.now();
    let result: unknown;
    try {
      result = runInLoad(entry.scope, load);
      if (!isThenable(result)) {
        entry.result = result;
        this.#loaded(entry, result, began);
        return result;
      }
    } catch (error) {
      this.#failed(entry);
      throw error;
    }
    // All callers get this one: what is to be done comes before what they do.
    entry.result = Promise.resolve(result).then(
      (value) => {
        try {
          this.#loaded(entry, value, began);
        } catch (error) {
          this.#failed(entry);
          throw error;
        }
        return value;
      },
      (error: unknown) => {
        this.#failed(entry);
        throw error;
      },
    );
    return entry.result;
  }

  #loaded(entry: Entry, value: unknown, began: number): void {
    const now = performance.now();
    this.#loadTime += now - began;
    const { sizeOf, ttl, dispose } = entry.options;
    entry.value = value;
    if (dispose !== undefined && isLive(value)) this.#owners.set(value, (this.#owners.get(value) ?? 0) + 1);
    if (isLive(value)) rememberLive(value, this);
    entry.bytes = sizeOf === undefined ? 0 : this.#sizeOf(value, sizeOf);
    entry.state = "loaded";
    entry.order = loads += 1;
    if (entry.isOut) {
      if (entry.holders === 0) this.#finish(entry);
      return;
    }
    this.#bytes += entry.bytes;
    if (ttl !== undefined) {
      entry.expiresAt = now + ttl;
      this.#wake(ttl);
    }
    this.#trim(entry.options, entry);
  }

  #sizeOf(value: unknown, sizeOf: (value: unknown) => number): number {
    const bytes = sizeOf(value);
    if (Number.isFinite(bytes) && bytes >= 0) return bytes;
    throw new RepriseError(
      "INVALID_OPTION",
      `sizeOf of ${this.label} must give a number of bytes from 0, not ${bytes}.`,
    );
  }

  /** A load that failed is not kept. If there is a value all the same, because its size cannot be told, it goes. */
  #failed(entry: Entry): void {
    this.#failures += 1;
    this.#remove(entry);
    if (entry.value === undefined) this.#end(entry);
    else this.#finish(entry);
  }

  /** Makes room. What is in use stays, and so does what was loaded just now: its caller has not got it yet. */
  #trim(options: ParsedCacheOptions, latest?: Entry): void {
    if (!isBounded(options)) return;
    const { maxEntries = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = options;
    for (const entry of this.#entries) {
      if (this.#entries.size <= maxEntries && this.#bytes <= maxBytes) return;
      if (entry.holders === 0 && entry.state === "loaded" && entry !== latest) this.#evict(entry);
    }
  }

  #evict(entry: Entry): void {
    this.#evictions += 1;
    this.#retire(entry);
  }

  /** Takes an entry out of the table, and disposes of its value as soon as nobody uses it. */
  #retire(entry: Entry): void {
    if (entry.isOut) return;
    this.#remove(entry);
    this.#retired.add(entry);
    if (entry.holders === 0 && entry.state === "loaded") this.#finish(entry);
  }

  #remove(entry: Entry): void {
    if (entry.isOut) return;
    entry.isOut = true;
    this.#entries.delete(entry);
    if (entry.state === "loaded") this.#bytes -= entry.bytes;
    const first = this.#places.get(entry.at);
    if (first !== entry) {
      let before = first;
      while (before !== undefined && before.next !== entry) before = before.next;
      if (before !== undefined) before.next = entry.next;
    } else if (entry.next === undefined) this.#places.delete(entry.at);
    else this.#places.set(entry.at, entry.next);
  }

  /** Disposes of the value, once. */
  #finish(entry: Entry): void {
    const { value, options } = entry;
    const isMade = entry.state === "loaded" || value !== undefined;
    if (entry.state === "over" || !isMade) return;
    entry.state = "over";
    if (options.dispose === undefined || !this.#disown(value)) {
      this.#end(entry);
      return;
    }
    const leaving = this.#dispose(value, options.dispose).then(() => {
      this.#end(entry);
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
  }

  #end(entry: Entry): void {
    entry.state = "over";
    this.#retired.delete(entry);
    entry.scope.end();
    entry.result = undefined;
    entry.value = undefined;
  }

  /** Whether the value belongs to nobody any more. */
  #disown(value: unknown): boolean {
    if (!isLive(value)) return true;
    const owners = (this.#owners.get(value) ?? 1) - 1;
    this.#owners.set(value, owners);
    return owners === 0;
  }

  async #dispose(value: unknown, dispose: (value: unknown) => unknown): Promise<void> {
    try {
      await outsideBodies(() => dispose(value));
    } catch (error) {
      process.emitWarning(`dispose of ${this.label} threw: ${messageOf(error)}`, "RepriseWarning");
    }
  }

  /** Looks, now and then, for what has become too old: it may hold what others wait for. */
  #wake(ttl: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const now = performance.now();
        for (const entry of this.#entries) if (now >= entry.expiresAt) this.#evict(entry);
        if (this.#entries.size > 0) this.#wake(ttl);
      },
      Math.min(Math.max(ttl / 4, 10), longestTimer),
    ).unref();
  }
}

let loads = 0;

function isBounded({ maxEntries, maxBytes }: ParsedCacheOptions): boolean {
  return maxEntries !== undefined || maxBytes !== undefined;
}

function isLive(value: unknown): value is object {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}
