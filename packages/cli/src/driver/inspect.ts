import { basename } from "node:path";
import { RepriseError } from "@reprise/core";
import { definedFuncs, type FuncDefinition, funcRecord, refuseRuns } from "@reprise/runner";
import { openHomeForReading } from "@reprise/store";
import { explainFunc, type FuncExplanation } from "../cache/explain-func.ts";
import { makePlan } from "../plan/make-plan.ts";
import type { Plan } from "../plan/plan.ts";
import type { InspectMessage } from "../run/messages.ts";
import { didYouMean } from "../suggest.ts";
import { readValuesFrom } from "../value-types.ts";
import { buildInput } from "./build-input.ts";
import { chooseFunc, type ExportedFunc, loadPipelineFile } from "./load-pipeline.ts";

/**
 * Loads a file and answers what is asked of it. Nothing executes but what executes when the file is loaded, and nothing is
 * written.
 */
export async function inspect(message: InspectMessage): Promise<Plan | FuncExplanation | SourceReport> {
  const { what, file, func, input, home } = message;
  if (what === "sources") return await readSources(file, func);
  refuseRuns(what === "plan" ? "`reprise plan` executes nothing" : "`reprise cache explain` executes nothing");
  const exported = await loadPipelineFile(file);
  if (what === "explain") {
    return explainFunc(func === null ? chooseFunc(exported, func, file).definition : findFunc(exported, func, file));
  }
  const { definition } = chooseFunc(exported, func, file);
  const args = await buildInput(input, definition, "plan");
  await using store = await openHomeForReading(home === null ? {} : { path: home });
  readValuesFrom(store);
  return await makePlan({ home: store, definition, args, namespace: message.cacheNamespace });
}

/** How the funcs of a program are written now: sources by id. */
export interface SourceReport {
  readonly sources: Readonly<Record<string, string | null>>;
}

async function readSources(file: string, func: string | null): Promise<SourceReport> {
  const { loadCurrent } = await import("./load-program.ts");
  await loadCurrent(file, func ?? "");
  return {
    sources: Object.fromEntries(Array.from(definedFuncs().values(), (found) => [found.id, funcRecord(found).source])),
  };
}

/** A func by export or id; most are used by those that are exported, and not exported themselves. */
function findFunc(exported: readonly ExportedFunc[], wanted: string, file: string): FuncDefinition {
  const defined = definedFuncs();
  const found =
    exported.find(({ exportName }) => exportName === wanted)?.definition ?? defined.get(wanted.normalize("NFC"));
  if (found !== undefined) return found;
  const ids = [...defined.keys()];
  const list = ids.map((id) => `  ${basename(file)}:${id}`).join("\n");
  throw new RepriseError(
    "USAGE",
    `${file} and what it imports define no func "${wanted}".${didYouMean(wanted, ids)} They define:\n${list === "" ? "  no funcs" : list}`,
  );
}
