import type { GraphRun } from "@reprise/core";
import type { RecordedGraph, RecordedRun } from "@reprise/store";

/** What plans for re-running and resuming need to know of the runs of a recorded pipeline run, in order of creation. */
export function graphRunsOf({ runs }: RecordedGraph): GraphRun[] {
  return runs.map(graphRunOf);
}

function graphRunOf(run: RecordedRun): GraphRun {
  const { id, parentId, kind, state, attempt, parentAttempt, awaited, edges } = run;
  const sources = new Set<string>();
  let hasArguments = false;
  for (const { kind: edgeKind, sourceRunId } of edges) {
    if (edgeKind === "data" || edgeKind === "template") hasArguments = true;
    if (sourceRunId !== null && (edgeKind === "data" || edgeKind === "order")) sources.add(sourceRunId);
  }
  const returned = run.ranAt !== null;
  return { id, parentId, kind, state, attempt, parentAttempt, awaited, returned, hasArguments, sources: [...sources] };
}
