import { isPipelineFinished, type PipelineRun } from "@reprise/core";
import { stillDriven } from "@reprise/runner";
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

/**
 * What a living driver still writes cannot be taken up. The runner says so, too; but here it is said before any code is looked
 * for, which may not be kept yet.
 *
 * @throws RepriseError with that code.
 */
export async function checkDriver(
  backend: Backend,
  run: PipelineRun,
  code: "RERUN_REFUSED" | "DRIVER_ALIVE",
): Promise<void> {
  if (isPipelineFinished(run.state)) return;
  const known = await backend.driverOf(run.id);
  if (known === undefined || known.ended !== undefined) return;
  throw stillDriven(code, run.id, known.driver);
}
