import {
  type Attempt,
  encode,
  isFinished,
  isPipelineFinished,
  planRerun,
  planResume,
  RepriseError,
  type RerunMode,
  type RerunOrigin,
} from "@reprise/core";
import {
  type DriverLease,
  type Home,
  type RecordedGraph,
  type RecordedRun,
  type RunRef,
  thisProcess,
} from "@reprise/store";
import type { Call } from "../call.ts";
import { argumentLabel, funcRegistry } from "../func-definition.ts";
import { formatPlace } from "../source.ts";
import type { PipelineTracker } from "../pipeline-tracker.ts";
import type { Recorder } from "../recorder.ts";
import type { ArtifactValues } from "../stored-values.ts";
import type { EngineReplay, ReplayEngine } from "./engine-replay.ts";
import { graphRunsOf } from "./graph-runs.ts";
import { type Prior, priorsOf } from "./prior.ts";
import { RecordKeeper } from "./record-keeper.ts";
import { Replay } from "./replay.ts";
import { stillDriven } from "./still-driven.ts";

/** A recorded pipeline run that is to be re-run or to go on. */
export interface Recording {
  readonly graph: RecordedGraph;
  readonly root: Prior;
  /** Runs that the plan drops. */
  readonly dropped: readonly RecordedRun[];
  /** The failed attempts of runs that have not ended. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
  /** What a new pipeline run says of where it came from; null if the pipeline run itself goes on. */
  readonly origin: RerunOrigin | null;
  /** The right to write the pipeline run that goes on; null for a new one. */
  readonly lease: DriverLease | null;
  /** Lets it take part in an engine. */
  readonly play: (parts: RecordingParts) => (engine: ReplayEngine) => EngineReplay;
}

/** What a recording needs of the pipeline run in which it takes part. */
export interface RecordingParts {
  readonly recorder: Recorder;
  readonly tracker: PipelineTracker;
  readonly values: ArtifactValues;
  /** The row of the pipeline run. */
  readonly row: RunRef;
}

function playing(recording: Omit<Recording, "play">): Recording {
  const play: Recording["play"] =
    ({ recorder, tracker, values, row }) =>
    (engine) => {
      const keeper = new RecordKeeper({ recorder, tracker, root: row });
      return new Replay({ ...recording, goesOn: recording.lease !== null, values, tracker, keeper, engine });
    };
  return { ...recording, play };
}

/**
 * Makes ready to re-run a pipeline run.
 *
 * @param root the call of its root func that the runner was given.
 * @throws RepriseError `RUN_NOT_FOUND`, `RERUN_REFUSED`, `FUNC_NOT_FOUND`, `ARTIFACT_NOT_FOUND`.
 */
export async function openRerun(
  home: Home,
  root: Call,
  { from, mode, code }: { readonly from: string; readonly mode: RerunMode; readonly code: RerunOrigin["code"] },
): Promise<Recording> {
  const target = await home.backend.getRun(from);
  const graph = target === undefined ? undefined : await home.backend.readGraph(target.rootId);
  if (graph === undefined) throw unknownRun(home, from, "re-run");
  await refuseLiving(home, graph);
  checkFunc(root, graph);
  const plan = planRerun(graphRunsOf(graph), { mode, target: from });
  const prior = priorsOf(graph, plan);
  if (!prior.isTarget) checkArguments(root, graph, "To change the input, re-run from the root.");
  checkProgram(prior);
  await checkInputs(home, graph, prior);
  const origin = { rootId: graph.pipelineRun.id, runId: from, mode, code };
  return playing({ graph, root: prior, dropped: [], attempts: new Map(), origin, lease: null });
}

/**
 * Makes this process the driver of a pipeline run whose driver is gone.
 *
 * @throws RepriseError `RUN_NOT_FOUND`, `RUN_FINISHED`, `DRIVER_ALIVE`, `RERUN_REFUSED`, `FUNC_NOT_FOUND`,
 *   `ARTIFACT_NOT_FOUND`.
 */
export async function openResume(home: Home, root: Call, id: string): Promise<Recording> {
  const { backend } = home;
  const before = await backend.readGraph(id);
  if (before === undefined || before.runs.length === 0) throw await notResumable(home, id);
  if (isPipelineFinished(before.pipelineRun.state)) throw finished(id, before.pipelineRun.state);
  // Nothing is taken over that could not go on.
  checkFunc(root, before);
  checkArguments(root, before, "A pipeline run goes on with the input that it was started with.");
  checkProgram(planned(before).root);
  await checkInputs(home, before, planned(before).root);
  const taken = await backend.takeOver(id, thisProcess());
  if (taken.type === "unknown") throw unknownRun(home, id, "resume");
  if (taken.type === "finished") throw finished(id, taken.state);
  if (taken.type === "alive") throw stillDriven("DRIVER_ALIVE", id, taken.driver);
  // Its last driver may have written until it was replaced.
  const graph = (await backend.readGraph(id)) as RecordedGraph;
  const attempts = new Map<string, readonly Attempt[]>();
  for (const { id: run, state, attempt } of graph.runs) {
    if (state === "RETRYING" || (attempt > 1 && !isFinished(state))) attempts.set(run, await backend.attemptsOf(run));
  }
  root.takeId(graph.root.uuid);
  return playing({ ...planned(graph), graph, attempts, origin: null, lease: { ...taken.lease, root: graph.root } });
}

function planned(graph: RecordedGraph): Pick<Recording, "root" | "dropped"> {
  const plan = planResume(graphRunsOf(graph));
  const dropped = graph.runs.filter(({ id, state }) => plan.get(id)?.action === "drop" && !isFinished(state));
  return { root: priorsOf(graph, plan), dropped };
}

/** What a living driver still writes cannot be taken over. */
async function refuseLiving({ backend }: Home, { pipelineRun }: RecordedGraph): Promise<void> {
  const { id, state } = pipelineRun;
  if (isPipelineFinished(state)) return;
  const known = await backend.driverOf(id);
  if (known === undefined || known.ended !== undefined) return;
  throw stillDriven("RERUN_REFUSED", id, known.driver);
}

function checkFunc({ definition }: Call, { pipelineRun, runs }: RecordedGraph): void {
  const { id, funcId } = pipelineRun;
  const kind = runs[0]?.kind ?? "func";
  if (definition.kind === kind && definition.id === funcId) return;
  const words = { func: "a call", map: "a map" };
  throw new RepriseError(
    "RERUN_REFUSED",
    `Pipeline run ${id} is of ${words[kind]} of func "${funcId}", but the runner was given ${words[definition.kind]} of func "${definition.id}". Give it ${words[kind]} of "${funcId}".`,
  );
}

/** Arguments that are given have to be the recorded ones: they would be ignored otherwise. */
function checkArguments(root: Call, graph: RecordedGraph, remedy: string): void {
  const { given = [], definition } = root;
  const { id } = graph.pipelineRun;
  if (root.map !== undefined) {
    const at = otherItem(root, graph);
    if (at === -1) return;
    const what = `item ${at + 1} of the map of func "${definition.id}"`;
    throw new RepriseError("RERUN_REFUSED", `${what} is not what pipeline run ${id} was given. ${remedy}`);
  }
  const at = given.length === 0 ? -1 : otherArgument(root, graph.runs[0]);
  if (at === -1) return;
  throw new RepriseError(
    "RERUN_REFUSED",
    `${argumentLabel(definition, at)} is not what pipeline run ${id} was given. ${remedy} To use what was recorded, call "${definition.id}" without arguments.`,
  );
}

/** The first argument of a call that a recorded run did not have; -1 if there is none. */
function otherArgument({ given = [], definition }: Call, run: RecordedRun | undefined): number {
  const recorded = new Map(
    run?.edges.flatMap(({ kind, argument, artifact }) => (kind === "data" ? [[argument, artifact?.digest]] : [])),
  );
  for (let at = 0; at < Math.max(given.length, recorded.size); at += 1) {
    const path = argumentLabel(definition, at);
    if (at >= given.length || encode(given[at], { path }).digest !== recorded.get(at)) return at;
  }
  return -1;
}

/** The first item of a map that a recorded one did not have. Items are known from elements, which a map makes at once. */
function otherItem({ map }: Call, { runs }: RecordedGraph): number {
  const [root] = runs;
  const elements = runs.filter(
    ({ parentId, parentAttempt }) => parentId === root?.id && parentAttempt === root?.attempt,
  );
  const calls = map?.calls ?? [];
  if (elements.length === 0 && root?.state !== "RESOLVED") return -1;
  if (elements.length < calls.length) return elements.length;
  return elements.findIndex((element, at) => {
    const call = calls[at];
    return call === undefined || otherArgument(call, element) !== -1;
  });
}

/** Funcs that have to execute must be in the program. */
function checkProgram(root: Prior): void {
  for (const { run, action, ifCalled } of partsOf(root)) {
    // A body that calls a func has it.
    if (ifCalled || action === "clone" || action === "keep" || action === "wait") continue;
    const { id, file, line } = run.func.record;
    if (funcRegistry.has(id)) continue;
    const place = file === null ? "" : ` It was last defined at ${formatPlace({ file, line: line ?? 1, column: 1 })}.`;
    throw new RepriseError(
      "FUNC_NOT_FOUND",
      `Run ${run.id} has to execute, but this program has no func "${id}".${place} Import the file that defines it, or give the func its old id.`,
    );
  }
}

/** What executing runs get from the record must be there before anything executes. */
async function checkInputs({ artifacts }: Home, { runs, pipelineRun }: RecordedGraph, root: Prior): Promise<void> {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const parts = new Map<string, Prior>();
  for (const prior of partsOf(root)) parts.set(prior.run.id, prior);
  const needed = new Map<string, RecordedRun>();
  for (const { run, action, ifCalled } of parts.values()) {
    if (ifCalled || action === "clone" || action === "keep") continue;
    for (const { kind, artifact, sourceRunId } of run.edges) {
      const source = sourceRunId === null ? undefined : parts.get(sourceRunId)?.action;
      const isRecorded = source === "clone" || source === "keep";
      const digest = isRecorded ? byId.get(sourceRunId as string)?.output?.digest : artifact?.digest;
      // What a result is put together from may be much, and is looked at when that is done.
      if (digest !== undefined && kind !== "order" && kind !== "result") needed.set(digest, run);
    }
  }
  const wanted = [...needed.keys()].map((id) => ({ id, hint: 0, since: pipelineRun.createdAt }));
  const found = await artifacts.recall(wanted);
  for (const [at, answer] of found.entries()) {
    if (answer.type === "found") continue;
    const { id } = wanted[at] as { readonly id: string };
    const run = needed.get(id) as RecordedRun;
    throw new RepriseError(
      "ARTIFACT_NOT_FOUND",
      `Run ${run.id} of func "${run.func.record.id}" needs a value of the record that is gone: ${answer.why}. Re-run from an earlier run, which computes it again.`,
    );
  }
}

/** A recorded run and all below it that take part. */
function* partsOf(root: Prior): Generator<Prior> {
  const open = [root];
  for (let prior = open.pop(); prior !== undefined; prior = open.pop()) {
    yield prior;
    // What is below a run that is taken over is taken over with it.
    if (prior.action === "clone" || prior.action === "keep") continue;
    // Not spread: a call takes only so many arguments.
    for (const below of prior.children) open.push(below);
  }
}

function unknownRun({ backend }: Home, id: string, what: string): RepriseError {
  return new RepriseError(
    "RUN_NOT_FOUND",
    `There is no run ${id} in ${backend.place} to ${what}. \`reprise ls\` lists pipeline runs, \`reprise show\` the runs in one.`,
  );
}

async function notResumable(home: Home, id: string): Promise<RepriseError> {
  const inner = await home.backend.getRun(id);
  if (inner === undefined) return unknownRun(home, id, "resume");
  return new RepriseError(
    "RUN_NOT_FOUND",
    `Run ${id} is one inside pipeline run ${inner.rootId}, and only whole pipeline runs go on. Resume ${inner.rootId}.`,
  );
}

function finished(id: string, state: string): RepriseError {
  return new RepriseError(
    "RUN_FINISHED",
    `Pipeline run ${id} has ended: ${state}. What did not succeed executes again with rerunFrom and rerunMode "continue", or \`reprise rerun ${id} --continue\`.`,
  );
}
