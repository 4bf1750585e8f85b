import { diffKeyRecords, type KeyRecord, parseDuration } from "@reprise/core";
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

/** Misses of one func that are compared with all its entries; more of them are alike, and would take long. */
const maxCompared = 20;

/** Entries of a func, and the newest of those with the same inputs. */
interface Entries {
  readonly all: readonly CacheEntryDetails[];
  readonly byInputs: ReadonlyMap<string, CacheEntryDetails>;
}

/** Looks up what runs would look up, without taking part: no lease is taken, nothing is written. */
export class Lookup {
  readonly #home: Home;
  readonly #keys: KeyMaker;
  readonly #scope: { readonly account: string; readonly namespace: string; readonly rootFunc: string };
  readonly #entries = new Map<string, Promise<Entries>>();
  readonly #compared = new Map<string, number>();
  /** Explanations in which no inputs occur, by what differs: one for all elements of a map. */
  readonly #explained = new Map<string, Promise<readonly string[]>>();

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

  async #explain(call: ForetoldCall, record: KeyRecord): Promise<readonly string[]> {
    const nearest = await this.#nearest(call.definition.id, record);
    if (typeof nearest === "string") return [nearest];
    const differences = diffKeyRecords(nearest.record, record);
    if (differences.some(({ ingredient }) => ingredient === "inputs")) return this.#reasons(call, nearest, record);
    const what = JSON.stringify([call.definition.id, differences]);
    let explained = this.#explained.get(what);
    if (explained === undefined) {
      explained = this.#reasons(call, nearest, record);
      this.#explained.set(what, explained);
    }
    return explained;
  }

  /** The entry that differs least, or why there is none to compare with. */
  async #nearest(func: string, record: KeyRecord): Promise<CacheEntryDetails | string> {
    const { all, byInputs } = await this.#entriesOf(func);
    if (all.length === 0) return "no earlier result";
    const same = byInputs.get(JSON.stringify(record.inputs));
    // Nothing can differ in less.
    if (same !== undefined && diffKeyRecords(same.record, record).length === 1) return same;
    const count = (this.#compared.get(func) ?? 0) + 1;
    this.#compared.set(func, count);
    if (count > maxCompared) return "nothing with its key is there";
    return nearestEntry(record, all) ?? "no earlier result";
  }

  async #reasons(
    { definition, options, args }: ForetoldCall,
    nearest: CacheEntryDetails,
    record: KeyRecord,
  ): Promise<readonly string[]> {
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

  #entriesOf(func: string): Promise<Entries> {
    let entries = this.#entries.get(func);
    if (entries === undefined) {
      entries = this.#load(func);
      this.#entries.set(func, entries);
    }
    return entries;
  }

  async #load(func: string): Promise<Entries> {
    const all = await this.#home.cache.list({ func });
    const byInputs = new Map<string, CacheEntryDetails>();
    for (const entry of all) {
      const inputs = JSON.stringify(entry.record.inputs);
      // They come newest first.
      if (!byInputs.has(inputs)) byInputs.set(inputs, entry);
    }
    return { all, byInputs };
  }
}
