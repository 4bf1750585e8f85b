import { isFinished, isPipelineFinished, type Edge, type Run } from "@reprise/core";
import type { Home } from "@reprise/store";
// Values may hold its types.
import "../index.ts";

/** What a home holds, for further checks. */
export interface Verified {
  readonly pipelineRuns: number;
  readonly runs: ReadonlyMap<string, Run>;
  readonly resolved: number;
}

/**
 * Reads all of a home and names what does not fit together: rows that refer to nothing, values that are not there or are
 * damaged, runs that began before what they need was there.
 */
export async function verifyHome(home: Home): Promise<Verified> {
  const { backend } = home;
  const problems: string[] = [...(await backend.check())];
  const runs = new Map<string, Run>();
  const pipelineRuns = await backend.listPipelineRuns({ limit: 100_000 });
  for (const { id, ...counts } of pipelineRuns) {
    const list = await backend.listRuns(id);
    for (const run of list) runs.set(run.id, run);
    const finished = list.filter(({ state }) => isFinished(state)).length;
    if (counts.runs !== list.length || counts.finished !== finished) {
      problems.push(
        `${id} counts ${counts.runs} runs, ${counts.finished} finished, but has ${list.length}, ${finished}`,
      );
    }
    if (list.length > 0 && runs.get(id) === undefined) problems.push(`${id} has runs, but no root`);
    if (isPipelineFinished(counts.state) && finished < list.length) problems.push(`${id} has ended, but not its runs`);
  }
  const values = new Values(home, problems);
  for (const run of runs.values()) {
    problems.push(...problemsOf(run, runs));
    if (run.output !== null) await values.check(run.output);
    const edges = await backend.edgesOf(run.id);
    for (const { artifactId } of edges) if (artifactId !== null) await values.check(artifactId);
    problems.push(...edges.flatMap((edge) => edgeProblems(run, edge, runs)));
    if (run.attempt > 0) problems.push(...missingArguments(run, edges));
    const attempts = await backend.attemptsOf(run.id);
    for (let number = 1; number < run.attempt; number += 1) {
      if (!attempts.some(({ attempt }) => attempt === number)) problems.push(`${nameOf(run)} lost attempt ${number}`);
    }
  }
  for await (const blob of backend.referencedBlobs()) {
    if ((await home.blobs.has([blob]))[0] !== true) problems.push(`blob ${blob.digest} is missing`);
  }
  if (problems.length > 0) throw new Error(`${home.path}:\n${problems.slice(0, 20).join("\n")}`);
  const resolved = [...runs.values()].filter(({ state }) => state === "RESOLVED").length;
  return { pipelineRuns: pipelineRuns.length, runs, resolved };
}

class Values {
  readonly #home: Home;
  readonly #problems: string[];
  readonly #checked = new Set<string>();

  constructor(home: Home, problems: string[]) {
    this.#home = home;
    this.#problems = problems;
  }

  async check(id: string): Promise<void> {
    if (this.#checked.has(id)) return;
    this.#checked.add(id);
    try {
      await this.#home.artifacts.read(id);
    } catch (error) {
      this.#problems.push(String(error));
    }
  }
}

function problemsOf(run: Run, runs: ReadonlyMap<string, Run>): string[] {
  const problems: string[] = [];
  const name = nameOf(run);
  const { parentId, state } = run;
  if (state === "RESOLVED" && run.output === null) problems.push(`${name}: it has no output`);
  // A body may have given a value and its run have failed with a child.
  if (isFinished(state) && state !== "RESOLVED" && run.output !== null && run.ranAt === null)
    problems.push(`${name}: output and state`);
  if (isFinished(state) !== (run.finishedAt !== null)) problems.push(`${name}: end and state`);
  if (parentId === null) return problems;
  const parent = runs.get(parentId);
  if (parent === undefined) problems.push(`${name}: its parent is missing`);
  else if (parent.attempt === 0) problems.push(`${name}: its parent never ran`);
  else if (isFinished(parent.state) && !isFinished(state)) problems.push(`${name}: its parent has ended, it has not`);
  return problems;
}

function edgeProblems(run: Run, edge: Edge, runs: ReadonlyMap<string, Run>): string[] {
  if (edge.sourceRunId === null) return edge.artifactId === null ? [`${nameOf(run)}: an edge from nowhere`] : [];
  const source = runs.get(edge.sourceRunId);
  if (source === undefined) return [`${nameOf(run)}: the source of an argument is missing`];
  // What a result is made of comes after the body.
  if (edge.kind === "result")
    return source.parentId === run.id ? [] : [`${nameOf(run)}: it did not call a part of its result`];
  // An element of a map waits for its own item only, which is what its edge names.
  if (run.attempt > 0 && source.state !== "RESOLVED")
    return [`${nameOf(run)} began before ${nameOf(source)} was there`];
  return [];
}

/** Each argument up to the last has an edge. */
function missingArguments(run: Run, edges: readonly Edge[]): string[] {
  const numbers = new Set(edges.filter(({ kind }) => kind === "data").map(({ argument }) => argument));
  return numbers.has(numbers.size - 1) || numbers.size === 0 ? [] : [`${nameOf(run)} lost an argument`];
}

function nameOf(run: Run): string {
  return `${run.name}#${run.id.slice(-8)} (${run.state})`;
}
