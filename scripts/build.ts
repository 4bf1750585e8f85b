// Builds the one published package, packages/reprise: `node scripts/build.ts` makes JavaScript and types,
// `--js` the JavaScript alone (a fraction of a second), which is all that running anything needs.
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build as bundle, type Metafile } from "esbuild";
import { directImports } from "./direct-imports.ts";
import { root } from "./root.ts";
import { emitTypes } from "./build-types.ts";

const home = join(root, "packages/reprise");
const dist = join(home, "dist");

/** Files that Node or users name; everything else in dist is a chunk that these load. */
const entryPoints = ["index", "bin", "driver"];

/** Bundles our packages into packages/reprise/dist; npm dependencies stay imports. Returns esbuild's account of it. */
export async function buildJavaScript(): Promise<Metafile> {
  const manifest = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const external = Object.keys(manifest.dependencies);
  const { outputFiles, metafile } = await bundle({
    absWorkingDir: root,
    entryPoints: entryPoints.map((name) => join(home, "src", `${name}.ts`)),
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.13",
    external: external.flatMap((name) => [name, `${name}/*`]),
    plugins: [directImports],
    sourcemap: "linked",
    keepNames: true,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const foreign = Object.keys(metafile.inputs).filter((path) => path.includes("node_modules/"));
  if (foreign.length > 0) {
    throw new Error(
      `These would be copied into the package instead of installed with it; add their packages to the dependencies ` +
        `of packages/reprise/package.json: ${foreign.join(", ")}`,
    );
  }
  await Promise.all(outputFiles.map(({ path, contents }) => replaceFile(path, contents)));
  await chmod(join(dist, "bin.js"), 0o755);
  return metafile;
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
