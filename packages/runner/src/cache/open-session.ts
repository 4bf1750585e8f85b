import type { Home } from "@reprise/store";
import { CacheSession, type CacheSessionOptions } from "./cache-session.ts";
import { keyMakerOf } from "./key-makers.ts";

/** Opens the cache of a home for one pipeline run. */
export function openSession(
  home: Home,
  options: Omit<CacheSessionOptions, "store" | "artifacts" | "keys">,
): CacheSession {
  return new CacheSession({ ...options, store: home.cache, artifacts: home.artifacts, keys: keyMakerOf(home) });
}
