import { type KeyRecord, parseDuration } from "@reprise/core";
import type { CacheOptions, FuncDefinition, KeyArgument, KeyMaker } from "@reprise/runner";
import { ageWords, keyArguments } from "@reprise/runner";
import type { CacheEntry, CacheEntryDetails, Home } from "@reprise/store";
import { type KeptCode, parseKeptCode } from "../why/code-differences.ts";
import { keyDifferences } from "../why/key-differences.ts";
import { nearestEntry } from "../why/nearest-entry.ts";
import { inputValue } from "../why/why-run.ts";

/** An argument of a call that is foretold. */
export interface ForetoldArgument extends KeyArgument {
  /** As cache keys name it. */
  readonly name: string;
}

/** A call whose arguments are known. */
export interface ForetoldCall {
  readonly definition: FuncDefinition;
  readonly options: CacheOptions;
  readonly args: readonly ForetoldArgument[];
}

/** What a lookup would give. */
export type Found =
  | { readonly type: "hit"; readonly key: string; readonly entry: CacheEntry; readonly record: KeyRecord }
  | {
      readonly type: "miss";
      readonly key: string | null;
      readonly record: KeyRecord | null;
      /** Why there is nothing. */
      readonly reasons: () => Promise<readonly string[]>;
    };

/** Misses of one func that are explained; more are alike, and each takes a comparison with all entries of the func. */
const maxExplained = 20;

/** Looks up what runs would look up, without taking part: no lease is taken, nothing is written. */
export class Lookup {
  readonly #home: Home;
  readonly #keys: KeyMaker;
  readonly #scope: { readonly account: string; readonly namespace: string; readonly rootFunc: string };
  readonly #entries = new Map<string, Promise<readonly CacheEntryDetails[]>>();
  readonly #explained = new Map<string, number>();

  constructor(home: Home, keys: KeyMaker, options: { readonly namespace: string; readonly rootFunc: string }) {
    this.#home = home;
    this.#keys = keys;
    this.#scope = { account: home.cache.account, ...options };
  }

  /** What there is for a call. Rejects with `INPUT_INVALID` if the input schema refuses its input. */
  async find(call: ForetoldCall): Promise<Found> {
    const { definition, options, args } = call;
    const made = await this.#keys.make(definition, options, await keyArguments(definition, args), this.#scope);
    if ("problem" in made) {
      return { type: "miss", key: null, record: null, reasons: async () => [`not cached: ${made.problem}`] };
    }
    const { key, record } = made;
    const miss = (reasons: () => Promise<readonly string[]>): Found => ({ type: "miss", key, record, reasons });
    const { maxAge } = options;
    const age = maxAge === undefined ? {} : { maxAge: parseDuration(maxAge, "cache.maxAge") };
    const [claim] = await this.#home.cache.claim([{ key, runId: "", label: "", holds: [], lease: false, ...age }]);
    if (claim?.type !== "entry") {
      const tooOld = claim?.type === "free" ? claim.age : undefined;
      return miss(async () => (tooOld === undefined ? this.#explain(call, record) : [ageWords(tooOld, options)]));
    }
    if ((await this.#home.backend.getArtifact(claim.entry.artifact)) === undefined) {
      return miss(async () => ["there is an earlier result, but its artifact is no longer in the store"]);
    }
    return { type: "hit", key, entry: claim.entry, record };
  }

  async #explain({ definition, options, args }: ForetoldCall, record: KeyRecord): Promise<readonly string[]> {
    const { id } = definition;
    const count = (this.#explained.get(id) ?? 0) + 1;
    this.#explained.set(id, count);
    if (count > maxExplained) return ["nothing with its key is there"];
    const nearest = nearestEntry(record, await this.#entriesOf(id));
    if (nearest === undefined) return ["no earlier result"];
    const differences = await keyDifferences(nearest.record, record, {
      values: async (name) => {
        const given = args.find((one) => one.name === name);
        const old = await inputValue(this.#home, nearest.originRunId, name);
        return given === undefined || old === undefined ? undefined : [old.value, await given.value()];
      },
      code: async (digest) => this.#codeNow(definition, options, digest) ?? this.#codeKept(digest),
    });
    return differences.map(({ text }) => text);
  }

  #codeNow(definition: FuncDefinition, options: CacheOptions, digest: string): KeptCode | undefined {
    const code = this.#keys.codeOf(definition, options);
    return code?.digest === digest ? code : undefined;
  }

  async #codeKept(digest: string): Promise<KeptCode | undefined> {
    return parseKeptCode(await this.#home.cache.codeOf(digest));
  }

  #entriesOf(func: string): Promise<readonly CacheEntryDetails[]> {
    let entries = this.#entries.get(func);
    if (entries === undefined) {
      entries = this.#home.cache.list({ func });
      this.#entries.set(func, entries);
    }
    return entries;
  }
}
