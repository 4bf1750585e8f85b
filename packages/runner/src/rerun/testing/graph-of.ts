import type { Edge, Run } from "@reprise/core";
import type { Recorded } from "./lab.ts";

/** One run as it stands in the graph, without ids and times. */
export interface GraphNode {
  readonly func: string;
  readonly kind: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly options: unknown;
  readonly state: string;
  readonly output: string | null;
  readonly edges: readonly string[];
}

/**
 * Each run by its place: the root is "", its first call "/0". Calls of attempts before the last are left out, for a
 * re-run does not bring them back.
 */
export function placesOf({ runs }: Pick<Recorded, "runs">): ReadonlyMap<string, Run> {
  const places = new Map<string, Run>();
  const placeOf = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const run of runs) {
    const parent = runs.find(({ id }) => id === run.parentId);
    if (parent === undefined) {
      places.set("", run);
      placeOf.set(run.id, "");
      continue;
    }
    const above = placeOf.get(parent.id);
    if (above === undefined || run.parentAttempt !== parent.attempt) continue;
    const at = counts.get(above) ?? 0;
    counts.set(above, at + 1);
    places.set(`${above}/${at}`, run);
    placeOf.set(run.id, `${above}/${at}`);
  }
  return places;
}

/** The graph of a pipeline run: equal for two of them that have done the same in the same shape. */
export function graphOf(recorded: Pick<Recorded, "runs" | "edges">): Readonly<Record<string, GraphNode>> {
  const places = placesOf(recorded);
  const placeOf = new Map([...places].map(([place, { id }]) => [id, place]));
  return Object.fromEntries([...places].map(([place, run]) => [place, nodeOf(run, recorded, placeOf)]));
}

function nodeOf(run: Run, { edges }: Pick<Recorded, "edges">, placeOf: ReadonlyMap<string, string>): GraphNode {
  const { func, kind, name, tags, options, state, output } = run;
  const told = (edges.get(run.id) ?? []).map((edge) => tellEdge(edge, placeOf)).sort();
  return { func: func.id, kind, name, tags, options, state, output, edges: told };
}

function tellEdge(edge: Edge, placeOf: ReadonlyMap<string, string>): string {
  const { kind, argument, name, argumentPath, sourceRunId, sourcePath, artifactId } = edge;
  const source = sourceRunId === null ? "none" : (placeOf.get(sourceRunId) ?? "unknown");
  return [kind, argument, name, argumentPath, `from ${source}`, sourcePath, artifactId?.slice(0, 8) ?? ""].join(" | ");
}
