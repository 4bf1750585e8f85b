import { RepriseError } from "@reprise/core";
import { definedFuncs, loadHeld, loadKeptProgram } from "@reprise/runner";
import { openHomeForReading } from "@reprise/store";
import type { AgainMessage } from "../run/messages.ts";
import { loadPipelineFile } from "./load-pipeline.ts";

/**
 * Loads the program that a recorded pipeline run is to be executed with, so that its funcs are known. What it runs by itself
 * meanwhile is not executed.
 *
 * Rejects with `CODE_NOT_KEPT` if the kept program is gone or damaged; `USAGE` if it, or the file, cannot be loaded.
 */
export async function loadProgram(message: AgainMessage): Promise<void> {
  const { kept, file, funcId, home } = message;
  if (kept === null) return loadCurrent(file, funcId);
  await using store = await openHomeForReading(home === null ? {} : { path: home });
  const program = await store.code.find(kept);
  if (program === undefined) {
    throw new RepriseError("CODE_NOT_KEPT", `The kept program ${kept} was removed from ${store.path} meanwhile.`);
  }
  await loadKeptProgram(program);
}

/** Loads a file that defines a func, exported or not. What it runs by itself meanwhile is not executed. */
export async function loadCurrent(file: string, funcId: string): Promise<void> {
  const isComplete = (): boolean => definedFuncs().has(funcId);
  await loadHeld("a recorded pipeline run is taken up", () => loadPipelineFile(file), isComplete);
}
