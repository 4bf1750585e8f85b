import { realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type Message } from "esbuild";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { codeDigestPlugin, computeCodeDigests } from "./bundle-plugin.ts";
import { digestFolder, type Report, writeProgram } from "./testing/programs.ts";

const files = {
  "pipeline.ts": `import { func } from "reprise";
import { clean } from "./text.ts";
import { weights } from "./weights.ts";

type Options = { readonly times: number };

export const tidy = func("tidy", (text: string): string => clean(text)!);
export const train = func({
  id: "train",
  retry: { retries: 2 },
  run: ({ times }: Options) => weights.map((weight) => weight * times).map((weight) => String(weight)),
});
export const pipeline = func("pipeline", (text: string) => [tidy(text), train({ times: 2 })]);
`,
  "text.ts": `import { sep } from "node:path";
const marks = /[.,]/g;
export function clean(text: string | undefined) { return text?.replaceAll(marks, sep); }
export class Unused {}
`,
  "weights.ts": `export const weights: number[] = [];\nweights.push(1, 2);\n`,
};

function written(extra: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(temporaryFolder());
  writeProgram(folder, { ...files, ...extra });
  return folder;
}

async function bundle(folder: string, options: BuildOptions): Promise<readonly Message[]> {
  const { warnings } = await build({
    absWorkingDir: folder,
    entryPoints: ["pipeline.ts"],
    outfile: join(folder, "dist/bundle.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    logLevel: "silent",
    plugins: [codeDigestPlugin()],
    ...options,
  });
  return warnings;
}

const digestsOf = (report: Report): Record<string, unknown> =>
  Object.fromEntries(Object.entries(report).map(([id, { digest, body }]) => [id, { digest, body }]));

describe("one source built in several ways", () => {
  const builds: Record<string, BuildOptions> = {
    "a bundle": { packages: "external" },
    "a minified bundle": { packages: "external", minify: true },
    "a minified bundle with a source map": { packages: "external", minify: true, sourcemap: "linked" },
    "a bundle that holds the library too": {
      alias: { reprise: fileURLToPath(new URL("../index.ts", import.meta.url)) },
      minify: true,
      banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);` },
    },
  };

  it.each(Object.entries(builds))("has the digests of the sources in %s", async (_, options) => {
    const folder = written();
    const sources = await digestFolder(folder);
    expect(Object.keys(sources)).toEqual(["pipeline", "tidy", "train"]);
    expect(sources["pipeline"]?.digest).toMatch(/^[0-9a-f]{64}$/);
    await bundle(folder, options);
    // The bundle alone must tell: in production there are no sources.
    writeProgram(folder, { "pipeline.ts": "gone(", "text.ts": "", "weights.ts": "" });
    expect(digestsOf(await digestFolder(folder, "dist/bundle.js"))).toEqual(digestsOf(sources));
  });

  it("has the same digests when types are stripped by a compiler, module by module", async () => {
    const folder = written();
    const sources = await digestFolder(folder);
    const { outputFiles } = await build({
      absWorkingDir: folder,
      entryPoints: Object.keys(files),
      outdir: folder,
      write: false,
      logLevel: "silent",
    });
    // As tsc does with rewriteRelativeImportExtensions.
    const compiled = outputFiles.map(({ path, text }) => [basename(path), text.replaceAll('.ts"', '.js"')] as const);
    writeProgram(folder, Object.fromEntries(compiled));
    writeProgram(folder, { "pipeline.ts": "gone(", "text.ts": "gone(", "weights.ts": "gone(" });
    expect(digestsOf(await digestFolder(folder, "pipeline.js"))).toEqual(digestsOf(sources));
  });

  it("keeps parts and versions in the bundle, and sources if they are wanted", async () => {
    const folder = written();
    await bundle(folder, { packages: "external" });
    const whole = await digestFolder(folder, "dist/bundle.js");
    expect(whole["tidy"]?.closure.map(({ name }) => name)).toEqual(["tidy", "clean", "marks"]);
    expect(whole["tidy"]?.closure[2]?.source).toBe("marks = /[.,]/g");
    expect(whole["tidy"]?.packages).toEqual({ "node:path": "built-in" });
    await bundle(folder, { packages: "external", plugins: [codeDigestPlugin({ sources: false })] });
    const short = await digestFolder(folder, "dist/bundle.js");
    expect(short["tidy"]?.closure.map(({ source }) => source)).toEqual(["", "", ""]);
    expect(digestsOf(short)).toEqual(digestsOf(whole));
  });

  it("warns when a bundle is made of funcs that will have no digest", async () => {
    const folder = written({
      "pipeline.ts": `import { func } from "reprise";
const make = (by: number) => func("by", (n: number) => n * by);
const name = "by name";
export const by = make(2);
export const named = func(name, () => 1);
`,
    });
    const warnings = await bundle(folder, { packages: "external" });
    expect(warnings.map(({ text, location }) => [location?.line, text.split(": ")[0]])).toEqual([
      [2, `func "by" has no code digest in this bundle`],
      [5, "a func has no code digest in this bundle"],
    ]);
  });

  it("computes the digests of all funcs of a program by id", async () => {
    const folder = written();
    const digests = await computeCodeDigests(join(folder, "pipeline.ts"));
    const report = await digestFolder(folder);
    expect(Object.fromEntries(Array.from(digests, ([id, { digest }]) => [id, digest]))).toEqual(
      Object.fromEntries(Object.entries(report).map(([id, { digest }]) => [id, digest])),
    );
  });
});
