import { type CacheStatus, type KeyRecord, RepriseError, toFailure, tookOf } from "@reprise/core";
import type { ArtifactStore, CacheEntry, CacheStore } from "@reprise/store";
import type { CacheOptions } from "../cache-options.ts";
import type { Call } from "../call.ts";
import { chain } from "../maybe-promise.ts";
import { runFailed } from "../failures.ts";
import { messageOf } from "../message-of.ts";
import type { ArtifactValues, StoredArtifactValue } from "../stored-values.ts";
import type { Tracker } from "../tracker.ts";
import type { ValueFlow } from "../value-flow.ts";
import type { Stored } from "../values.ts";
import { ageWords } from "./age-words.ts";
import { type CacheAnswers, type CacheMode, cacheOf, type OpenCache } from "./call-cache.ts";
import { PendingWrites } from "./cache-writes.ts";
import { compareOutputs } from "./compare-outputs.ts";
import type { KeyMaker } from "./key-maker.ts";
import { Lookups, type Nothing } from "./lookups.ts";
import { isAbove, MergedCalls } from "./merged-calls.ts";
import { passesSchema } from "./output-schema.ts";

/** What a session needs of the pipeline run that it serves. */
export interface CacheSessionOptions {
  readonly root: Call;
  readonly mode: Exclude<CacheMode, "off">;
  /** Gives the namespace; asked once, before the first lookup. What it throws is the reason why nothing is reused. */
  readonly namespace: () => string | Promise<string>;
  readonly store: CacheStore;
  readonly artifacts: ArtifactStore;
  readonly values: ArtifactValues;
  readonly flow: ValueFlow;
  readonly keys: KeyMaker;
  readonly tracker: Tracker;
  readonly answers: CacheAnswers;
}

/**
 * The cache of one pipeline run: makes keys, looks entries up in batches, merges equal calls, waits for what other
 * processes compute, and stores results. Nothing that goes wrong here fails a run: it executes as if there were no cache.
 */
export class CacheSession implements OpenCache {
  readonly #options: CacheSessionOptions;
  readonly #merged = new MergedCalls();
  readonly #writes: PendingWrites;
  readonly #lookups: Lookups;
  /** Undefined once it is known that there is none. */
  #namespace: string | Promise<string | undefined> | undefined = undefined;
  #asked = false;
  readonly #codeStored = new Set<string>();

  constructor(options: CacheSessionOptions) {
    this.#options = options;
    this.#writes = new PendingWrites(options.store, () => options.tracker.durable(), {
      failed: (call, error) => this.#putFailed(call, `nothing was stored: ${messageOf(error)}`),
      fenced: (call) =>
        this.#putFailed(
          call,
          "nothing was stored: this process was not heard of for too long and lost its lease, or the cache was removed",
        ),
    });
    this.#lookups = new Lookups({
      store: options.store,
      artifacts: options.artifacts,
      values: options.values,
      mode: options.mode,
      dependents: (call) => this.#merged.dependents(call),
      found: (call, entry, stored) => this.#hit(call, entry, stored),
      nothing: (call, claim) => this.#nothing(call, claim),
      held: (call, { label, pid, host }) => this.#wait(call, `${label} of process ${pid} on ${host}`),
      useless: (call, why) =>
        this.#warn(call, `An earlier result of func "${call.definition.id}" is computed again: ${why}`),
      failed: (call, error) => this.#lookupFailed(call, error),
      tooLate: (lease) => this.#writes.release(lease),
    });
  }

  lookUp(call: Call): void {
    const cache = cacheOf(call);
    if (cache.key !== undefined) {
      // A retry: somebody else may have been luckier.
      if (this.#options.mode === "refresh" || cache.refreshes || cache.checks !== undefined)
        this.#options.answers.missed(call);
      else this.#lookups.ask(call);
      return;
    }
    try {
      void chain(
        this.#scope(),
        (namespace) => (namespace === undefined ? this.#uncached(call, null) : this.#makeKey(call, namespace)),
        (error) => this.#uncached(call, messageOf(error)),
      );
    } catch (error) {
      this.#uncached(call, messageOf(error));
    }
  }

  valueOf(call: Call, own: Stored): Stored {
    const { checks } = cacheOf(call);
    if (checks === undefined) return own;
    void this.#compare(call, own as StoredArtifactValue, checks.stored as StoredArtifactValue);
    return checks.stored;
  }

  ended(call: Call): void {
    const cache = cacheOf(call);
    // Several changes may be told at once, the last one several times.
    if (cache.over) return;
    cache.over = true;
    this.#lookups.leave(call);
    this.#merged.leave(call);
    const { key, record } = cache;
    if (key === undefined || record === undefined) return;
    const followers = this.#merged.takeFollowers(call);
    if (call.state === "RESOLVED" && this.#mayReuse(call)) {
      for (const follower of followers) this.#reuseOf(follower, call);
      if (cache.stores && cache.status !== "HIT") {
        this.#store(call, key, record);
        return;
      }
    } else {
      this.#merged.disown(key, call);
      this.#passOn(call, followers);
    }
    if (cache.lease !== undefined) this.#writes.release(cache.lease);
    if (cache.status !== "HIT" && this.#options.mode !== "readOnly" && cache.status !== "LOOKUP_FAILED") {
      this.#keepCode(call, cache.options, record);
      this.#writes.record(key, record);
    }
  }

  /** Resolves when everything is stored. */
  async flush(): Promise<void> {
    await this.#writes.flush();
  }

  /** Ends what would keep the process alive. */
  close(): void {
    this.#lookups.close();
  }

  // --- keys -------------------------------------------------------------------------------------------------------

  #scope(): string | undefined | Promise<string | undefined> {
    if (this.#asked) return this.#namespace;
    this.#asked = true;
    const failed = (error: unknown): undefined => {
      this.#namespace = undefined;
      this.#warn(
        this.#options.root,
        `Nothing is reused in this pipeline run, because cacheNamespace failed: ${messageOf(error)}`,
      );
      return undefined;
    };
    try {
      const given = this.#options.namespace();
      this.#namespace = typeof given === "string" ? given : given.then((text) => (this.#namespace = text), failed);
    } catch (error) {
      failed(error);
    }
    return this.#namespace;
  }

  #makeKey(call: Call, namespace: string): void | Promise<void> {
    const { flow, keys, store, root } = this.#options;
    const { definition } = call;
    const { options } = cacheOf(call);
    const scope = { account: store.account, namespace, rootFunc: root.definition.id };
    let args: ReturnType<ValueFlow["keyArguments"]>;
    try {
      args = flow.keyArguments(call);
    } catch {
      // The input is invalid or cannot be read: the attempt will say so.
      this.#uncached(call, null);
      return;
    }
    return chain(
      args,
      (given) =>
        chain(keys.make(definition, options, given, scope), (made) => {
          this.#tellBlindSpots(call);
          if ("problem" in made) this.#uncached(call, made.problem);
          else this.#keyed(call, made.key, made.record);
        }),
      () => this.#uncached(call, null),
    );
  }

  /** What the digest of the func's code cannot see is told once. */
  #tellBlindSpots(call: Call): void {
    for (const { place, message } of this.#options.keys.takeWarnings(call.definition)) {
      this.#warn(call, `The code digest of func "${call.definition.id}" does not see all: ${place}: ${message}`);
    }
  }

  #uncached(call: Call, problem: string | null): void {
    const cache = cacheOf(call);
    cache.note = problem === null ? null : `not cached: ${problem}`;
    if (problem !== null) {
      this.#warn(call, `func "${call.definition.id}" is not cached: ${problem}`);
      this.#tell(call);
    }
    this.#options.answers.missed(call);
  }

  // --- equal calls of this pipeline run ---------------------------------------------------------------------------

  #keyed(call: Call, key: string, record: KeyRecord): void {
    const cache = cacheOf(call);
    cache.key = key;
    cache.record = record;
    const owner = this.#merged.ownerOf(key);
    const { mode } = this.#options;
    const refreshes = mode === "refresh" || cache.refreshes;
    if (!cache.refreshes && owner !== undefined && owner !== call && this.#merge(call, owner)) return;
    this.#merged.own(key, call);
    if (refreshes) {
      cache.stores = mode !== "readOnly";
      cache.replaces = true;
      this.#miss(call, "REFRESHED", null);
    } else this.#lookups.ask(call);
  }

  /** Whether an equal call that came before answers for this one. */
  #merge(call: Call, owner: Call): boolean {
    if (owner.state === "RESOLVED") {
      if (!this.#mayReuse(owner)) return false;
      this.#reuseOf(call, owner);
      return true;
    }
    if (cacheOf(call).options.serialize === false) return false;
    if (isAbove(owner, call)) {
      this.#refuse(call, owner);
      return true;
    }
    if (this.#merged.waitsFor(owner, call)) {
      this.#miss(call, "MISS", `it executes beside ${owner.label}, which computes the same but waits for this run`);
      return true;
    }
    this.#merged.follow(call, owner);
    this.#wait(call, owner.label);
    return true;
  }

  #refuse(call: Call, owner: Call): void {
    const error = new RepriseError(
      "CYCLE",
      `${call.label} has the cache key of ${owner.label}, which has called it: it would wait for itself. ` +
        `Give the inner call other arguments, or call it with $set({ cache: false }).`,
    );
    call.error = error;
    this.#options.answers.refused(call, toFailure(error), call);
  }

  #mayReuse(owner: Call): boolean {
    const { vetoed } = cacheOf(owner);
    return vetoed === 0 || vetoed !== owner.attempt;
  }

  #reuseOf(call: Call, owner: Call): void {
    const own = cacheOf(owner);
    const isHit = own.status === "HIT";
    this.#reuse(
      call,
      owner.output as Stored,
      isHit ? own.originRunId : owner.id,
      isHit ? own.saved : durationOf(owner),
      null,
    );
  }

  /** The computing call has no result: the others fail as it did or, if that was not its own doing, one takes over. */
  #passOn(owner: Call, followers: readonly Call[]): void {
    if (owner.state !== "CANCELED" && owner.state !== "RESOLVED" && owner.failure?.code !== "TIMEOUT") {
      for (const follower of followers) {
        follower.error = runFailed(owner);
        cacheOf(follower).status = "MISS";
        this.#options.answers.refused(follower, toFailure(follower.error), owner.origin ?? owner);
      }
      return;
    }
    const [next, ...others] = followers;
    if (next === undefined) return;
    const cache = cacheOf(next);
    this.#merged.own(cache.key as string, next);
    for (const other of others) {
      this.#merged.follow(other, next);
      this.#wait(other, next.label);
    }
    const { stores, replaces, lease, status } = cacheOf(owner);
    // The lease goes over: nobody else in the world notices.
    cacheOf(owner).lease = undefined;
    Object.assign(cache, { stores, replaces, lease });
    // Whether the owner had come as far as executing for want of a result.
    if (status === "MISS" || status === "EXPIRED" || status === "REFRESHED") this.#miss(next, status, null);
    else this.#lookups.ask(next);
  }

  // --- answers of the store ----------------------------------------------------------------------------------------

  /** There is nothing to reuse. */
  #nothing(call: Call, claim: Nothing): void {
    const cache = cacheOf(call);
    if (cache.lease !== undefined || call.attempt > 0) {
      // Before a retry there was nothing new.
      this.#options.answers.missed(call);
      return;
    }
    if (claim.type === "cycle") {
      const note = `it executes beside ${claim.holder.label}, which computes the same but waits for this pipeline run`;
      this.#miss(call, "MISS", note);
      return;
    }
    cache.stores = this.#options.mode === "on";
    cache.replaces = claim.expired || cache.useless !== undefined;
    if (claim.type === "lease") cache.lease = claim.lease;
    const takenOver = claim.type === "lease" && claim.takenOver;
    const why = claim.age === undefined ? cache.note : ageWords(claim.age, cache.options);
    this.#miss(
      call,
      claim.expired ? "EXPIRED" : "MISS",
      takenOver ? "the process that computed the same is gone" : why,
    );
  }

  #miss(call: Call, status: CacheStatus, note: string | null): void {
    Object.assign(cacheOf(call), { status, note });
    this.#tell(call);
    this.#options.answers.missed(call);
  }

  #lookupFailed(call: Call, error: unknown): void {
    this.#warn(call, `The cache cannot be read, so nothing is reused: ${messageOf(error)}`);
    const cache = cacheOf(call);
    cache.stores = false;
    this.#miss(call, "LOOKUP_FAILED", messageOf(error));
  }

  #wait(call: Call, whom: string): void {
    const cache = cacheOf(call);
    cache.status = "WAITING";
    cache.note = `waits for ${whom}, which computes the same`;
    this.#tell(call);
  }

  #hit(call: Call, entry: CacheEntry, stored: StoredArtifactValue): void {
    const cache = cacheOf(call);
    this.#writes.hit(entry.key);
    const { verify = 0 } = cache.options;
    if (verify > 0 && Math.random() < verify && call.attempt === 0) {
      cache.checks = { entry, stored };
      Object.assign(cache, { originRunId: entry.originRunId, saved: 0 });
      this.#miss(call, "HIT", "the body executes all the same, to check that it gives the same result");
      return;
    }
    this.#reuse(call, stored, entry.originRunId, entry.duration, null);
  }

  #reuse(call: Call, stored: Stored, originRunId: string | null, saved: number | null, note: string | null): void {
    const cache = cacheOf(call);
    cache.status = "HIT";
    cache.originRunId = originRunId;
    cache.saved = saved;
    cache.note = note;
    call.output = stored;
    // Written with the end of the run, which follows: a write of its own would cost more than the lookup did.
    this.#options.answers.reused(call, stored);
  }

  async #compare(call: Call, own: StoredArtifactValue, stored: StoredArtifactValue): Promise<void> {
    const difference = await compareOutputs(this.#options.values, stored, own);
    if (difference === undefined) return;
    this.#warn(
      call,
      `func "${call.definition.id}" is not deterministic: for the same inputs and code it gave another result than ` +
        `run ${cacheOf(call).originRunId ?? ""} did. ${difference} Make it deterministic, or do not cache it.`,
    );
  }

  // --- results ----------------------------------------------------------------------------------------------------

  #store(call: Call, key: string, record: KeyRecord): void {
    const { values } = this.#options;
    const { lease = null, replaces, options } = cacheOf(call);
    const stored = call.output as StoredArtifactValue;
    const duration = durationOf(call);
    this.#keepCode(call, options, record);
    const put = (rechecks: boolean): void =>
      this.#writes.put({
        call,
        record,
        lease,
        mode: replaces ? "replace" : "keep",
        entry: () => ({
          key,
          artifact: stored.ref.digest,
          artifactKey: stored.ref.key,
          originRunId: call.id,
          originRootId: this.#options.root.id,
          duration,
          size: stored.size,
          createdAt: Date.now(),
          rechecks,
        }),
      });
    const { output } = call.definition;
    if (output === undefined) put(false);
    else void chain(passesSchema(values, stored, output), put);
  }

  /** The sources behind a digest are kept, so that a later miss can be explained. */
  #keepCode({ definition }: Call, options: CacheOptions, { version }: KeyRecord): void {
    if (version.kind === "given" || this.#codeStored.has(version.value)) return;
    this.#codeStored.add(version.value);
    const code = this.#options.keys.codeOf(definition, options);
    if (code === undefined) return;
    const { closure, packages } = code;
    this.#writes.code({ digest: version.value, func: definition.id, closure: JSON.stringify({ closure, packages }) });
  }

  #putFailed(call: Call, why: string): void {
    const cache = cacheOf(call);
    cache.status = "PUT_FAILED";
    cache.note = why;
    this.#warn(call, `The result of func "${call.definition.id}" will not be reused: ${why}`);
    this.#options.tracker.cacheChanged(call);
  }

  #tell(call: Call): void {
    this.#options.tracker.cache(call);
  }

  #warn(call: Call, message: string): void {
    this.#options.tracker.warn(call, message);
  }
}

/** How long a call that has ended took, in ms, children included. */
function durationOf({ track }: Call): number {
  return tookOf((track as NonNullable<Call["track"]>).write) ?? 0;
}
