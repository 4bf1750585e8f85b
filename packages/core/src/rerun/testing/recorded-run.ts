import type { GraphRun } from "../graph-run.ts";

/** What a test says of a recorded run; the rest is as for a run that succeeded at once. */
export interface RecordedOptions extends Partial<Omit<GraphRun, "id" | "parentId" | "sources">> {
  /** Ids of its sources. */
  readonly needs?: readonly string[];
}

/** A run as it was recorded; without a parent a root. */
export function recorded(id: string, parentId: string | null = null, options: RecordedOptions = {}): GraphRun {
  const { needs, ...said } = options;
  const state = said.state ?? "RESOLVED";
  const kind = said.kind ?? "func";
  return {
    id,
    parentId,
    kind,
    state,
    attempt: state === "CREATED" ? 0 : 1,
    parentAttempt: parentId === null ? 0 : 1,
    awaited: false,
    returned: state === "RESOLVED" || state === "RAN",
    hasArguments: kind === "func",
    sources: needs ?? [],
    ...said,
  };
}

/** What a plan does with every run, by id, in a few letters: `reset`, `clone if called`. */
export function actionsOf(
  plan: ReadonlyMap<string, { readonly action: string; readonly ifCalled: boolean }>,
): Record<string, string> {
  const words = [...plan].map(([id, { action, ifCalled }]) => [id, ifCalled ? `${action} if called` : action]);
  return Object.fromEntries(words) as Record<string, string>;
}
