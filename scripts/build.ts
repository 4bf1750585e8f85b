// Builds the one published package, packages/reprise: `node scripts/build.ts` makes JavaScript and types,
// `--js` the JavaScript alone (a fraction of a second), which is all that running anything needs.
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build as bundle, type BuildOptions, type Metafile, type OutputFile, type Plugin } from "esbuild";
import { directImports } from "./direct-imports.ts";
import { root } from "./root.ts";
import { emitTypes } from "./build-types.ts";

const home = join(root, "packages/reprise");
const dist = join(home, "dist");

/** The file that users import. */
const front = join(home, "src/index.ts");

/** What the library's own processes execute. The worker loads nothing at once. */
const worker = join(root, "packages/runner/src/workers/worker.ts");
const supervisor = join(root, "packages/runner/src/actors/supervisor.ts");

/** What a thread imports: a file of its own, which knows itself by its name. */
const programMaker = join(root, "packages/runner/src/code-version/program-maker.ts");

/** Bundles our packages into packages/reprise/dist; npm dependencies stay imports. Returns esbuild's account of it. */
export async function buildJavaScript(): Promise<Metafile> {
  const manifest = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const external = Object.keys(manifest.dependencies);
  const programs = await buildPrograms(external);
  const command = await bundle(optionsFor([join(home, "src/bin.ts")], "bin-[hash]", directImports(), external));
  await write([programs, command]);
  return {
    inputs: { ...programs.metafile.inputs, ...command.metafile.inputs },
    outputs: { ...programs.metafile.outputs, ...command.metafile.outputs },
  };
}

/**
 * What programs load. Every file that is loaded costs a program the better part of a millisecond, and esbuild makes one of
 * all modules that the same entries and dynamic imports lead to: so whatever is imported dynamically, or executed by a
 * process of its own, is made to lead to all that the front door loads anyway. The command line, which loads a part of the
 * library for each command, is built apart.
 */
async function buildPrograms(external: readonly string[]) {
  const entryPoints = [front, join(home, "src/driver.ts"), programMaker, worker, supervisor];
  const options = (plugin: Plugin) => optionsFor(entryPoints, "chunk-[hash]", plugin, external);
  const { metafile } = await bundle({ ...options(directImports()), sourcemap: false });
  const lazy = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ kind, external: isForeign }) => kind === "dynamic-import" && isForeign !== true),
  );
  const leading = [supervisor, ...lazy.map(({ path }) => join(root, path))]
    .filter((path) => path !== programMaker)
    .map((path) => [path, `\nimport ${JSON.stringify(front)};`] as const);
  return bundle(options(directImports(new Map(leading))));
}

function optionsFor(entryPoints: readonly string[], chunkNames: string, plugin: Plugin, external: readonly string[]) {
  return {
    absWorkingDir: root,
    entryPoints: [...entryPoints],
    entryNames: "[name]",
    chunkNames,
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.13",
    external: external.flatMap((name) => [name, `${name}/*`]),
    plugins: [plugin],
    sourcemap: "linked",
    keepNames: true,
    metafile: true,
    write: false,
    logLevel: "warning",
  } as const satisfies BuildOptions;
}

async function write(built: readonly { readonly outputFiles: readonly OutputFile[]; readonly metafile: Metafile }[]) {
  const foreign = built
    .flatMap(({ metafile }) => Object.keys(metafile.inputs))
    .filter((path) => path.includes("node_modules/"));
  if (foreign.length > 0) {
    throw new Error(
      `These would be copied into the package instead of installed with it; add their packages to the dependencies ` +
        `of packages/reprise/package.json: ${foreign.join(", ")}`,
    );
  }
  const files = built.flatMap(({ outputFiles }) => outputFiles);
  await Promise.all(files.map(({ path, contents }) => replaceFile(path, contents)));
  await chmod(join(dist, "bin.js"), 0o755);
}

/** Another process may be loading the earlier build: a file is replaced as a whole or not at all. */
async function replaceFile(path: string, contents: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${String(process.pid)}`;
  await writeFile(fresh, contents);
  await rename(fresh, path);
}

/** Removes what an earlier build left and this one did not write. */
async function removeStale(metafile: Metafile): Promise<void> {
  const written = new Set(Object.keys(metafile.outputs).map((path) => relative(dist, join(root, path))));
  for (const entry of await readdir(dist, { withFileTypes: true })) {
    if (entry.isFile() && !written.has(entry.name)) await rm(join(dist, entry.name));
  }
}

/** Builds all that is published. */
export async function build(): Promise<void> {
  await removeStale(await buildJavaScript());
  await emitTypes(join(dist, "types"));
  // npm packs what stands beside the manifest.
  for (const name of ["LICENSE", "README.md"]) await copyFile(join(root, name), join(home, name));
}

if (import.meta.main) await (process.argv.includes("--js") ? buildJavaScript() : build());
