import { type CacheStatus, type Failure, type KeyRecord, RepriseError, type RunCache } from "@reprise/core";
import type { CacheEntry, Lease } from "@reprise/store";
import type { CacheOptions } from "../cache-options.ts";
import type { Call } from "../call.ts";
import type { Stored } from "../values.ts";

/** Whether a runner reads the cache, writes it, both, or neither. */
export type CacheMode = "on" | "refresh" | "readOnly" | "off";

const modes: readonly CacheMode[] = ["on", "refresh", "readOnly", "off"];

/** Validates the option `cache` of a runner. @throws RepriseError `INVALID_OPTION`. */
export function checkCacheMode(mode: unknown, what: string): CacheMode {
  const known = modes.find((one) => one === mode);
  if (known !== undefined) return known;
  throw new RepriseError(
    "INVALID_OPTION",
    `${what}: cache must be one of ${modes.map((one) => `"${one}"`).join(", ")}, not ${JSON.stringify(mode)}.`,
  );
}

/** What a call that asks the cache keeps about it. */
export class CallCache {
  readonly options: CacheOptions;
  status: CacheStatus = "DISABLED";
  key: string | undefined = undefined;
  record: KeyRecord | undefined = undefined;
  lease: Lease | undefined = undefined;
  originRunId: string | null = null;
  saved: number | null = null;
  note: string | null = null;
  /** Whether the result may be stored as far as lookup and mode are concerned. */
  stores = false;
  /** Whether the body executes, whatever there is, and its result takes the place of what there is. */
  refreshes = false;
  /** Whether what is stored takes the place of an entry that is there. */
  replaces = false;
  /** The attempt whose body said that its result is not to be reused. */
  vetoed = 0;
  /** A hit that the body checks by executing all the same. */
  checks: { readonly entry: CacheEntry; readonly stored: Stored } | undefined = undefined;
  /** Whether the call has ended. */
  over = false;
  /** An entry that turned out to be useless. */
  useless: CacheEntry | undefined = undefined;

  constructor(options: CacheOptions) {
    this.options = options;
  }

  /** Whether there is something to tell: not before the lookup. */
  get isKnown(): boolean {
    return this.status !== "DISABLED" || this.note !== null;
  }

  /** As it is recorded with the run. */
  get told(): RunCache {
    const { status, key = null, originRunId, saved, note } = this;
    return { status, key, originRunId, saved, note };
  }
}

/** What a call that asks the cache keeps about it. */
export function cacheOf(call: Call): CallCache {
  return call.cache as CallCache;
}

/** What an engine asks of a cache about calls that it concerns. */
export interface OpenCache {
  /** Looks the call up; one of the {@link CacheAnswers} follows, now or later. */
  lookUp(call: Call): void;
  /** The value of a call whose body has executed: its own or, if it only checked a hit, the one that was stored. */
  valueOf(call: Call, own: Stored): Stored;
  /** A call that asked has ended. */
  ended(call: Call): void;
  /** Resolves when everything is stored. */
  flush(): Promise<void>;
  /** Ends what would keep the process alive. */
  close(): void;
}

/** A cache as an engine sees it. */
export interface EngineCache extends OpenCache {
  /** Whether the call asks the cache; asked once, before the call may start. */
  concerns(call: Call): boolean;
}

/** What a cache answers. Answers to calls that have ended are without effect. */
export interface CacheAnswers {
  /** The stored value stands in for the run. */
  readonly reused: (call: Call, stored: Stored) => void;
  /** The body has to execute. */
  readonly missed: (call: Call) => void;
  /** The run fails without an attempt. */
  readonly refused: (call: Call, failure: Failure, origin: Call) => void;
}
