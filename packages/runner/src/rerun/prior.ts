import type { RerunAction, ResumeAction } from "@reprise/core";
import type { RecordedGraph, RecordedRun } from "@reprise/store";

/** A recorded run with what a plan makes of it. */
export interface Prior {
  readonly run: RecordedRun;
  readonly action: RerunAction | ResumeAction;
  /** Whether the pipeline run is re-run from this run. */
  readonly isTarget: boolean;
  /** Whether it takes part only if a body that executes again makes the call again. */
  readonly ifCalled: boolean;
  /** The recorded calls of its last attempt that the plan does not drop, in order of creation. */
  readonly children: readonly Prior[];
}

/** What a plan says of a run. */
interface Planned extends Pick<Prior, "action" | "ifCalled"> {
  readonly reason?: { readonly type: string };
}

/** The recorded runs with what a plan makes of them, from the root. */
export function priorsOf({ runs }: RecordedGraph, plan: ReadonlyMap<string, Planned>): Prior {
  const priors = new Map<string, Prior & { readonly children: Prior[] }>();
  for (const run of runs) {
    const { action, ifCalled, reason } = plan.get(run.id) as Planned;
    if (action === "drop") continue;
    const prior = { run, action, isTarget: reason?.type === "target", ifCalled, children: [] };
    priors.set(run.id, prior);
    const parent = priors.get(run.parentId ?? "");
    // What an earlier attempt had called stays in the record of a pipeline run that goes on, but answers nobody.
    if (parent === undefined || (action === "keep" && run.parentAttempt !== parent.run.attempt)) continue;
    parent.children.push(prior);
  }
  const [root] = runs;
  return priors.get(root?.id ?? "") as Prior;
}

/** A map whose items were given as an array: they are known from its elements alone. */
export function hasGivenItems({ kind, edges }: RecordedRun): boolean {
  return kind === "map" && !edges.some((edge) => edge.kind === "data" || edge.kind === "template");
}
