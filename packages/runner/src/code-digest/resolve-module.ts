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
  /** Files that were looked for and are not there: if one appears, resolutions change. */
  readonly absent = new Set<string>();
  readonly #folders = new Map<string, string | undefined>();

  /** @param specifier as written. @param from the file that it is written in. */
  async resolve(specifier: string, from: string): Promise<Resolution> {
    const builtin = builtinName(specifier);
    if (builtin !== undefined) return { kind: "builtin", name: builtin };
    if (specifier.startsWith("file:")) return this.#file(fileURLToPath(specifier.replace(/[?#].*$/, "")), specifier);
    if (/^[a-z]+:/i.test(specifier) && !parse(specifier).root) {
      return { kind: "missing", reason: `"${specifier}" is not a file or package` };
    }
    if (/^(?:\.{1,2}(?:\/|$)|\/|[A-Za-z]:\\)/.test(specifier)) {
      return this.#file(resolve(dirname(from), specifier.replace(/[?].*$/, "")), specifier);
    }
    const name = packageName(specifier);
    if (isLibrary(name)) return { kind: "package", name, folder: undefined };
    const folder = specifier.startsWith("#") ? undefined : this.#packageFolder(dirname(from), name);
    if (folder !== undefined && isInstalled(folder)) return { kind: "package", name, folder };
    return resolveWithEsbuild(specifier, from);
  }

  #file(path: string, specifier: string): Resolution {
    const ext = extname(path);
    const stem = path.slice(0, path.length - ext.length);
    const candidates = [
      path,
      ...(compiledFrom[ext] ?? []).map((ending) => stem + ending),
      ...endings.map((ending) => path + ending),
      ...endings.map((ending) => join(path, `index${ending}`)),
    ];
    for (const file of candidates) {
      if (isFile(file)) return { kind: "local", file: realpathSync(file) };
      this.absent.add(file);
    }
    return { kind: "missing", reason: `"${specifier}" is not found at ${path}` };
  }

  #packageFolder(start: string, name: string): string | undefined {
    const key = `${start}\n${name}`;
    if (this.#folders.has(key)) return this.#folders.get(key);
    const candidate = join(start, "node_modules", name);
    let folder: string | undefined;
    if (isFile(join(candidate, "package.json"))) {
      folder = realpathSync(candidate);
    } else {
      this.absent.add(join(candidate, "package.json"));
      const up = dirname(start);
      folder = up === start ? undefined : this.#packageFolder(up, name);
    }
    this.#folders.set(key, folder);
    return folder;
  }
}

/** A linked workspace lives outside node_modules; its code changes without its version. */
function isInstalled(folder: string): boolean {
  return /[\\/]node_modules[\\/]/.test(folder);
}

/** Our own packages: values are encoded by a codec whose version is part of every key. */
function isLibrary(name: string): boolean {
  return name === "reprise" || name.startsWith("@reprise/");
}

/** `zod` of `zod/v4`, `@scope/name` of `@scope/name/part`. */
function packageName(specifier: string): string {
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
  const file = realpathSync(found.path);
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
