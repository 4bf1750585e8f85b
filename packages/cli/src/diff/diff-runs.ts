import { RepriseError, type RunState } from "@reprise/core";
import type { Home, RecordedRun } from "@reprise/store";
import type { Difference } from "../why/difference.ts";
import { CodeComparer } from "./compare-code.ts";
import { compareRuns, type DiffEntry } from "./compare-runs.ts";
import { describeReasons, type ReasonReport } from "./describe-reasons.ts";
import { outputDifferences } from "./changed-values.ts";
import { programDifferences } from "./compare-programs.ts";
import { matchRuns } from "./match-runs.ts";
import { RecordedTree } from "./recorded-tree.ts";

/** How the runs of two trees differ: what `reprise diff` tells. */
export interface DiffReport {
  readonly a: DiffSide;
  readonly b: DiffSide;
  /** What surrounded both, where it differs: the commit, Node, the program as a whole. */
  readonly surroundings: readonly { readonly name: string; readonly before: string; readonly after: string }[];
  /** Files in which the kept programs differ; empty if they do not, or if one was not kept. */
  readonly program: readonly Difference[];
  /** The first of `runs` that nothing else explains; null if there are none. */
  readonly first: number | null;
  /** Runs that differ, in order of creation. */
  readonly runs: readonly DiffedRun[];
  /** Runs with equal results. */
  readonly equal: number;
  /** Those of them that had other code: how many, by the id of the func. */
  readonly equalWithOtherCode: Readonly<Record<string, number>>;
}

/** One of the two runs that are compared. */
export interface DiffSide {
  readonly id: string;
  readonly rootId: string;
  readonly name: string;
  readonly funcId: string;
  readonly state: RunState;
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

/** A run that differs. */
export interface DiffedRun {
  /** Null if the call was made in the other tree only. */
  readonly a: DiffedSide | null;
  readonly b: DiffedSide | null;
  readonly funcId: string;
  /** Names from the top down to the run. */
  readonly path: readonly string[];
  readonly reasons: readonly ReasonReport[];
  /** In what the results differ, if both gave one. */
  readonly output: readonly Difference[];
  /** Whether nothing else that differs explains it. */
  readonly isCause: boolean;
  /** Runs below it that are there with it on one side only. */
  readonly below: number;
  /** False: only what differs is told, not how, because others were told that differ in the same way. */
  readonly detailed: boolean;
}

/** A run that differs, on one side. */
export interface DiffedSide {
  readonly id: string;
  readonly state: RunState;
  readonly output: string | null;
  /** Its error or why it was canceled, in one line. */
  readonly failure: string | null;
}

/** Runs of one func told in detail that differ in the same way below one caller. */
const detailedOfKind = 3;
/** Runs told in detail. */
const detailedInAll = 50;
/** Places told of an argument. */
const maxPlaces = 8;
/** Places told of a result. */
const placesOfOutput = 4;

/**
 * Compares two runs with everything below them.
 *
 * @param options `all`: of every run it is told how it differs, and not of a few of each kind; reading values takes time.
 * @throws RepriseError `RUN_NOT_FOUND` if one of them was removed meanwhile.
 */
export async function diffRuns(
  home: Home,
  [beforeId, afterId]: readonly [before: string, after: string],
  options: { readonly all: boolean },
): Promise<DiffReport> {
  const before = await readTree(home, beforeId);
  const after = await readTree(home, afterId, before);
  const matching = matchRuns(before, after);
  const diff = await compareRuns(before, after, matching, new CodeComparer(home, before, after));
  const cause = diff.entries.findIndex(({ isCause }) => isCause);
  const first = diff.entries.length === 0 ? null : Math.max(0, cause);
  const paths = [pathsOf(before), pathsOf(after)] as const;
  const program = await programDifferences(home, before.graph.pipelineRun, after.graph.pipelineRun);
  const choice = new Choice();
  const runs: DiffedRun[] = [];
  for (const [at, entry] of diff.entries.entries()) {
    const { after: run = entry.before } = entry;
    const path = (run === entry.after ? paths[1] : paths[0]).get(run?.id ?? "") ?? [];
    const isChosen = choice.takes(entry, path);
    runs.push(await describeEntry(home, entry, path, program, options.all || isChosen || at === first));
  }
  return {
    a: sideOf(before),
    b: sideOf(after),
    surroundings: surroundings(before, after),
    program,
    first,
    runs,
    equal: diff.equal,
    equalWithOtherCode: Object.fromEntries(diff.changedFuncs),
  };
}

/** Chooses the runs that are told in detail: a few of each kind, not too many in all. */
class Choice {
  readonly #kinds = new Map<string, number>();
  #count = 0;

  takes({ before, after, reasons }: DiffEntry, path: readonly string[]): boolean {
    const run = after ?? before;
    const kind = [path.slice(0, -1), run?.func.record.id, reasons[0]?.type, before?.state, after?.state].join("\n");
    const count = (this.#kinds.get(kind) ?? 0) + 1;
    this.#kinds.set(kind, count);
    if (count > detailedOfKind || this.#count >= detailedInAll) return false;
    this.#count++;
    return true;
  }
}

async function readTree({ backend }: Home, id: string, known?: RecordedTree): Promise<RecordedTree> {
  const rootId = known?.find(id) === undefined ? (await backend.getRun(id))?.rootId : known.graph.pipelineRun.id;
  const graph = known !== undefined && known.graph.pipelineRun.id === rootId ? known.graph : undefined;
  const found = graph ?? (rootId === undefined ? undefined : await backend.readGraph(rootId));
  if (found === undefined) throw new RepriseError("RUN_NOT_FOUND", `Run ${id} was removed meanwhile.`);
  return new RecordedTree(found, id);
}

async function describeEntry(
  home: Home,
  entry: DiffEntry,
  path: readonly string[],
  program: readonly Difference[],
  detailed: boolean,
): Promise<DiffedRun> {
  const { before, after, isCause, below } = entry;
  const told = before !== undefined && after !== undefined && detailed;
  return {
    a: endOf(before),
    b: endOf(after),
    funcId: (after ?? before)?.func.record.id ?? "",
    path,
    reasons: await describeReasons(home, entry, { detailed, maxPlaces, program }),
    output: told ? await outputDifferences(home, before, after, placesOfOutput) : [],
    isCause,
    below,
    detailed,
  };
}

function endOf(run: RecordedRun | undefined): DiffedSide | null {
  if (run === undefined) return null;
  const { id, state, output, failure, reason } = run;
  const text = failure === null ? reason : `${failure.name}: ${failure.message}`;
  return { id, state, output: output?.digest ?? null, failure: text?.split("\n", 1)[0] ?? null };
}

function sideOf({ top, graph }: RecordedTree): DiffSide {
  const { id, name, func, state, startedAt, createdAt, finishedAt } = top;
  const { id: rootId } = graph.pipelineRun;
  return { id, rootId, name, funcId: func.record.id, state, startedAt: startedAt ?? createdAt, finishedAt };
}

/** Of each run the names from the top down to it; an element of a map with its number. */
function pathsOf(tree: RecordedTree): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>([[tree.top.id, [tree.top.name]]]);
  for (const { id, kind } of tree.runs) {
    const above = paths.get(id) ?? [];
    for (const [at, child] of tree.childrenOf(id).entries()) {
      // The group has the name of its func already.
      paths.set(child.id, kind === "map" ? [...above.slice(0, -1), `${child.name}[${at}]`] : [...above, child.name]);
    }
  }
  return paths;
}

function surroundings(before: RecordedTree, after: RecordedTree): DiffReport["surroundings"] {
  const facts = [before, after].map(({ graph: { pipelineRun } }) => {
    const { git, origin, code } = pipelineRun;
    return {
      "git commit": git?.commit == null ? undefined : `${git.commit.slice(0, 12)}${git.dirty ? " with changes" : ""}`,
      program: code?.slice(0, 12),
      Node: origin.versions.node,
      reprise: origin.versions.reprise,
      platform: origin.versions.platform,
      host: origin.host,
    };
  });
  const [old, fresh] = facts;
  if (old === undefined || fresh === undefined) return [];
  return (Object.keys(old) as (keyof typeof old)[]).flatMap((name) => {
    const [was, is] = [old[name], fresh[name]];
    return was === is || was === undefined || is === undefined ? [] : [{ name, before: was, after: is }];
  });
}
