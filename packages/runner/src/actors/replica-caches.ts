import { RepriseError } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import { formatPlace } from "../source.ts";
import type { CacheStatistics } from "../workers/protocol.ts";
import { actorRegistry } from "./actor-registry.ts";

/** How the cached functions of this process do. */
export function cacheStatistics(): CacheStatistics[] {
  return Array.from(actorRegistry.tables.values(), (table) => table.statistics());
}

/**
 * Disposes of all values of all caches, in use or not: what was loaded last comes first, as it may use what was there
 * before. Never rejects: a `dispose` that throws is a warning of the process.
 */
export async function disposeCaches(): Promise<void> {
  const all = Array.from(actorRegistry.tables.values(), (table) => table.disposables).flat();
  for (const value of all.sort((a, b) => (a.order < b.order ? 1 : a.order > b.order ? -1 : 0))) await value.dispose();
}

/**
 * Warms a replica up: what `warmup` was given, one after the other.
 *
 * Rejects with `ACTOR_FAILED` if one of them throws, or if the program does not declare the environment.
 */
export async function runWarmups(name: string): Promise<void> {
  const actor = actorRegistry.environments.get(name);
  if (actor === undefined) {
    throw new RepriseError("ACTOR_FAILED", `The program of this replica declares no ActorEnvironment "${name}".`);
  }
  for (const { place, run } of actor.warmups) {
    try {
      await run();
    } catch (error) {
      throw new RepriseError(
        "ACTOR_FAILED",
        `The warm-up of actor "${name}" at ${formatPlace(place)} failed: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}

/**
 * User code is about to be loaded anew in this process: its declarations stand for those that there are, and its cached
 * functions find the values that are there.
 */
export function userCodeReloads(): void {
  actorRegistry.declared.clear();
}
