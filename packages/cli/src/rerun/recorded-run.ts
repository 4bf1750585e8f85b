import { type PipelineRun, RepriseError, type Run, shortId } from "@reprise/core";
import type { Home } from "@reprise/store";
import { resolveRun } from "../store-access.ts";

/** A run that is recorded, and what it belongs to. */
export interface RecordedRunPlace {
  readonly run: Run;
  readonly root: Run;
  readonly pipelineRun: PipelineRun;
}

/** The run that a shortened id names. Rejects with `RUN_NOT_FOUND`; `USAGE` if it names several. */
export async function findRecordedRun({ backend }: Home, text: string): Promise<RecordedRunPlace> {
  const id = await resolveRun(backend, text);
  const run = await backend.getRun(id);
  const root = run === undefined || run.parentId === null ? run : await backend.getRun(run.rootId);
  const pipelineRun = root === undefined ? undefined : await backend.getPipelineRun(root.id);
  if (run !== undefined && root !== undefined && pipelineRun !== undefined) return { run, root, pipelineRun };
  throw new RepriseError("RUN_NOT_FOUND", `Run ${id} was removed meanwhile.`);
}

/** @throws RepriseError `RERUN_REFUSED` if it is a run inside a pipeline run: continuing is about the whole. */
export function checkWhole({ run, root }: RecordedRunPlace, command: "rerun" | "plan"): void {
  if (run.id === root.id) return;
  const again = command === "plan" ? "plan --rerun-from" : command;
  throw new RepriseError(
    "RERUN_REFUSED",
    `${command}: --continue goes on with a whole pipeline run, and ${runWords(run)} is a run in one: reprise ${again} ${shortId(root.id)} --continue. From the run itself: reprise ${again} ${shortId(run.id)}`,
  );
}

/** `train#3f2a8c21`. */
export function runWords({ id, name }: Pick<Run, "id" | "name">): string {
  return `${name}#${shortId(id)}`;
}
