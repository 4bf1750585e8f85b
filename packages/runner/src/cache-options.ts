import { type Duration, parseDuration, RepriseError } from "@reprise/core";

/**
 * How results of a func are reused. They are validated when the func is defined; the cache itself reads them when a
 * runner has one.
 */
export interface CacheOptions {
  /**
   * What stands for the code in the key: a text of your own that you change when results change (as in Latch), `"auto"`
   * for a digest of the func's code and everything it reaches, `"body"` for its own body only. Default: `"auto"`. A
   * version that is there but empty, undefined or null is an error: a key without one would never change.
   */
  readonly version?: string;
  /**
   * Names of arguments that do not count or, if the func takes one object, of its fields. A name that is not there is an
   * error. Not together with `key`.
   */
  readonly ignore?: readonly string[] | undefined;
  /**
   * Makes the value that stands for the arguments in the key, from copies of them. If it throws, or gives undefined, the
   * call is not cached. Default: the arguments.
   */
  readonly key?: ((...args: never[]) => unknown) | undefined;
  /** Entries older than this are not used. Default: no limit. */
  readonly maxAge?: Duration | undefined;
  /** Whether equal calls in several processes wait for one of them. Default: true. */
  readonly serialize?: boolean | undefined;
  /** Part of the hits, 0 to 1, whose body runs all the same to check that it is deterministic. Default: 0. */
  readonly verify?: number | undefined;
  /** Who shares results. Default: `"namespace"`. */
  readonly scope?: "namespace" | "pipeline" | undefined;
}

const fields = ["version", "ignore", "key", "maxAge", "serialize", "verify", "scope"];

/** Validates the `cache` option of a func or call. @throws RepriseError `INVALID_OPTION` naming the field. */
export function checkCacheOptions(cache: unknown, what: string): boolean | CacheOptions {
  if (typeof cache === "boolean") return cache;
  if (typeof cache !== "object" || cache === null)
    invalid(what, 'must be true, false or an object such as { version: "v1" }');
  for (const field of Object.keys(cache)) {
    if (!fields.includes(field)) invalid(what, `unknown field "${field}"; known: ${fields.join(", ")}`);
  }
  const options = cache as CacheOptions;
  if ("version" in options) checkVersion(options.version, what);
  if (options.ignore !== undefined && !isTexts(options.ignore))
    invalid(what, "ignore must be an array of argument names");
  if (options.key !== undefined && typeof options.key !== "function") invalid(what, "key must be a function");
  if (options.key !== undefined && options.ignore !== undefined) {
    invalid(what, "key and ignore exclude each other; leave out of the key what is to be ignored");
  }
  if (options.maxAge !== undefined) parseDuration(options.maxAge, `cache.maxAge of ${what}`);
  if (options.serialize !== undefined && typeof options.serialize !== "boolean")
    invalid(what, "serialize must be true or false");
  if (options.verify !== undefined && !isPart(options.verify)) invalid(what, "verify must be from 0 to 1");
  if (options.scope !== undefined && options.scope !== "namespace" && options.scope !== "pipeline") {
    invalid(what, 'scope must be "namespace" or "pipeline"');
  }
  return options;
}

function checkVersion(version: unknown, what: string): void {
  if (typeof version === "string" && version.trim() !== "") return;
  const given = typeof version === "string" ? "an empty text" : version === null ? "null" : typeof version;
  invalid(what, `a cached func needs a version that is a text, such as "v1", not ${given}; leave it out for "auto"`);
}

function isPart(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalid(what: string, why: string): never {
  throw new RepriseError("INVALID_OPTION", `cache of ${what}: ${why}.`);
}
