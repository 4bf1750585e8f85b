import { pathToFileURL } from "node:url";
import { RepriseError } from "@reprise/core";
import type { KeptCode } from "@reprise/store";
import { funcRegistry, setFuncRecord } from "../func-definition.ts";
import { messageOf } from "../message-of.ts";
import { holdRuns } from "../runner.ts";
import { placeModules } from "./module-hooks.ts";

/** So long, in ms, a program that has begun to run something by itself may go on defining funcs. */
const patience = 2_000;

/**
 * Loads a program that was kept, so that its funcs are defined in this process. It uses the library that executes; packages
 * that it could not hold are those of the project. A pipeline run that the program itself starts while it is loaded is not
 * executed, and what would have come after it is not done.
 *
 * Rejects with `CODE_NOT_KEPT` if something that the program does not hold is gone; `USAGE` with the cause if its own code
 * throws an error.
 *
 * @example
 * ```ts
 * const kept = await home.code.find(digest);
 * if (kept !== undefined) await loadKeptProgram(kept);
 * const definition = definedFuncs().get("train");
 * ```
 */
export async function loadKeptProgram(kept: KeptCode): Promise<void> {
  // Places of funcs and stacks of errors are those of the sources.
  process.setSourceMapsEnabled(true);
  const program = pathToFileURL(kept.file).href;
  placeModules({
    program,
    entry: pathToFileURL(kept.entry).href,
    library: libraryUrl(),
    inside: import.meta.url,
  });
  let isHeld = false;
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const release = holdRuns("a program that was kept is loaded to be run again", () => {
    isHeld = true;
    resolve();
  });
  const loading = import(program).catch((error: unknown) => {
    // Whatever it does without the result that it waited for, its funcs are defined.
    if (!isHeld) throw loadError(kept, error);
  });
  try {
    await Promise.race([loading, begun.then(() => defined(kept, loading))]);
  } finally {
    release();
  }
  for (const record of kept.funcs) {
    const definition = funcRegistry.get(record.id);
    if (definition !== undefined) setFuncRecord(definition, record);
  }
}

/** Resolves when all funcs are defined that the program had when it was kept, or no more can be expected. */
async function defined({ funcs }: KeptCode, loading: Promise<unknown>): Promise<void> {
  const until = performance.now() + patience;
  while (performance.now() < until && !funcs.every(({ id }) => funcRegistry.has(id))) {
    const pause = new Promise<boolean>((resolve) => setTimeout(resolve, 5, false));
    if (await Promise.race([loading.then(() => true), pause])) return;
  }
}

/** The front door of this very library. */
function libraryUrl(): string {
  const url = import.meta.resolve("reprise");
  // Sources that execute as they are do not use what was built of them.
  return import.meta.url.endsWith(".ts") ? url.replace(/dist\/index\.js$/, "src/index.ts") : url;
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
