import { isFinished, type Run } from "@reprise/core";
import type { Home } from "@reprise/store";
import { expect } from "vitest";
import type { Recorded } from "./lab.ts";

/** What holds of every re-run, whatever was re-run, and however that ended. */
export async function checkRerun(
  home: Home,
  original: Pick<Recorded, "id" | "runs">,
  again: Recorded,
  { runId, mode }: { readonly runId: string; readonly mode: "from" | "continue" },
): Promise<void> {
  expect(again.row.rerun).toEqual({ rootId: original.id, runId, mode, code: "current" });
  const before = new Set(original.runs.map(({ id }) => id));
  expect(again.runs.filter(({ id }) => before.has(id))).toEqual([]);
  expect(again.runs.map(({ position }) => position)).toEqual(again.runs.map((_, at) => at));
  expect(again.runs.filter(({ state }) => !isFinished(state))).toEqual([]);
  const problems: string[] = [];
  const known = new Map<string, Run>();
  for (const run of again.runs) {
    problems.push(...placeProblems(run, known, again));
    known.set(run.id, run);
    if (run.cache.status === "CLONED") problems.push(...(await cloneProblems(home, run, known, again)));
  }
  problems.push(...toldProblems(again, known));
  for (const id of again.executedRuns) if (!known.has(id)) problems.push(`${id} has executed, but is not recorded`);
  expect(problems).toEqual([]);
}

/** What is told while it happens ends as it is recorded. */
function toldProblems({ events }: Recorded, known: ReadonlyMap<string, Run>): string[] {
  const told = new Map(events.flatMap((event) => (event.type === "run" ? [[event.id, event] as const] : [])));
  return [...told.values()].flatMap(({ id, name, state, cache }) => {
    const run = known.get(id);
    if (run === undefined) return [`${name} is told of, but not recorded`];
    if (run.state !== state) return [`${name} was last told to be ${state}, and is ${run.state}`];
    const isTaken = run.cache.status === "CLONED";
    return isTaken === (cache?.status === "CLONED") ? [] : [`${name} was told to be ${cache?.status ?? "not cached"}`];
  });
}

function placeProblems(run: Run, known: ReadonlyMap<string, Run>, { runs, edges }: Recorded): string[] {
  const problems: string[] = [];
  if ((run.parentId === null) !== (run.position === 0)) problems.push(`${run.name}: which is the root?`);
  if (run.parentId !== null && !known.has(run.parentId)) problems.push(`${run.name}: its parent comes later`);
  for (const { sourceRunId, kind } of edges.get(run.id) ?? []) {
    if (sourceRunId === null) continue;
    const source = runs.find(({ id }) => id === sourceRunId);
    if (source === undefined) problems.push(`${run.name}: a ${kind} edge comes from elsewhere`);
    else if (kind === "result" && source.parentId !== run.id)
      problems.push(`${run.name}: its result is not its child's`);
  }
  return problems;
}

/** A run that was taken over is whole, has not executed, and so are all below it. */
async function cloneProblems(
  home: Home,
  run: Run,
  known: ReadonlyMap<string, Run>,
  { executedRuns, runs }: Recorded,
): Promise<string[]> {
  const { name, cache } = run;
  const problems: string[] = [];
  const says = (isTrue: boolean, problem: string): void => {
    if (!isTrue) problems.push(`${name}, taken over: ${problem}`);
  };
  says(run.state === "RESOLVED", `its state is ${run.state}`);
  says(run.startedAt === null, "it has started");
  says(run.finishedAt !== null, "it has not finished");
  says(run.failure === null && run.reason === null, "it has failed");
  says(!executedRuns.has(run.id), "its body has executed");
  says(typeof cache.saved === "number" && cache.saved >= 0, `it has saved ${cache.saved}`);
  const origin = cache.originRunId === null ? undefined : await home.backend.getRun(cache.originRunId);
  says(origin !== undefined, `its origin is ${cache.originRunId}`);
  says(origin?.output === run.output, "its output is not that of its origin");
  says(origin?.cache.originRunId === null, "its origin has an origin");
  says(origin?.func.id === run.func.id, "its origin is of another func");
  says(!known.has(origin?.id ?? ""), "its origin is in the same pipeline run");
  const below = runs.filter(({ parentId }) => parentId === run.id);
  says(
    below.every((child) => child.cache.status === "CLONED"),
    "what is below it was not taken over",
  );
  return problems;
}
