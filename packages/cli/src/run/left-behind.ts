import { hostname } from "node:os";
import { isPipelineFinished, pipelineStates } from "@reprise/core";
import { type Home, openHome, openHomeForReading, type PipelineRunSummary } from "@reprise/store";

/** A driver whose pipeline runs are looked for. */
export interface DriverTraces {
  readonly home: string | undefined;
  /** Process id of the driver. */
  readonly pid: number;
  /** When it was started, in milliseconds since 1970 UTC: an earlier process may have had the same id. */
  readonly startedAt: number;
  /** Pipeline runs that are known to be its own. */
  readonly ids: Iterable<string>;
}

/** What a driver left in the store. */
export interface LeftBehind {
  /** Ids of its pipeline runs that are recorded. */
  readonly recorded: readonly string[];
  /** Those of them that have not ended. */
  readonly unfinished: readonly string[];
}

/** Systems tell only roughly when a process was started; in milliseconds. */
const tolerance = 10_000;

/** Loads what a query needs. */
export async function prepare(): Promise<void> {
  await using store = await openHomeForReading();
  await store.backend.listPipelineRuns({ limit: 1 }).catch(() => []);
}

/** Reads what a driver that is gone left behind. */
export async function readLeftBehind(traces: DriverTraces): Promise<LeftBehind> {
  await using store = await openHomeForReading(at(traces));
  const runs = await runsOf(store, traces);
  const ids = (some: readonly PipelineRunSummary[]) => some.map(({ id }) => id);
  return { recorded: ids(runs), unfinished: ids(runs.filter(({ state }) => !isPipelineFinished(state))) };
}

/** Marks what a driver that is gone, or that does not listen, left unfinished as CANCELED. Gives the ids that are recorded. */
export async function markCanceled(traces: DriverTraces, reason: string): Promise<readonly string[]> {
  await using store = await openHome(at(traces));
  const runs = await runsOf(store, traces);
  for (const { id } of runs) await store.backend.cancelPipelineRun(id, reason, Date.now());
  return runs.map(({ id }) => id);
}

/**
 * The driver may have died before it could tell which pipeline run it had begun, so the newest ones that have not ended
 * are looked through for its process.
 */
async function runsOf({ backend }: Home, { pid, startedAt, ids }: DriverTraces): Promise<PipelineRunSummary[]> {
  const found = new Map<string, PipelineRunSummary>();
  for (const id of ids) {
    const run = await backend.getPipelineRun(id);
    if (run !== undefined) found.set(id, run);
  }
  for (const state of pipelineStates) {
    if (isPipelineFinished(state)) continue;
    for (const run of await backend.listPipelineRuns({ state, limit: 100 })) {
      const { driver } = (await backend.driverOf(run.id)) ?? { driver: run.origin };
      const isSame = driver.pid === pid && driver.host === hostname();
      if (isSame && driver.processStartedAt >= startedAt - tolerance) found.set(run.id, run);
    }
  }
  return [...found.values()];
}

function at({ home }: DriverTraces): { readonly path?: string } {
  return home === undefined ? {} : { path: home };
}
