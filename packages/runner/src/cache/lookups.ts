import { parseDuration } from "@reprise/core";
import type { ArtifactStore, CacheEntry, CacheStore, Claim, ClaimRequest, Lease, LeaseHolder } from "@reprise/store";
import type { Call } from "../call.ts";
import { chain } from "../maybe-promise.ts";
import type { ArtifactValues, StoredArtifactValue } from "../stored-values.ts";
import { cacheOf, type CacheMode } from "./call-cache.ts";
import { storedPasses } from "./output-schema.ts";

/** An answer that says that there is nothing to reuse, and no reason to wait. */
export type Nothing = Exclude<Claim, { type: "entry" | "held" }>;

/** What lookups need, and where their answers go. */
export interface LookupsOptions {
  readonly store: CacheStore;
  readonly artifacts: ArtifactStore;
  readonly values: ArtifactValues;
  readonly mode: CacheMode;
  /** The calls that cannot end before this one has. */
  readonly dependents: (call: Call) => Iterable<Call>;
  /** There is a result, whole and undamaged. */
  readonly found: (call: Call, entry: CacheEntry, stored: StoredArtifactValue) => void;
  readonly nothing: (call: Call, claim: Nothing) => void;
  /** Another process computes it; told once, the answer follows. */
  readonly held: (call: Call, holder: LeaseHolder) => void;
  /** There is an entry, but it leads nowhere; the answer follows. */
  readonly useless: (call: Call, why: string) => void;
  /** The cache cannot be read. */
  readonly failed: (call: Call, error: unknown) => void;
  /** A lease was given to a call that has ended meanwhile. */
  readonly tooLate: (lease: Lease) => void;
}

/** Pauses between looks at what another process computes, in ms: short at first, because much takes no time. */
const firstPause = 20;
const longestPause = 500;

/**
 * Asks the store what there is for calls whose key is known: in batches, again while another process computes the same,
 * and not before the result has been seen to be whole.
 */
export class Lookups {
  readonly #options: LookupsOptions;
  #pending: Call[] = [];
  /** Calls that wait for other processes. */
  readonly #waiting = new Set<Call>();
  #timer: NodeJS.Timeout | undefined = undefined;
  #pause = firstPause;

  constructor(options: LookupsOptions) {
    this.#options = options;
  }

  /** Asks the store; an answer follows. Calls of one turn are asked about together. */
  ask(call: Call): void {
    this.#pending.push(call);
    if (this.#pending.length === 1) queueMicrotask(() => this.#claimPending());
  }

  #claimPending(): void {
    const calls = this.#pending.filter(isOpen);
    this.#pending = [];
    if (calls.length === 0) return;
    const failed = (error: unknown): void => {
      for (const call of calls) this.#failed(call, error);
    };
    try {
      void chain(
        this.#options.store.claim(calls.map((call) => this.#request(call))),
        (claims) => this.#answered(calls, claims),
        failed,
      );
    } catch (error) {
      failed(error);
    }
  }

  #request(call: Call): ClaimRequest {
    const { key = "", options, lease, useless } = cacheOf(call);
    // Most calls have their answer at once. Only if one waits must the store know who waits for it in turn.
    const blocked = this.#waiting.has(call) ? this.#options.dependents(call) : [];
    const holds: string[] = [];
    for (const dependent of blocked) {
      const held = dependent.cache?.lease;
      if (held !== undefined) holds.push(held.key);
    }
    const { maxAge, serialize = true } = options;
    return {
      key,
      runId: call.id,
      label: call.label,
      holds,
      lease: serialize && this.#options.mode === "on" && lease === undefined && call.attempt === 0,
      ...(maxAge === undefined ? {} : { maxAge: parseDuration(maxAge, "cache.maxAge") }),
      ...(useless === undefined ? {} : { useless }),
    };
  }

  #answered(calls: readonly Call[], claims: readonly Claim[]): void {
    const found: { readonly call: Call; readonly entry: CacheEntry }[] = [];
    for (const [at, claim] of claims.entries()) {
      const call = calls[at] as Call;
      if (claim.type === "entry") {
        this.#waiting.delete(call);
        found.push({ call, entry: claim.entry });
      } else this.#take(call, claim);
    }
    if (found.length > 0) this.#recall(found);
  }

  #take(call: Call, claim: Exclude<Claim, { type: "entry" }>): void {
    if (!isOpen(call)) {
      if (claim.type === "lease") this.#options.tooLate(claim.lease);
    } else if (claim.type === "held") this.#waitForOther(call, claim.holder);
    else {
      this.#waiting.delete(call);
      this.#options.nothing(call, claim);
    }
  }

  #failed(call: Call, error: unknown): void {
    this.#waiting.delete(call);
    if (isOpen(call)) this.#options.failed(call, error);
  }

  #waitForOther(call: Call, holder: LeaseHolder): void {
    if (!this.#waiting.has(call)) {
      this.#waiting.add(call);
      this.#pause = firstPause;
      this.#options.held(call, holder);
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pause = Math.min(this.#pause * 1.5, longestPause);
      for (const waiting of this.#waiting) this.ask(waiting);
    }, this.#pause);
  }

  /** A call that asked has ended. */
  leave(call: Call): void {
    if (!this.#waiting.delete(call)) return;
    if (this.#waiting.size === 0) this.close();
    try {
      void Promise.resolve(this.#options.store.stopWaiting([call.id])).catch(() => undefined);
    } catch {
      // Nobody will wait for this process for longer than it lives.
    }
  }

  /** Ends what would keep the process alive. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #recall(found: readonly { readonly call: Call; readonly entry: CacheEntry }[]): void {
    const { artifacts, values } = this.#options;
    const failed = (error: unknown): void => {
      for (const { call } of found) this.#failed(call, error);
    };
    const wanted = found.map(({ entry }) => ({ id: entry.artifact, hint: entry.artifactKey, since: entry.createdAt }));
    try {
      void chain(
        artifacts.recall(wanted),
        (recalled) => {
          for (const [at, result] of recalled.entries()) {
            const { call, entry } = found[at] as (typeof found)[number];
            if (!isOpen(call)) continue;
            if (result.type === "lost") this.#useless(call, entry, result.why);
            else this.#check(call, entry, values.recalled(result));
          }
        },
        failed,
      );
    } catch (error) {
      failed(error);
    }
  }

  /** The entry leads nowhere: asked again without it, and what is computed takes its place. */
  #useless(call: Call, entry: CacheEntry, why: string): void {
    this.#options.useless(call, why);
    const cache = cacheOf(call);
    cache.useless = entry;
    cache.note = `there was an earlier result, but ${why}`;
    this.ask(call);
  }

  #check(call: Call, entry: CacheEntry, stored: StoredArtifactValue): void {
    const { output } = call.definition;
    if (!entry.rechecks || output === undefined) {
      this.#options.found(call, entry, stored);
      return;
    }
    void chain(storedPasses(this.#options.values, stored, output), (passes) => {
      if (!isOpen(call)) return;
      if (passes) this.#options.found(call, entry, stored);
      else this.#useless(call, entry, "it no longer matches the output schema");
    });
  }
}

/** Whether a call still waits for an answer. */
function isOpen({ state }: Call): boolean {
  return state === "CREATED" || state === "RETRYING";
}
