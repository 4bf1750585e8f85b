import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { RepriseError } from "@reprise/core";
import { definitionOf, type FuncDefinition } from "@reprise/runner";
import { didYouMean } from "../suggest.ts";

/** A func that a file exports. */
export interface ExportedFunc {
  readonly exportName: string;
  readonly definition: FuncDefinition;
  /** The func itself: a call gives a future. */
  readonly call: (...args: readonly unknown[]) => unknown;
}

/**
 * Loads a pipeline's file and gives the funcs that it exports; none if it exports none (it may have run by itself).
 *
 * @throws RepriseError `USAGE` if the file is missing, or cannot be loaded as it is, with the remedy; what the file's own
 *   code throws is the `cause`.
 */
export async function loadPipelineFile(file: string): Promise<readonly ExportedFunc[]> {
  if (!existsSync(file)) throw await missingFile(file);
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw loadError(file, error);
  }
  const funcs = new Map<unknown, ExportedFunc>();
  for (const [exportName, value] of Object.entries(exports)) {
    const definition = definitionOf(value);
    // A func that is exported under a name and as default is one func; its name is the better one.
    if (definition === undefined || (exportName === "default" && funcs.has(value))) continue;
    funcs.set(value, { exportName, definition, call: value as ExportedFunc["call"] });
  }
  return [...funcs.values()];
}

/**
 * Chooses the func to run: the one that is named, by export or by id; else the only one; else the one that is exported as
 * `pipeline` or as default.
 *
 * @throws RepriseError `USAGE` that lists the funcs of the file.
 */
export function chooseFunc(exported: readonly ExportedFunc[], wanted: string | null, file: string): ExportedFunc {
  const found =
    wanted === null
      ? exported.length === 1
        ? exported[0]
        : (byExport(exported, "pipeline") ?? byExport(exported, "default"))
      : (byExport(exported, wanted) ?? exported.find(({ definition }) => definition.id === wanted));
  if (found !== undefined) return found;
  const list = exported
    .map(({ exportName, definition }) => `  ${basename(file)}:${exportName}  (id "${definition.id}")`)
    .join("\n");
  const names = exported.flatMap(({ exportName, definition }) => [exportName, definition.id]);
  const problem =
    wanted === null
      ? `${file} exports ${exported.length} funcs, and none is named "pipeline" or exported as default. Name one:`
      : `${file} exports no func "${wanted}".${didYouMean(wanted, new Set(names))} It exports:`;
  throw new RepriseError("USAGE", `${problem}\n${list === "" ? "  no funcs" : list}`);
}

function byExport(exported: readonly ExportedFunc[], name: string): ExportedFunc | undefined {
  return exported.find(({ exportName }) => exportName === name);
}

async function missingFile(file: string): Promise<RepriseError> {
  const neighbours = await readdir(dirname(file)).catch(() => []);
  return new RepriseError("USAGE", `There is no file ${file}.${didYouMean(basename(file), neighbours)}`);
}

function loadError(file: string, error: unknown): RepriseError {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  if (RepriseError.is(error)) return error;
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" || code === "ERR_INVALID_TYPESCRIPT_SYNTAX") {
    return new RepriseError(
      "USAGE",
      `${file} cannot be loaded as it is: ${message}\nNode removes types but does not translate TypeScript (enums, namespaces, parameter properties). ` +
        "Write it without them, or let tsx translate: npm install --save-dev tsx, then reprise run --import tsx FILE.",
      { cause: error },
    );
  }
  if (code === "ERR_UNKNOWN_FILE_EXTENSION") {
    return new RepriseError(
      "USAGE",
      `${file} cannot be loaded: Node does not know files that end in "${extname(file)}". Use .ts, .mts, .js or .mjs; for .tsx: npm install --save-dev tsx, then reprise run --import tsx FILE.`,
      { cause: error },
    );
  }
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    return new RepriseError(
      "USAGE",
      `${file} cannot be loaded: ${message}\nA package: npm install it. A file of your own: its import needs the whole name with extension, e.g. "./steps.ts"; --import tsx also takes it without.`,
      { cause: error },
    );
  }
  return new RepriseError("USAGE", `${file} threw an error while it was loaded: ${message}`, { cause: error });
}
