import { findSupervisor } from "./supervisor-client.ts";
import type { FromSupervisor, PoolState, ToSupervisor } from "./supervisor-protocol.ts";

/**
 * The pools of actors of a home, as they are now; none if no supervisor executes. Nothing is started.
 *
 * Rejects with `ACTOR_FAILED` if the supervisor does not answer, or cannot be trusted.
 *
 * @param home folder of the home.
 * @example
 * ```ts
 * for (const { name, replicas, queued } of await listPools(homePath())) console.log(name, replicas.length, queued);
 * ```
 */
export async function listPools(home: string): Promise<readonly PoolState[]> {
  const read = (answer: FromSupervisor) => (answer.type === "pools" ? answer.pools : undefined);
  return (await ask(home, [{ type: "list" }], read))[0] ?? [];
}

/** How to stop pools. */
export interface StopOptions {
  /** Whether bodies that execute are told to stop, and are lost, instead of being waited for. */
  readonly now: boolean;
}

/**
 * Stops pools of actors: they take no new tasks, and end, with what is in their caches, when those that they have are over.
 * A task that comes meanwhile makes a new pool. Resolves when all their processes have ended.
 *
 * Rejects with `ACTOR_FAILED` if the supervisor does not answer, or cannot be trusted.
 *
 * @param home folder of the home.
 * @param ids of the pools, as {@link listPools} gives them.
 */
export async function stopPools(home: string, ids: readonly string[], { now }: StopOptions): Promise<void> {
  const read = (answer: FromSupervisor) => (answer.type === "stopped" ? answer.pools : undefined);
  const messages = ids.map((pool) => ({ type: "stop", pool, now }) as const);
  await ask(home, messages, read);
}

/** Sends messages, and resolves with as many answers; with none if there is no supervisor, or none any more. */
async function ask<T>(
  home: string,
  messages: readonly ToSupervisor[],
  read: (answer: FromSupervisor) => T | undefined,
): Promise<readonly T[]> {
  const found = await findSupervisor(home);
  if (found === undefined) return [];
  const { channel } = found;
  const { promise, resolve, reject } = Promise.withResolvers<readonly T[]>();
  const answers: T[] = [];
  // One that ends by itself does so because it has no pools any more.
  channel.onClose((error) => (error === undefined ? resolve([]) : reject(error)));
  channel.onMessage((message) => {
    const answer = read(message);
    if (answer !== undefined && answers.push(answer) === messages.length) resolve(answers);
  });
  for (const message of messages) channel.send(message);
  try {
    return await promise;
  } finally {
    channel.close();
  }
}
