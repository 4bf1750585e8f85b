import {
  type Duration,
  parseDuration,
  parseRetry,
  RepriseError,
  type RetryOptions,
  type RetryPolicy,
} from "@reprise/core";
import { type CacheOptions, checkCacheOptions } from "./cache-options.ts";
import { checkResources, type Resources } from "./resources.ts";

/** What `$set` may change for one call. Fields that are not given stay as the func has them. */
export interface CallOptions {
  /** Name of this run, for people. Default: the func's name. */
  readonly name?: string | undefined;
  /** Tags of this run. */
  readonly tags?: readonly string[] | undefined;
  /** Whether and how the result may be reused. */
  readonly cache?: boolean | CacheOptions | undefined;
  /** Run in a process or pod of its own. */
  readonly standalone?: boolean | undefined;
  /** Longest time from SCHEDULED to the end, children and queueing included. */
  readonly timeout?: Duration | undefined;
  /** What to do when the body fails. */
  readonly retry?: RetryOptions | undefined;
  /** What a standalone run asks of the machine. */
  readonly resources?: Resources | undefined;
}

/** Call options after validation: times in milliseconds. */
export interface ParsedOptions {
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly cache?: boolean | CacheOptions;
  readonly standalone?: boolean;
  readonly timeout?: number;
  readonly retry?: RetryPolicy;
  readonly resources?: Resources;
}

const fields: readonly (keyof CallOptions)[] = ["name", "tags", "cache", "standalone", "timeout", "retry", "resources"];

/**
 * Validates the options of a func or of a call.
 *
 * @param what names the func in errors.
 * @throws RepriseError `INVALID_OPTION` naming field and func.
 */
export function parseCallOptions(options: CallOptions, what: string): ParsedOptions {
  if (typeof options !== "object" || options === null) invalid(what, "options must be an object");
  for (const field of Object.keys(options)) {
    if (!(fields as readonly string[]).includes(field)) {
      invalid(what, `unknown option "${field}"; known: ${fields.join(", ")}`);
    }
  }
  const { name, tags, cache, standalone, timeout, retry, resources } = options;
  return {
    ...(name === undefined ? {} : { name: checkName(name, what) }),
    ...(tags === undefined ? {} : { tags: checkTags(tags, what) }),
    ...(cache === undefined ? {} : { cache: checkCacheOptions(cache, what) }),
    ...(standalone === undefined ? {} : { standalone: checkBoolean(standalone, "standalone", what) }),
    ...(timeout === undefined ? {} : { timeout: parseDuration(timeout, `timeout of ${what}`) }),
    ...(retry === undefined ? {} : { retry: parseRetry(retry, what) }),
    ...(resources === undefined ? {} : { resources: checkResources(resources, what) }),
  };
}

function checkName(name: unknown, what: string): string {
  if (typeof name !== "string" || name.trim() === "") invalid(what, "name must be a text that is not empty");
  return name;
}

function checkTags(tags: unknown, what: string): readonly string[] {
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== "string" || tag === "")) {
    invalid(what, "tags must be an array of texts that are not empty");
  }
  return [...new Set(tags as string[])];
}

function checkBoolean(value: unknown, field: string, what: string): boolean {
  if (typeof value !== "boolean") invalid(what, `${field} must be true or false`);
  return value;
}

function invalid(what: string, why: string): never {
  throw new RepriseError("INVALID_OPTION", `${what}: ${why}.`);
}
