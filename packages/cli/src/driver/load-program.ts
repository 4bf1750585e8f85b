import { RepriseError } from "@reprise/core";
import type { AgainMessage } from "../run/messages.ts";
import { loadPipelineFile } from "./load-pipeline.ts";

/**
 * Loads the program that a recorded pipeline run is to be executed with, so that its funcs are known.
 *
 * Rejects with `CODE_NOT_KEPT` if the kept program is gone or damaged; `USAGE` if the file cannot be loaded.
 */
export async function loadRecordedProgram({ kept, file }: Pick<AgainMessage, "kept" | "file">): Promise<void> {
  if (kept !== null) throw new RepriseError("CODE_NOT_KEPT", `The kept program ${kept} cannot be loaded yet.`);
  await loadPipelineFile(file);
}
