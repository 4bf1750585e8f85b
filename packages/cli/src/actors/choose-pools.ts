import { RepriseError } from "@reprise/core";
import { listPools, type PoolState } from "@reprise/runner";
import { homePath } from "@reprise/store";
import type { Invocation } from "../host.ts";
import { didYouMean } from "../suggest.ts";

/** The pools of the home of a command. */
export function poolsOf({ home }: Pick<Invocation, "home">): Promise<readonly PoolState[]> {
  return listPools(homePath(home));
}

/**
 * The pools that a text names: those of the actor of that name, or the one whose id begins so.
 *
 * @throws RepriseError `ACTOR_NOT_FOUND`.
 */
export function choosePools(pools: readonly PoolState[], text: string): readonly PoolState[] {
  const named = pools.filter(({ name }) => name === text);
  if (named.length > 0) return named;
  const found = /^[0-9a-f]{4,64}$/i.test(text) ? pools.filter(({ id }) => id.startsWith(text.toLowerCase())) : [];
  if (found.length > 0) return found;
  const hint =
    pools.length === 0
      ? "No actor has a pool now: it is made by the first task, and ends `ttl` after the last."
      : `\`reprise actors ls\` lists those that there are.${didYouMean(
          text,
          pools.map(({ name }) => name),
        )}`;
  throw new RepriseError("ACTOR_NOT_FOUND", `There is no pool of an actor "${text}". ${hint}`);
}

/** The short form of the id of a pool: its first digits, because it is a hash. */
export function shortPoolId(id: string): string {
  return id.slice(0, 8);
}
