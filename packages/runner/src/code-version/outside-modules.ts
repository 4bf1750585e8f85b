import { extname, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { builtinName } from "../code-digest/builtin-name.ts";
import { isLibrary, packageName } from "../code-digest/resolve-module.ts";
import { isNativePackage } from "./native-package.ts";

/** What a bundle takes from outside. */
export interface Outside {
  /** In words, for people. */
  readonly notes: Set<string>;
  /** Specifiers that the bundle imports, with a file that imports each. */
  readonly externals: Map<string, string>;
}

/** Kinds of files that a bundle holds. */
const held = new Set(
  [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json"].concat(
    // As texts.
    [".txt", ".md", ".sql", ".csv", ".html", ".graphql"],
  ),
);

/** Marks the resolving that this plugin itself asks for. */
const asked = Symbol("asked");

/**
 * Leaves outside what a bundle cannot hold: the library itself, native packages, files of unknown kinds, what is not there.
 *
 * @param root folder that files are named relative to.
 * @param refused folders of packages that could not be bundled, and why.
 */
export function outsideModules(outside: Outside, root: string, refused: ReadonlyMap<string, string>): Plugin {
  const natives = new Map<string, boolean>();
  const reasonFor = (folder: string): string | undefined => {
    const reason = refused.get(folder);
    if (reason !== undefined) return `it cannot be bundled (${reason})`;
    let isNative = natives.get(folder);
    if (isNative === undefined) natives.set(folder, (isNative = isNativePackage(folder)));
    return isNative ? "it has native parts" : undefined;
  };
  const leave = (args: OnResolveArgs, note: string | undefined, path = args.path): OnResolveResult => {
    if (note !== undefined) outside.notes.add(note);
    if (isBare(path) && !outside.externals.has(path)) outside.externals.set(path, args.importer);
    return { path, external: true };
  };
  const choose = (args: OnResolveArgs, found: OnResolveResult): OnResolveResult => {
    const { path: file = "" } = found;
    if (found.external === true || found.namespace !== "file") return found;
    const folder = packageFolder(file);
    const reason = folder === undefined ? undefined : reasonFor(folder);
    if (folder !== undefined && reason !== undefined) {
      const note = `package ${nameOf(folder)} is taken from the project: ${reason}`;
      // By its name where that leads to it: an update may put it elsewhere.
      const isNamed = packageName(args.path) === nameOf(folder);
      return leave(args, note, isNamed ? args.path : pathOf(file, args));
    }
    if (!held.has(extname(file)) && !/^(?:json|text)$/.test(args.with["type"] ?? "")) {
      return leave(args, `${relative(root, file)} is taken from where it is: it is no code`, pathOf(file, args));
    }
    // What it does when it is loaded counts, whatever its package.json says to bundlers of web pages.
    return folder === undefined ? { ...found, sideEffects: true } : found;
  };
  return {
    name: "reprise-outside",
    setup(build) {
      build.onResolve({ filter: /.*/, namespace: "file" }, async (args) => {
        if (args.pluginData === asked || args.kind === "entry-point" || isVirtual(args.path)) return undefined;
        if (builtinName(args.path) !== undefined || args.path.startsWith("data:")) return undefined;
        if (isLibrary(packageName(args.path))) return { path: args.path, external: true };
        const isOfPackage = packageFolder(args.importer) !== undefined;
        // Most imports by far: files of one package among themselves.
        if (isOfPackage && args.path.startsWith(".") && !args.path.endsWith(".node")) return undefined;
        const found = await resolveIn(build, args);
        if (typeof found !== "string") return choose(args, found);
        // A package that asks for another one in vain most often can do without.
        const isOptional = isOfPackage || args.kind === "dynamic-import" || args.kind.startsWith("require");
        if (!isBare(args.path) && !isOptional) return undefined;
        return leave(
          args,
          isOptional ? undefined : `${relative(root, args.importer)} imports "${args.path}": ${found}`,
        );
      });
    },
  };
}

/** The file behind an import, or why there is none. */
async function resolveIn(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | string> {
  const { path, importer, namespace, resolveDir, kind, with: attributes } = args;
  const found = await build.resolve(path, {
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

/** Modules that plugins of ours make up. */
function isVirtual(path: string): boolean {
  return path.startsWith("reprise-");
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

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf(`${sep}node_modules${sep}`) + `${sep}node_modules${sep}`.length);
}
