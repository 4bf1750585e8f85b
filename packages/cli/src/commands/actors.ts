import { RepriseError } from "@reprise/core";
import { stopPools } from "@reprise/runner";
import { homePath } from "@reprise/store";
import { choosePools, poolsOf, shortPoolId } from "../actors/choose-pools.ts";
import { poolLines, poolTable } from "../actors/pool-lines.ts";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";

/** `reprise actors ls`: pools of actors that there are now. */
export const actorsLs: Command = async (invocation) => {
  const pools = await poolsOf(invocation);
  const output = outputOf(invocation.host);
  if (invocation.json) output.json({ pools });
  else if (pools.length > 0) output.lines(poolTable(pools, Date.now(), output));
  else output.lines(["No actor has a pool now: it is made by the first task, and ends `ttl` after the last."]);
  return 0;
};

/** `reprise actors show`: replicas, tasks, caches and events of pools. */
export const actorsShow: Command = async (invocation) => {
  const [text = ""] = invocation.command.positionals;
  const pools = choosePools(await poolsOf(invocation), text);
  const output = outputOf(invocation.host);
  if (invocation.json) output.json({ pools });
  else for (const pool of pools) output.lines([...poolLines(pool, Date.now(), output), ""]);
  return 0;
};

/** `reprise actors stop`: ends pools. */
export const actorsStop: Command = async (invocation) => {
  const { host, json, home, command } = invocation;
  const { positionals, values } = command;
  const [text] = positionals;
  if ((text === undefined) !== (values["all"] === true)) {
    throw new RepriseError("USAGE", "actors stop: name an actor or a pool, or give --all.");
  }
  const all = await poolsOf(invocation);
  const pools = text === undefined ? all : choosePools(all, text);
  const output = outputOf(host);
  if (!json && values["now"] !== true && pools.some(({ state }) => state === "active")) {
    host.stderr.write("Waiting for the bodies that execute; --now does not.\n");
  }
  const ids = [...new Set(pools.map(({ id }) => id))];
  if (ids.length > 0) await stopPools(homePath(home), ids, { now: values["now"] === true });
  if (json) output.json({ stopped: pools.map(({ id, name }) => ({ id, name })) });
  else if (pools.length === 0) output.lines(["No actor has a pool now; nothing is stopped."]);
  else output.lines(pools.map(({ id, name }) => `Stopped the pool ${shortPoolId(id)} of actor ${name}.`));
  return 0;
};
