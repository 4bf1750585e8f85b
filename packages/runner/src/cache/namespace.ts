import { RepriseError } from "@reprise/core";
import type { Future } from "../future-types.ts";
import { isThenable } from "../maybe-promise.ts";

/** A namespace of cache entries, or a function that makes one from the root future of a pipeline run. */
export type CacheNamespace = string | ((root: Future<unknown>) => string | Promise<string>);

/** The namespace unless somebody says otherwise. */
export const defaultNamespace = "default";

/** So long, in ms, a pipeline run waits for its namespace. */
const patience = 30_000;

/** Validates the option `cacheNamespace`. @throws RepriseError `INVALID_OPTION`. */
export function checkNamespace(namespace: unknown, what: string): CacheNamespace {
  if (typeof namespace === "function") return namespace as CacheNamespace;
  if (typeof namespace === "string" && namespace.trim() !== "") return namespace;
  throw new RepriseError(
    "INVALID_OPTION",
    `${what}: cacheNamespace must be a text that is not empty, or a function of the root future that gives one.`,
  );
}

/** The namespace of one pipeline run. Rejects, or throws, with the reason why there is none. */
export function resolveNamespace(namespace: CacheNamespace, root: Future<unknown>): string | Promise<string> {
  if (typeof namespace === "string") return namespace;
  const given: unknown = namespace(root);
  return isThenable(given) ? inTime(Promise.resolve(given)) : checked(given);
}

async function inTime(given: Promise<unknown>): Promise<string> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it gave none within ${patience / 1000} s`)), patience);
  try {
    return checked(await Promise.race([given, late]));
  } finally {
    clearTimeout(timer);
  }
}

function checked(namespace: unknown): string {
  if (typeof namespace === "string" && namespace.trim() !== "") return namespace;
  throw new Error(`it gave ${typeof namespace === "string" ? "an empty text" : typeof namespace} and not a text`);
}
