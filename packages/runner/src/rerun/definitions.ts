import type { RecordedRun } from "@reprise/store";
import { groupDefinition } from "../func.ts";
import { type FuncDefinition, funcRegistry, recordedFunc } from "../func-definition.ts";

/** The func of a recorded run, of a map that of its elements; one that cannot execute if the program does not have it. */
export function funcOfRun({ func }: RecordedRun): FuncDefinition {
  return funcRegistry.get(func.record.id) ?? recordedFunc(func.record);
}

/** What a call that stands for a recorded run is a call of. */
export function definitionOfRun(run: RecordedRun): FuncDefinition {
  const definition = funcOfRun(run);
  return run.kind === "map" ? groupDefinition(definition) : definition;
}
