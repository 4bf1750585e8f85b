import type { Call } from "../call.ts";
import { isThenable } from "../maybe-promise.ts";
import type { Stored } from "../values.ts";
import { CallCache, type EngineCache, type OpenCache } from "./call-cache.ts";

/**
 * A cache that is opened when the first call asks for it: a program that caches nothing loads nothing of it.
 */
export class LazyCache implements EngineCache {
  readonly #load: () => Promise<OpenCache>;
  readonly #missed: (call: Call) => void;
  readonly #failed: (call: Call, error: unknown) => void;
  #cache: OpenCache | Promise<OpenCache> | undefined = undefined;

  /** @param failed is told of the call that asked when the cache could not be opened; the call executes. */
  constructor(
    load: () => Promise<OpenCache>,
    missed: (call: Call) => void,
    failed: (call: Call, error: unknown) => void,
  ) {
    this.#load = load;
    this.#missed = missed;
    this.#failed = failed;
  }

  concerns(call: Call): boolean {
    if (call.definition.kind !== "func") return false;
    const { changes, parent, replay } = call;
    if (replay?.cache === "none") return false;
    const group = parent?.map === undefined ? undefined : parent.changes?.cache;
    const cache = changes?.cache ?? group ?? call.definition.options.cache ?? false;
    if (cache === false) return false;
    call.cache = new CallCache(cache === true ? {} : cache);
    call.cache.refreshes = replay?.cache === "refresh";
    return true;
  }

  lookUp(call: Call): void {
    const open = this.#open;
    if (open !== undefined) open.lookUp(call);
    else void this.#lookUpLater(call);
  }

  valueOf(call: Call, own: Stored): Stored {
    return this.#open?.valueOf(call, own) ?? own;
  }

  ended(call: Call): void {
    this.#open?.ended(call);
  }

  async flush(): Promise<void> {
    await this.#open?.flush();
  }

  close(): void {
    this.#open?.close();
  }

  get #open(): OpenCache | undefined {
    return isThenable(this.#cache) ? undefined : this.#cache;
  }

  async #lookUpLater(call: Call): Promise<void> {
    this.#cache ??= this.#load().then((cache) => (this.#cache = cache));
    try {
      (await this.#cache).lookUp(call);
    } catch (error) {
      this.#failed(call, error);
      this.#missed(call);
    }
  }
}
