import type { Edge, Run } from "@reprise/core";
import type { Home } from "@reprise/store";
import { RunFailure } from "../index.ts";

/** What is recorded of a pipeline run, by names that are the same each time it runs: ids and times left out. */
export type Shape = Readonly<Record<string, unknown>>;

/**
 * Reads a pipeline run's shape. Two that did the same have the same, in whatever order and however often interrupted.
 *
 * What a cached run called, and whether it executed, depends on what the cache had, so that is left out.
 */
export async function readShape({ backend, artifacts }: Home, rootId: string): Promise<Shape> {
  const runs = await backend.listRuns(rootId);
  const edges = new Map<string, readonly Edge[]>();
  for (const { id } of runs) edges.set(id, await backend.edgesOf(id));
  const values = new Map<string, string>();
  const valueOf = async (id: string | null): Promise<string | null> => {
    if (id === null) return null;
    const known = values.get(id) ?? describe(id, await artifacts.read(id));
    values.set(id, known);
    return known;
  };
  const names = await nameRuns(runs, edges, valueOf);
  const shape: Record<string, unknown> = {};
  for (const run of runs) {
    const name = names.get(run.id) as string;
    if (isBelowCached(name)) continue;
    const common = { name: run.name, tags: run.tags, state: run.state, output: await valueOf(run.output) };
    if (isCached(run)) {
      shape[name] = common;
      continue;
    }
    const attempts = await backend.attemptsOf(run.id);
    const arrows: string[] = [];
    for (const { kind, argument, argumentPath, sourcePath, sourceRunId, artifactId } of edges.get(run.id) ?? []) {
      const source = names.get(sourceRunId ?? "") ?? "nothing";
      arrows.push(`${kind} ${argument}${argumentPath} from ${source}${sourcePath}: ${await valueOf(artifactId)}`);
    }
    shape[name] = {
      ...common,
      attempt: run.attempt,
      options: run.options,
      failure: run.failure?.message,
      awaited: run.awaited,
      ran: run.ranAt !== null,
      attempts: attempts.map(({ attempt, failure }) => `${attempt} ${failure.message}`),
      edges: arrows,
    };
  }
  return shape;
}

const cachedMark = "cached";

function isCached({ cache, options }: Run): boolean {
  return cache.key !== null || options?.["cache"] === true;
}

function isBelowCached(name: string): boolean {
  return name.includes(`${cachedMark}/`);
}

/** Each run by its parent's name, the parent's attempt, func and arguments, and its number among those that are equal. */
async function nameRuns(
  runs: readonly Run[],
  edges: ReadonlyMap<string, readonly Edge[]>,
  valueOf: (id: string | null) => Promise<string | null>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const taken = new Map<string, number>();
  for (const run of runs) {
    const inputs = (edges.get(run.id) ?? []).filter(({ kind, artifactId }) => kind === "data" && artifactId !== null);
    const values = await Promise.all(inputs.map(({ artifactId }) => valueOf(artifactId)));
    const above = run.parentId === null ? "" : `${names.get(run.parentId)}/${run.parentAttempt} `;
    const base = `${above}${run.func.id}${run.kind === "map" ? ".map" : ""}(${values.join(", ")})`;
    const number = (taken.get(base) ?? 0) + 1;
    taken.set(base, number);
    names.set(run.id, `${base}${number > 1 ? ` ${number}` : ""}${isCached(run) ? ` ${cachedMark}` : ""}`);
  }
  return names;
}

/** A value by its digest. A failure in a map's result holds the id of its run, so such a value is written out. */
function describe(id: string, value: unknown): string {
  if (!Array.isArray(value) || !value.some((part) => part instanceof RunFailure)) return id.slice(0, 12);
  return value.map((part) => (part instanceof RunFailure ? `failed: ${part.failure.message}` : String(part))).join("+");
}
