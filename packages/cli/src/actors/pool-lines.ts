import { formatDuration } from "@reprise/core";
import type { PoolState } from "@reprise/runner";
import { formatAge } from "../cache/entry-texts.ts";
import type { Output } from "../output.ts";
import type { StateLook } from "../tree/state-words.ts";
import { tableLines } from "../values/table.ts";
import { formatBytes, formatWhen } from "../when.ts";
import { shortPoolId } from "./choose-pools.ts";

type Replica = PoolState["replicas"][number];

const poolLooks: { readonly [State in PoolState["state"]]: StateLook } = {
  active: { glyph: "●", word: "active", style: "cyan" },
  idle: { glyph: "○", word: "idle", style: "gray" },
  draining: { glyph: "◐", word: "ending", style: "yellow" },
};

const replicaLooks: { readonly [State in Replica["state"]]: StateLook } = {
  ready: { glyph: "✔", word: "ready", style: "green" },
  starting: { glyph: "◌", word: "starting", style: "blue" },
  ending: { glyph: "◐", word: "ending", style: "yellow" },
};

/** So many of the latest events are shown. */
const shownEvents = 15;

/** Pools as a table. */
export function poolTable(pools: readonly PoolState[], now: number, { paint, width }: Output): string[] {
  const rows = pools.map((pool) => {
    const look = poolLooks[pool.state];
    const { replicas, concurrency } = pool.definition;
    const tasks = pool.replicas.reduce((sum, one) => sum + one.tasks.length, 0);
    return [
      shortPoolId(pool.id),
      pool.name,
      paint(look.style, `${look.glyph} ${look.word}`),
      `${pool.replicas.length} of ${replicas.max}`,
      `${tasks} of ${replicas.max * concurrency}`,
      pool.queued === 0 ? "" : paint("yellow", String(pool.queued)),
      formatAge(pool.createdAt, now),
      pool.state === "active" ? "now" : `${formatAge(pool.lastUsedAt, now)} ago`,
    ];
  });
  const titles = ["pool", "actor", "state", "replicas", "tasks", "waiting", "age", "used"];
  const right = new Set(["replicas", "tasks", "waiting"]);
  const columns = titles.map((title) => ({ title, align: right.has(title) ? ("right" as const) : ("left" as const) }));
  return tableLines({ columns, rows }, width, paint);
}

/** All of a pool. */
export function poolLines(pool: PoolState, now: number, output: Output): string[] {
  const { paint } = output;
  const look = poolLooks[pool.state];
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["Replicas", replicaLines(pool, now, output)],
    ["Tasks", taskLines(pool, now, output)],
    ["Caches", cacheLines(pool, output)],
    [
      "Events",
      pool.events.slice(-shownEvents).map(({ time, text }) => `${paint("dim", formatWhen(time, now))}  ${text}`),
    ],
  ];
  const lines = [
    `${paint(look.style, `${look.glyph} ${look.word}`)}  ${paint("bold", pool.name)}  ${paint("dim", pool.id)}`,
    ...definitionLines(pool, now),
  ];
  for (const [title, body] of sections) {
    if (body.length > 0) lines.push("", paint("bold", title), ...body.flatMap(indented));
  }
  return lines;
}

function definitionLines({ definition, codeVersion, createdAt, lastUsedAt, queued, state }: PoolState, now: number) {
  const { replicas, concurrency, ttl, isolation, env, resources } = definition;
  const used = state === "active" ? "in use" : `last used ${formatAge(lastUsedAt, now)} ago`;
  return [
    `${replicas.min} to ${replicas.max} replicas × ${concurrency}, ttl ${formatDuration(ttl)}, isolation ${isolation}` +
      (resources?.memory === undefined ? "" : `, memory ${resources.memory}`),
    `code ${codeVersion.slice(0, 12)}, made ${formatAge(createdAt, now)} ago, ${used}${queued === 0 ? "" : `, ${queued} waiting`}`,
    ...(env.length === 0 ? [] : [`environment variables: ${env.join(", ")}`]),
  ];
}

function replicaLines({ replicas, definition }: PoolState, now: number, { paint, width }: Output): string[] {
  if (replicas.length === 0) return [];
  const rows = replicas.map(({ id, pid, state, tasks, tasksDone, memory, startedAt }) => {
    const look = replicaLooks[state];
    return [
      id,
      paint(look.style, `${look.glyph} ${look.word}`),
      pid === 0 ? "" : String(pid),
      `${tasks.length} of ${definition.concurrency}`,
      String(tasksDone),
      memory === null ? "" : formatBytes(memory),
      formatAge(startedAt, now),
    ];
  });
  return table(["replica", "state", "process", "tasks", "done", "memory", "age"], 2, rows, paint, width);
}

function taskLines({ replicas }: PoolState, now: number, { paint, width }: Output): string[] {
  const rows = replicas.flatMap(({ id, tasks }) =>
    tasks.map(({ label, startedAt }) => [
      id,
      label,
      startedAt === null ? "not begun" : `for ${formatAge(startedAt, now)}`,
    ]),
  );
  return rows.length === 0 ? [] : table(["replica", "run", ""], 3, rows, paint, width);
}

function cacheLines({ replicas }: PoolState, { paint, width }: Output): string[] {
  const rows = replicas.flatMap(({ id, caches }) =>
    caches.map(({ name, entries, hits, misses, failures, evictions, loadTime }) => [
      id,
      name,
      ...[entries, hits, misses, failures, evictions].map((count) => count.toLocaleString("en-US")),
      formatDuration(loadTime),
    ]),
  );
  const titles = ["replica", "cache", "entries", "hits", "misses", "failed", "evicted", "loading took"];
  return rows.length === 0 ? [] : table(titles, 2, rows, paint, width);
}

/** A table whose columns from `right` on are numbers. */
function table(
  titles: readonly string[],
  right: number,
  rows: readonly (readonly string[])[],
  paint: Output["paint"],
  width: number,
): string[] {
  const columns = titles.map((title, at) => ({ title, align: at < right ? ("left" as const) : ("right" as const) }));
  return tableLines({ columns, rows }, width - 2, paint);
}

function indented(text: string): string[] {
  return text.split("\n").map((line) => `  ${line}`);
}
