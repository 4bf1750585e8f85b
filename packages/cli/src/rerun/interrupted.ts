import { isPipelineFinished, type PipelineRun } from "@reprise/core";
import { type Backend, isProcessGone } from "@reprise/store";

/** Whether a pipeline run has not ended although nobody drives it any more, so that it can be resumed. */
export async function isInterrupted(
  backend: Backend,
  { id, state, origin }: Pick<PipelineRun, "id" | "state" | "origin">,
): Promise<boolean> {
  if (isPipelineFinished(state)) return false;
  const known = await backend.driverOf(id);
  return known === undefined ? isProcessGone(origin) : known.ended !== undefined;
}

/** The ids of those pipeline runs that are interrupted. */
export async function interruptedOf(backend: Backend, runs: readonly PipelineRun[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const run of runs) if (await isInterrupted(backend, run)) found.add(run.id);
  return found;
}
