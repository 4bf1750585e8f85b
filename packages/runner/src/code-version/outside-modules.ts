import { existsSync, realpathSync } from "node:fs";
import { dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { builtinName } from "../code-digest/builtin-name.ts";
import { isLibrary, packageName } from "../code-digest/resolve-module.ts";
import { isNativePackage } from "./native-package.ts";

/** Kinds of files that a bundle holds. */
const held = new Set(
  [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json"].concat(
    // As texts.
    [".txt", ".md", ".sql", ".csv", ".html", ".graphql"],
  ),
);

/** Marks the resolving that this plugin itself asks for. */
const asked = Symbol("asked");

/** Options of {@link outsideModules}. */
export interface OutsideOptions {
  /** The file that the bundle begins with. */
  readonly entry: string;
  /** Folder that files are named relative to. */
  readonly root: string;
  /** Folders of packages that could not be bundled, and why. */
  readonly refused: ReadonlyMap<string, string>;
  /** Receives in words what is taken from outside. */
  readonly notes: Set<string>;
}

/** Leaves outside what a bundle cannot hold: the library itself, native packages, files of unknown kinds, what is not there. */
export function outsideModules({ entry, root, refused, notes }: OutsideOptions): Plugin {
  const natives = new Map<string, boolean>();
  const reasonFor = (folder: string): string | undefined => {
    const reason = refused.get(folder);
    if (reason !== undefined) return `it cannot be bundled (${reason})`;
    let isNative = natives.get(folder);
    if (isNative === undefined) natives.set(folder, (isNative = isNativePackage(folder)));
    return isNative ? "it has native parts" : undefined;
  };
  const choose = (args: OnResolveArgs, found: OnResolveResult): OnResolveResult => {
    const { path: file = "" } = found;
    if (found.external === true || found.namespace !== "file") return found;
    const folder = packageFolder(file);
    const reason = folder === undefined ? undefined : reasonFor(folder);
    if (folder !== undefined && reason !== undefined) {
      const name = nameOf(folder);
      notes.add(`package ${name} is taken from the project: ${reason}`);
      // By its name where that leads to it: an update may put it elsewhere.
      const isNamed = packageName(args.path) === name && packageSeenFrom(entry, name) === folder;
      return { path: isNamed ? args.path : pathOf(file, args), external: true };
    }
    if (!held.has(extname(file)) && !/^(?:json|text)$/.test(args.with["type"] ?? "")) {
      notes.add(`${relative(root, file)} is taken from where it is: it is no code`);
      return { path: pathOf(file, args), external: true };
    }
    // What it does when it is loaded counts, whatever its package.json says to bundlers of web pages.
    return folder === undefined ? { ...found, sideEffects: true } : found;
  };
  const resolve = async (build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> => {
    const { path, importer, kind, pluginData } = args;
    if (pluginData === asked || kind === "entry-point" || path.startsWith("reprise-")) return undefined;
    if (builtinName(path) !== undefined || path.startsWith("data:")) return undefined;
    if (isLibrary(packageName(path))) return { path, external: true };
    const isOfPackage = packageFolder(importer) !== undefined;
    // Most imports by far: files of one package among themselves.
    if (isOfPackage && path.startsWith(".") && !path.endsWith(".node")) return undefined;
    const found = await resolveIn(build, args);
    if (typeof found !== "string") return choose(args, found);
    // Code can do without what it asks for in this way.
    const isOptional = kind === "dynamic-import" || kind.startsWith("require");
    if (!isBare(path) && !isOptional) return undefined;
    if (!isOptional) notes.add(`${relative(root, importer)} imports "${path}", which is not there: ${found}`);
    return { path, external: true };
  };
  return {
    name: "reprise-outside",
    setup(build) {
      build.onResolve({ filter: /.*/, namespace: "file" }, (args) => resolve(build, args));
    },
  };
}

/** The file behind an import, or why there is none. */
async function resolveIn(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | string> {
  const { path, importer, namespace, resolveDir, kind, with: attributes } = args;
  // Bundlers know no URLs, which Node takes as well as paths.
  const found = await build.resolve(path.startsWith("file:") ? fileURLToPath(path) : path, {
    importer,
    namespace,
    resolveDir,
    kind,
    with: attributes,
    pluginData: asked,
  });
  if (found.errors.length > 0) return found.errors[0]?.text ?? "it is not found";
  const { external, sideEffects, suffix } = found;
  return { path: found.path, namespace: found.namespace, external, sideEffects, suffix };
}

function isBare(path: string): boolean {
  return !/^(?:\.{1,2}(?:[\\/]|$)|[\\/]|[A-Za-z]:\\|file:)/.test(path);
}

/** How a file that stays outside is imported or required. */
function pathOf(file: string, { kind }: OnResolveArgs): string {
  return kind.startsWith("require") ? file : pathToFileURL(file).href;
}

/** The folder of the installed package that a file belongs to. */
export function packageFolder(file: string): string | undefined {
  const mark = `${sep}node_modules${sep}`;
  const at = file.lastIndexOf(mark);
  if (at < 0) return undefined;
  const name = file.slice(at + mark.length).split(sep);
  return file.slice(0, at + mark.length) + name.slice(0, name[0]?.startsWith("@") === true ? 2 : 1).join(sep);
}

/** The folder of the package that a file finds under a name. */
function packageSeenFrom(file: string, name: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(candidate)) return realpathSync.native(candidate);
    if (dirname(folder) === folder) return undefined;
  }
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf(`${sep}node_modules${sep}`) + `${sep}node_modules${sep}`.length);
}
