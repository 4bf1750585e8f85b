import {
  planRerun,
  type PlannedRun,
  type RerunMode,
  rerunReasonWords,
  type RerunAction,
  type RunKind,
  type RunState,
  shortId,
  tookOf,
} from "@reprise/core";
import { graphRunsOf } from "@reprise/runner";
import type { RecordedGraph, RecordedRun } from "@reprise/store";
import { ownTime } from "../plan/history.ts";

/** What a re-run would do with a recorded run. */
export interface RerunNode {
  readonly runId: string;
  readonly name: string;
  readonly funcId: string;
  readonly kind: RunKind;
  /** As it is recorded. */
  readonly state: RunState;
  readonly action: RerunAction;
  /** Why, in words. */
  readonly reason: string;
  /** Whether this holds only if the parent's body, which executes again, makes the same call again. */
  readonly ifCalled: boolean;
  /** What has become of the func's own source since, if that was asked for: else, and of groups of maps, null. */
  readonly code: "same" | "changed" | "gone" | null;
  /** Whether it executes only if the cache does not have its result. */
  readonly mayHit: boolean;
  /**
   * Milliseconds that its own body took, runs below it not counted; of what is taken over, all that it took. Null if it is
   * not known.
   */
  readonly duration: number | null;
  /** Runs below it that come into being again as its body calls them; groups of maps not counted. */
  readonly calledAnew: number;
  /** Milliseconds that the bodies of those took. */
  readonly calledAnewDuration: number;
  /** Whether it, or one of those that are called anew, has not ended its body before: then the times are too short. */
  readonly isTimePartial: boolean;
  /** Runs of {@link children} and below them; groups of maps not counted. */
  readonly below: number;
  /** Those right below it that are not called anew. */
  readonly children: readonly RerunNode[];
}

/** What a re-run would execute and take over. */
export interface RerunForecast {
  /** The pipeline run. */
  readonly rootId: string;
  /** The run from which it would be re-run. */
  readonly runId: string;
  readonly mode: RerunMode;
  readonly root: RerunNode;
  readonly total: RerunTotal;
}

/** Counts of runs, groups of maps not counted, and sums of their times in milliseconds. */
export interface RerunTotal {
  /** Bodies that execute. */
  readonly execute: number;
  /** Runs that only wait for runs below them. */
  readonly wait: number;
  /** Runs that come into being again as bodies call them. */
  readonly calledAnew: number;
  readonly clone: number;
  /** What the bodies took that execute, those that are called anew included. */
  readonly duration: number;
  /** Whether there are such among them whose body has never ended, so that {@link duration} is too little. */
  readonly isTimePartial: boolean;
  /** What those took that are taken over. */
  readonly saved: number;
}

/** What to foretell. */
export interface ForecastRequest {
  readonly graph: RecordedGraph;
  /** Id of the run from which to re-run. */
  readonly runId: string;
  readonly mode: RerunMode;
  /** How the program's funcs are written now: sources by id; undefined: they are not compared. */
  readonly sources: Readonly<Record<string, string | null>> | undefined;
}

/** Foretells a re-run from what is recorded; no code is needed. @throws RepriseError as `planRerun`. */
export function forecastRerun({ graph, runId, mode, sources }: ForecastRequest): RerunForecast {
  const plan = planRerun(graphRunsOf(graph), { mode, target: runId });
  const names = new Map(graph.runs.map(({ id, name }) => [id, `${name}#${shortId(id)}`]));
  const children = Map.groupBy(graph.runs, ({ parentId }) => parentId);
  const nodes = new Map<string, RerunNode>();
  // A parent was created before its children, so from the end each finds those below it.
  for (const run of graph.runs.toReversed()) {
    const planned = plan.get(run.id);
    if (planned === undefined) continue;
    const below = children.get(run.id) ?? [];
    nodes.set(run.id, nodeOf({ run, planned, below, nodes, sources, label: (id) => names.get(id) ?? shortId(id) }));
  }
  const rootId = graph.pipelineRun.id;
  const root = nodes.get(rootId) as RerunNode;
  return { rootId, runId, mode, root, total: totalOf(root) };
}

interface NodeParts {
  readonly run: RecordedRun;
  readonly planned: PlannedRun;
  readonly below: readonly RecordedRun[];
  readonly nodes: ReadonlyMap<string, RerunNode>;
  readonly sources: ForecastRequest["sources"];
  readonly label: (id: string) => string;
}

function nodeOf({ run, planned, below, nodes, sources, label }: NodeParts): RerunNode {
  const { action, reason, ifCalled } = planned;
  const all = below.map(({ id }) => nodes.get(id)).filter((node) => node !== undefined);
  // What an executing body had called before: it is not known whether it will again, but most likely.
  const children = all.filter((node) => node.action !== "drop");
  const anew = action === "reset" || isNested(planned) ? all.filter((node) => node.action === "drop") : [];
  return {
    runId: run.id,
    name: run.name,
    funcId: run.func.record.id,
    kind: run.kind,
    state: run.state,
    action,
    reason: rerunReasonWords(reason, label),
    ifCalled,
    code: sources === undefined || run.kind === "map" ? null : codeOf(run, sources),
    mayHit: action === "reset" && reason.type !== "target" && (run.cache?.status ?? "DISABLED") !== "DISABLED",
    duration: action === "clone" ? wholeTime(run) : bodyTime(run, below),
    calledAnew: sum(anew, (node) => node.calledAnew + one(node)),
    calledAnewDuration: sum(anew, (node) => node.calledAnewDuration + (node.duration ?? 0)),
    isTimePartial: !hasEnded(run) || anew.some((node) => node.isTimePartial),
    below: sum(children, (node) => node.below + one(node)),
    children,
  };
}

/** Milliseconds from beginning to end, or as long as what a run took over had taken; null if it has not succeeded. */
function wholeTime(run: RecordedRun): number | null {
  return run.state === "RESOLVED" ? (run.cache?.saved ?? tookOf(run)) : null;
}

/** Milliseconds that its body took, or, if it was taken over, that it will take. */
function bodyTime(run: RecordedRun, below: readonly RecordedRun[]): number | null {
  const { cache } = run;
  // Of one with runs below it, it is not recorded how much of the time was its own.
  const wasTakenOver = cache?.status === "CLONED" && cache.key === null && below.length === 0;
  return ownTime(run, below) ?? (wasTakenOver ? cache.saved : null);
}

/** Whether its body has come to its end; there is none of a map. */
function hasEnded({ kind, state, ranAt }: RecordedRun): boolean {
  return kind === "map" || state === "RESOLVED" || ranAt !== null;
}

function codeOf(
  { func: { record } }: RecordedRun,
  sources: NonNullable<ForecastRequest["sources"]>,
): RerunNode["code"] {
  const now = sources[record.id];
  if (now === undefined) return "gone";
  return now === record.source ? "same" : "changed";
}

function isNested({ action, reason }: PlannedRun): boolean {
  return action === "drop" && reason.type === "nested";
}

/** A group of a map is no run of a body. */
function one({ kind }: RerunNode): number {
  return kind === "map" ? 0 : 1;
}

function sum(nodes: readonly RerunNode[], part: (node: RerunNode) => number): number {
  return nodes.reduce((total, node) => total + part(node), 0);
}

function totalOf(root: RerunNode): RerunTotal {
  const total = { execute: 0, wait: 0, calledAnew: 0, clone: 0, duration: 0, isTimePartial: false, saved: 0 };
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.action === "clone") {
      total.clone += one(node) + node.below;
      total.saved += node.duration ?? 0;
      continue;
    }
    for (const child of node.children) waiting.push(child);
    total.calledAnew += node.calledAnew;
    total.duration += node.calledAnewDuration;
    if (node.kind === "map") continue;
    if (node.action === "wait") total.wait++;
    else {
      total.execute++;
      total.isTimePartial ||= node.isTimePartial;
      total.duration += node.duration ?? 0;
    }
  }
  return total;
}
