import type { Artifact, Attempt, Edge, LogLine, Metric, Run, RunEvent } from "@reprise/core";
import type { Backend, Home, PipelineRunSummary } from "@reprise/store";
import { isInterrupted } from "../rerun/interrupted.ts";

/** Everything that is recorded of a run, as `show` tells it. */
export interface RunStory {
  readonly run: Run;
  /** The pipeline run that it belongs to. */
  readonly pipelineRun: PipelineRunSummary | undefined;
  /** Whether that has not ended although nobody drives it any more. */
  readonly interrupted: boolean;
  /** The run and all runs below it. */
  readonly runs: readonly Run[];
  /** Names from the root down to the run itself. */
  readonly path: readonly string[];
  readonly edges: readonly Edge[];
  /** Runs that the edges name, by id. */
  readonly sources: ReadonlyMap<string, Run>;
  readonly output: Artifact | undefined;
  /** The run that computed the result, if it was reused and that run is still recorded. */
  readonly computedBy: Run | undefined;
  /** Of a re-run, the run from which it was re-run, if that is still recorded. */
  readonly rerunFrom: Run | undefined;
  /** Ids of runs that executed other code than their funcs had in the pipeline run that was run again. */
  readonly changedCode: ReadonlySet<string>;
  readonly attempts: readonly Attempt[];
  /** Events of this run; if it is the root, of the whole pipeline run. */
  readonly events: readonly RunEvent[];
  readonly metrics: readonly Metric[];
  readonly logLines: readonly LogLine[];
}

/** Reads the story of a run. */
export async function readStory({ backend }: Home, run: Run): Promise<RunStory> {
  const all = await backend.listRuns(run.rootId);
  const byId = new Map(all.map((other) => [other.id, other]));
  const isRoot = run.parentId === null;
  const [pipelineRun, edges, attempts, events, metrics, logLines, output, computedBy] = await Promise.all([
    backend.getPipelineRun(run.rootId),
    backend.edgesOf(run.id),
    backend.attemptsOf(run.id),
    backend.eventsOf(run.rootId),
    backend.metricsOf(run.id),
    backend.logsOf(run.id),
    run.output === null ? undefined : backend.getArtifact(run.output),
    run.cache.originRunId === null ? undefined : backend.getRun(run.cache.originRunId),
  ]);
  const rerun = pipelineRun?.rerun ?? undefined;
  return {
    run,
    pipelineRun,
    interrupted: pipelineRun !== undefined && (await isInterrupted(backend, pipelineRun)),
    runs: isRoot ? all : below(run, all),
    path: pathOf(run, byId),
    edges,
    sources: byId,
    output: output?.artifact,
    computedBy,
    rerunFrom: rerun === undefined ? undefined : await backend.getRun(rerun.runId),
    changedCode: rerun === undefined ? new Set() : await runsWithChangedCode(backend, rerun.rootId, all),
    attempts,
    // Where each of thousands of bodies executed is told with its own run.
    events: events.filter(({ runId, kind }) => runId === run.id || (isRoot && kind !== "place")),
    metrics,
    logLines,
  };
}

/** Runs whose func stands in no run of the original as it is now; of a func that was not there, nothing is said. */
async function runsWithChangedCode(
  backend: Backend,
  originalId: string,
  runs: readonly Run[],
): Promise<ReadonlySet<string>> {
  const original = await backend.readGraph(originalId);
  const sources = new Map<string, Set<string | null>>();
  for (const { func } of original?.runs ?? []) {
    const { id, source } = func.record;
    const known = sources.get(id);
    if (known === undefined) sources.set(id, new Set([source]));
    else known.add(source);
  }
  const changed = runs.filter(({ kind, startedAt, func: { id, source } }) => {
    if (kind === "map" || startedAt === null || source === null) return false;
    return sources.get(id)?.has(source) === false;
  });
  return new Set(changed.map(({ id }) => id));
}

function below(top: Run, all: readonly Run[]): Run[] {
  const ids = new Set([top.id]);
  // A parent was created before its children.
  for (const run of all) if (run.parentId !== null && ids.has(run.parentId)) ids.add(run.id);
  return all.filter((run) => ids.has(run.id));
}

function pathOf(run: Run, byId: ReadonlyMap<string, Run>): string[] {
  const path: string[] = [];
  for (let at: Run | undefined = run; at !== undefined; at = at.parentId === null ? undefined : byId.get(at.parentId)) {
    path.unshift(at.name);
  }
  return path;
}
