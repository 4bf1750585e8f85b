import { type Duration, parseDuration, RepriseError } from "@reprise/core";

/** A function that {@link ActorEnvironment.cache} can take. */
export type Cacheable = (...args: never[]) => unknown;

/** How a function of an actor is cached. */
export interface ActorCacheOptions<F extends Cacheable> {
  /** How it is called in statistics and errors. Default: the name of the function, or of the constant it is assigned to. */
  readonly name?: string | undefined;
  /** Gives the value that stands for the arguments in the key. Default: the arguments. */
  readonly key?: ((...args: Parameters<F>) => unknown) | undefined;
  /**
   * Together with `equals`, instead of `key`: equal arguments must have equal hashes, but different ones may share a hash.
   */
  readonly hash?: ((...args: Parameters<F>) => unknown) | undefined;
  /** Whether two lists of arguments with one hash are the same key. */
  readonly equals?: ((a: Parameters<F>, b: Parameters<F>) => boolean) | undefined;
  /** Most values that are kept; the one that was not asked for for the longest time goes first. Default: no limit. */
  readonly maxEntries?: number | undefined;
  /** Most bytes that the values may have together, as `sizeOf` tells them. Default: no limit. */
  readonly maxBytes?: number | undefined;
  /** Bytes of a value. Needed for `maxBytes`. */
  readonly sizeOf?: ((value: Awaited<ReturnType<F>>) => number) | undefined;
  /** How long a value is used after it was loaded. Default: for as long as the replica lives. */
  readonly ttl?: Duration | undefined;
  /**
   * Called once for each value that is not kept any longer: it was evicted, cleared or too old, or the replica ends. Never
   * while a body that got the value executes.
   */
  readonly dispose?: ((value: Awaited<ReturnType<F>>) => unknown) | undefined;
}

/** Options of a cached function after validation. */
export interface ParsedCacheOptions {
  readonly name: string | undefined;
  readonly key: ((...args: unknown[]) => unknown) | undefined;
  readonly hash: ((...args: unknown[]) => unknown) | undefined;
  readonly equals: ((a: readonly unknown[], b: readonly unknown[]) => boolean) | undefined;
  readonly maxEntries: number | undefined;
  readonly maxBytes: number | undefined;
  readonly sizeOf: ((value: unknown) => number) | undefined;
  /** Milliseconds. */
  readonly ttl: number | undefined;
  readonly dispose: ((value: unknown) => unknown) | undefined;
}

const fields = ["name", "key", "hash", "equals", "maxEntries", "maxBytes", "sizeOf", "ttl", "dispose"];
const functions = ["key", "hash", "equals", "sizeOf", "dispose"] as const;

/** Validates the options of `cache`. @throws RepriseError `INVALID_OPTION` naming the option. */
export function parseCacheOptions(options: unknown, what: string): ParsedCacheOptions {
  if (typeof options !== "object" || options === null) {
    invalid(what, "options must be an object such as { maxEntries: 4 }");
  }
  for (const field of Object.keys(options)) {
    if (!fields.includes(field)) invalid(what, `unknown option "${field}"; known: ${fields.join(", ")}`);
  }
  const given = options as Record<string, unknown> & { readonly ttl?: Duration };
  const { name, key, hash, equals, maxEntries, maxBytes, sizeOf, ttl } = given;
  if (name !== undefined && (typeof name !== "string" || name.trim() === "")) {
    invalid(what, "name must be a text that is not empty");
  }
  for (const field of functions) {
    if (given[field] !== undefined && typeof given[field] !== "function") invalid(what, `${field} must be a function`);
  }
  if ((hash === undefined) !== (equals === undefined)) {
    invalid(what, "hash and equals belong together, give both or none; where a value says it all give key");
  }
  if (key !== undefined && hash !== undefined) invalid(what, "key excludes hash and equals");
  for (const field of ["maxEntries", "maxBytes"] as const) {
    const limit = given[field];
    if (limit !== undefined && !(Number.isSafeInteger(limit) && (limit as number) > 0)) {
      invalid(what, `${field} must be a whole number above 0`);
    }
  }
  if ((maxBytes === undefined) !== (sizeOf === undefined)) {
    invalid(what, "maxBytes needs sizeOf, which tells the bytes of a value, and sizeOf is for maxBytes");
  }
  return {
    name,
    key: key as ParsedCacheOptions["key"],
    hash: hash as ParsedCacheOptions["hash"],
    equals: equals as ParsedCacheOptions["equals"],
    maxEntries: maxEntries as number | undefined,
    maxBytes: maxBytes as number | undefined,
    sizeOf: sizeOf as ParsedCacheOptions["sizeOf"],
    ttl: ttl === undefined ? undefined : parseDuration(ttl, `ttl of ${what}`),
    dispose: given["dispose"] as ParsedCacheOptions["dispose"],
  };
}

function invalid(what: string, why: string): never {
  throw new RepriseError("INVALID_OPTION", `${what}: ${why}.`);
}
