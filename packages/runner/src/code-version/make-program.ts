import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type * as esbuild from "esbuild";
import type { BuildFailure, BuildOptions, Message, Metafile, OutputFile } from "esbuild";
import type * as oxc from "oxc-parser";
import { embeddingStatement } from "../code-digest/embedded.ts";
import { type ProgramCode, ProgramReader } from "../code-digest/read-program.ts";
import { isLibrary, nearestManifest, packageName } from "../code-digest/resolve-module.ts";
import { messageOf } from "../message-of.ts";
import { type OriginalTexts, originalPlaces, placeHead, placeNames } from "./original-places.ts";
import { outsideModules, packageFolder } from "./outside-modules.ts";
import { noteInputs, settingsAround } from "./program-inputs.ts";
import { holdsLibrary, type MadeProgram, type ProgramOrder } from "./program-order.ts";

/** What one attempt was told and has found. */
interface Attempt {
  readonly order: ProgramOrder;
  /** Folder that files are named relative to. */
  readonly root: string;
  readonly code: ProgramCode | string;
  /** Folders of packages that stay outside because they cannot be bundled, and why. */
  readonly refused: ReadonlyMap<string, string>;
  readonly strips: boolean;
}

/** As often packages that cannot be bundled are left out. */
const rounds = 8;

/**
 * Makes one module of a program: its own files and the packages that it uses, save what no bundle can hold.
 *
 * @throws Error with the reason if that cannot be done, or if a file was changed since the program was loaded.
 */
export async function makeProgram(order: ProgramOrder): Promise<MadeProgram> {
  const root = dirname(nearestManifest(order.entry) ?? order.entry);
  // What has no digests is not reused; it can be executed all the same.
  const code = await new ProgramReader().read(order.entry).catch(messageOf);
  const refused = new Map<string, string>();
  let { strips } = order;
  for (let round = 1; ; round += 1) {
    const attempt: Attempt = { order, root, code, refused, strips };
    try {
      return await tryToMake(attempt);
    } catch (error) {
      const { errors = [] } = error as Partial<BuildFailure>;
      const atFault = packagesOf(errors, dirname(order.entry));
      for (const [folder, why] of atFault) refused.set(folder, why);
      if (errors.length === 0 || round === rounds) throw error;
      // Types may be imported as if they were values, which some loaders allow and Node does not.
      if (atFault.size === 0 && !strips) throw new Error(describe(errors), { cause: error });
      if (atFault.size === 0) strips = false;
    }
  }
}

async function tryToMake(attempt: Attempt): Promise<MadeProgram> {
  const { order, root, code } = attempt;
  const { entry, loadedAt } = order;
  const notes = new Set<string>();
  const originals: OriginalTexts = { texts: new Map(), notes };
  const { outputFiles, metafile } = await bundle(attempt, originals);
  if (!importsLibrary(metafile)) throw new Error(holdsLibrary);
  if (typeof code === "string") notes.add(`results are not reused when it runs again: ${code}`);
  const known = typeof code === "string" ? [] : [...Object.keys(code.files), ...code.absent];
  const read = filesIn(metafile, dirname(entry));
  const inputs = noteInputs([...read, ...known, ...settingsAround(entry)], loadedAt);
  const encoder = new TextEncoder();
  return {
    program: encoder.encode(asNodeImports(textOf(outputFiles, ".mjs"), order.strips || isModuleProject(root))),
    map: encoder.encode(mapOf(textOf(outputFiles, ".map"), dirname(entry), originals.texts)),
    notes: [...notes].sort(),
    sources: read.filter((file) => packageFolder(file) === undefined),
    inputs: JSON.stringify(inputs),
  };
}

type Built = { readonly outputFiles: readonly OutputFile[]; readonly metafile: Metafile };

async function bundle(attempt: Attempt, originals: OriginalTexts): Promise<Built> {
  const { order, root, refused, strips } = attempt;
  // Their names are computed so that a bundle of a user's program does not take them in.
  const [bundler, parser] = ["esbuild", "oxc-parser"];
  const [{ build }, { parseSync }] = (await Promise.all([import(bundler), import(parser)])) as [
    typeof esbuild,
    typeof oxc,
  ];
  const folder = dirname(order.entry);
  const options = {
    absWorkingDir: folder,
    entryPoints: [order.entry],
    outfile: join(folder, "program.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: `node${process.versions.node.replace(/-.*$/, "")}`,
    mainFields: ["main", "module"],
    conditions: ["node-addons", "module-sync", ...order.conditions],
    loader: Object.fromEntries(
      [".txt", ".md", ".sql", ".csv", ".html", ".graphql"].map((kind) => [kind, "text" as const]),
    ),
    sourcemap: "linked",
    sourcesContent: true,
    metafile: true,
    write: false,
    keepNames: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    define: { ...placeNames },
    banner: { js: head(attempt) },
    plugins: [
      outsideModules({ entry: order.entry, root, refused, notes: originals.notes }),
      originalPlaces(originals, { parse: parseSync, root, strips }),
    ],
  } satisfies BuildOptions;
  return build(options);
}

/** What comes before all modules: how they require by a computed name, and the digests of the sources. */
function head({ code, order }: Attempt): string {
  const statements = [
    // The bundler gives another name to whatever else is called `require`.
    `import { createRequire as __reprise_require } from "node:module";`,
    `const require = __reprise_require(${JSON.stringify(pathToFileURL(order.entry).href)});`,
    placeHead,
  ];
  const funcs = typeof code === "string" ? [] : code.funcs.filter(({ id = "" }) => !order.embedded.includes(id));
  if (funcs.length > 0) statements.push(embeddingStatement(funcs));
  return statements.join("\n");
}

/** Whether files of the project are ES modules by their package.json. */
function isModuleProject(root: string): boolean {
  try {
    const manifest = process.getBuiltinModule("node:fs").readFileSync(join(root, "package.json"), "utf8");
    return (JSON.parse(manifest) as { type?: unknown } | null)?.type === "module";
  } catch {
    return false;
  }
}

/**
 * In Node the default export of a CommonJS package is all of it. The bundler does the same only for modules that a name or
 * a package.json declares as such, where Node also looks at their syntax.
 */
function asNodeImports(text: string, asInNode: boolean): string {
  return asInNode ? text.replaceAll(/\b__toESM\((require_[\w$]+\(\))\)/g, "__toESM($1, 1)") : text;
}

function textOf(files: readonly OutputFile[], ending: string): string {
  return files.find(({ path }) => path.endsWith(ending))?.text ?? "";
}

function importsLibrary({ outputs }: Metafile): boolean {
  return Object.values(outputs).some(({ imports }) => imports.some(({ path }) => isLibrary(packageName(path))));
}

/** The files that the bundler has read. */
function filesIn({ inputs }: Metafile, base: string): readonly string[] {
  return Object.keys(inputs)
    .filter((path) => !/^(?:reprise-[a-z]+|data|\(disabled\)):/.test(path))
    .map((path) => resolve(base, path.replace(/[?#].*$/, "")));
}

/** The map with full paths, and with the project's own sources as they are written. */
function mapOf(text: string, base: string, originals: ReadonlyMap<string, string>): string {
  const map = JSON.parse(text) as { sources: string[]; sourcesContent?: (string | null)[] };
  const files = map.sources.map((source) => (/^[a-z-]{2,}:/.test(source) ? undefined : resolve(base, source)));
  map.sourcesContent = files.map((file, at) => {
    if (file === undefined || packageFolder(file) !== undefined) return null;
    return originals.get(file) ?? map.sourcesContent?.[at] ?? null;
  });
  map.sources = map.sources.map((source, at) => {
    const file = files[at];
    return file === undefined ? source : pathToFileURL(file).href;
  });
  return JSON.stringify(map);
}

/** The packages in which something went wrong, and what. */
function packagesOf(errors: readonly Message[], base: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { text, location } of errors) {
    const folder = location === null ? undefined : packageFolder(resolve(base, location.file));
    if (folder !== undefined) found.set(folder, text);
  }
  return found;
}

function describe(errors: readonly Message[]): string {
  const [first] = errors;
  if (first === undefined) return "the bundler failed";
  const { text, location } = first;
  return location === null ? text : `${relative(".", location.file)}:${location.line}: ${text}`;
}
