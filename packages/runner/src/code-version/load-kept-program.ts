import { pathToFileURL } from "node:url";
import { RepriseError } from "@reprise/core";
import type { KeptCode } from "@reprise/store";
import { funcRegistry, setFuncRecord } from "../func-definition.ts";
import { messageOf } from "../message-of.ts";
import { loadHeld } from "./load-held.ts";
import { libraryPlaces, loadedAnew, placeModules } from "./module-hooks.ts";

/**
 * Loads a program that was kept, so that its funcs are defined in this process. It uses the library that executes; packages
 * that it could not hold are those of the project. A pipeline run that the program itself starts while it is loaded is not
 * executed, and what would have come after it is not done.
 *
 * Rejects with `CODE_NOT_KEPT` if something that the program does not hold is gone; `USAGE` with the cause if its own code
 * throws an error.
 *
 * @param generation 0 for the first time; a higher number each time that the program is loaded anew.
 * @example
 * ```ts
 * const kept = await home.code.find(digest);
 * if (kept !== undefined) await loadKeptProgram(kept);
 * const definition = definedFuncs().get("train");
 * ```
 */
export async function loadKeptProgram(kept: KeptCode, generation = 0): Promise<void> {
  // Places of funcs and stacks of errors are those of the sources.
  process.setSourceMapsEnabled(true);
  const program = pathToFileURL(kept.file).href;
  if (generation === 0) placeModules({ ...libraryPlaces(), program, entry: pathToFileURL(kept.entry).href });
  const load = (): Promise<unknown> =>
    import(loadedAnew(program, generation)).catch((error: unknown) => {
      throw loadError(kept, error);
    });
  const isComplete = (): boolean => kept.funcs.every(({ id }) => funcRegistry.has(id));
  await loadHeld("a program that was kept is loaded to be run again", load, isComplete);
  for (const record of kept.funcs) {
    const definition = funcRegistry.get(record.id);
    if (definition !== undefined) setFuncRecord(definition, record);
  }
}

function loadError({ entry, digest, notes }: KeptCode, error: unknown): RepriseError {
  const { code } = Object(error) as { code?: unknown };
  const program = `The program of ${entry} that was kept as ${digest.slice(0, 12)}`;
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    const known = notes.length === 0 ? "" : ` What it does not hold: ${notes.join("; ")}.`;
    return new RepriseError(
      "CODE_NOT_KEPT",
      `${program} cannot be loaded, because something that it does not hold is gone: ${messageOf(error)}.${known} ` +
        `Install it where ${entry} was, or re-run with the code of now.`,
      { cause: error },
    );
  }
  return new RepriseError("USAGE", `${program} threw an error while it was loaded: ${messageOf(error)}`, {
    cause: error,
  });
}
