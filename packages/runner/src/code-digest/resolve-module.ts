import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, parse, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type * as esbuild from "esbuild";
import { builtinName } from "./builtin-name.ts";

/** What a specifier leads to. */
export type Resolution =
  | { readonly kind: "local"; readonly file: string }
  | { readonly kind: "builtin"; readonly name: string }
  /** An installed package; `folder` is undefined for the library itself, whose version does not count. */
  | { readonly kind: "package"; readonly name: string; readonly folder: string | undefined }
  | { readonly kind: "missing"; readonly reason: string };

const endings = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cts", ".cjs", ".json"];

/** A file that is written in TypeScript may be named as what it is compiled to. */
const compiledFrom: Record<string, readonly string[]> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/** Finds modules as Node does, and as bundlers and tsx do where Node would fail. */
export class ModuleResolver {
  /** Of manifests of packages: whether they are there. */
  readonly #manifests = new Map<string, boolean>();

  /**
   * @param specifier as written.
   * @param from the file that it is written in.
   * @param absent receives the files that were looked for and are not there.
   */
  async resolve(specifier: string, from: string, absent: Set<string>): Promise<Resolution> {
    const builtin = builtinName(specifier);
    if (builtin !== undefined) return { kind: "builtin", name: builtin };
    if (specifier.startsWith("file:")) {
      return findFile(fileURLToPath(specifier.replace(/[?#].*$/, "")), specifier, absent);
    }
    if (/^[a-z]+:/i.test(specifier) && !parse(specifier).root) {
      return { kind: "missing", reason: `"${specifier}" is not a file or package` };
    }
    if (/^(?:\.{1,2}(?:\/|$)|\/|[A-Za-z]:\\)/.test(specifier)) {
      return findFile(resolve(dirname(from), specifier.replace(/[?].*$/, "")), specifier, absent);
    }
    const name = packageName(specifier);
    if (isLibrary(name)) return { kind: "package", name, folder: undefined };
    const folder = specifier.startsWith("#") ? undefined : this.#packageFolder(dirname(from), name, absent);
    if (folder !== undefined && isInstalled(folder)) return { kind: "package", name, folder };
    return resolveWithEsbuild(specifier, from);
  }

  #packageFolder(start: string, name: string, absent: Set<string>): string | undefined {
    for (let folder = start; ; folder = dirname(folder)) {
      const candidate = join(folder, "node_modules", name);
      const manifest = join(candidate, "package.json");
      let isThere = this.#manifests.get(manifest);
      if (isThere === undefined) this.#manifests.set(manifest, (isThere = isFile(manifest)));
      if (isThere) return realpathSync.native(candidate);
      absent.add(manifest);
      if (dirname(folder) === folder) return undefined;
    }
  }
}

function findFile(path: string, specifier: string, absent: Set<string>): Resolution {
  for (const file of candidatesFor(path)) {
    if (isFile(file)) return { kind: "local", file: realpathSync.native(file) };
    absent.add(file);
  }
  return { kind: "missing", reason: `"${specifier}" is not found at ${path}` };
}

/** Where the module of a path may be; most often it is the first. */
function* candidatesFor(path: string): Iterable<string> {
  yield path;
  const ext = extname(path);
  const stem = path.slice(0, path.length - ext.length);
  for (const ending of compiledFrom[ext] ?? []) yield stem + ending;
  for (const ending of endings) yield path + ending;
  for (const ending of endings) yield join(path, `index${ending}`);
}

/** A linked workspace lives outside node_modules; its code changes without its version. */
function isInstalled(folder: string): boolean {
  return /[\\/]node_modules[\\/]/.test(folder);
}

/** Our own packages: values are encoded by a codec whose version is part of every key. */
export function isLibrary(name: string): boolean {
  return name === "reprise" || name.startsWith("@reprise/");
}

/** `zod` of `zod/v4`, `@scope/name` of `@scope/name/part`. */
export function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Whether a path is a file that is there. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Paths of tsconfig.json, `imports` and `exports` of package.json: rare enough to start esbuild for them. */
async function resolveWithEsbuild(specifier: string, from: string): Promise<Resolution> {
  // The name is computed so that a bundle of a user's program does not take the bundler in.
  const bundler = "esbuild";
  const { build } = (await import(bundler)) as typeof esbuild;
  const resolveDir = dirname(from);
  let found = { path: "", external: false };
  await build({
    stdin: { contents: "", resolveDir },
    write: false,
    bundle: true,
    platform: "node",
    logLevel: "silent",
    plugins: [
      {
        name: "resolve",
        setup(hooks) {
          hooks.onStart(async () => {
            found = await hooks.resolve(specifier, { resolveDir, importer: from, kind: "import-statement" });
          });
        },
      },
    ],
  });
  if (found.path === "" || found.external) {
    return { kind: "missing", reason: `"${specifier}" is not found; is it installed?` };
  }
  const file = realpathSync.native(found.path);
  if (!isInstalled(file)) return { kind: "local", file };
  const folder = dirname(nearestManifest(file) ?? file);
  const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: string };
  return { kind: "package", name: name ?? packageName(specifier), folder };
}

/** The package.json that governs a file. */
export function nearestManifest(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (isFile(manifest)) return manifest;
    if (dirname(folder) === folder) return undefined;
  }
}
