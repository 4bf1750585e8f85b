import { hostname } from "node:os";
import { isPipelineFinished, pipelineStates } from "@reprise/core";
import { openHome, openHomeForReading } from "@reprise/store";

/** Whose pipeline runs to end. */
export interface OrphanOptions {
  readonly home: string | undefined;
  /** Process id of the driver. */
  readonly pid: number;
  /** Pipeline runs that are known to be its own. */
  readonly ids: Iterable<string>;
  readonly reason: string;
}

/** Loads what a query needs. */
export async function prepare(): Promise<void> {
  await using store = await openHomeForReading();
  await store.backend.listPipelineRuns({ limit: 1 }).catch(() => []);
}

/**
 * Marks what a driver that is gone left unfinished as CANCELED. Gives the ids of those pipeline runs of it that the store knows.
 *
 * The driver may have died before it could tell which pipeline run it had begun, so the newest ones are looked through for
 * its process id.
 */
export async function markCanceled({ home, pid, ids, reason }: OrphanOptions): Promise<readonly string[]> {
  await using store = await openHome(home === undefined ? {} : { path: home });
  const { backend } = store;
  const known: string[] = [];
  const end = async (id: string) => {
    if ((await backend.getPipelineRun(id)) === undefined) return;
    known.push(id);
    await backend.cancelPipelineRun(id, reason, Date.now());
  };
  for (const id of ids) await end(id);
  for (const state of pipelineStates) {
    if (isPipelineFinished(state)) continue;
    for (const run of await backend.listPipelineRuns({ state, limit: 100 })) {
      if (run.origin.pid === pid && run.origin.host === hostname()) await end(run.id);
    }
  }
  return known;
}
