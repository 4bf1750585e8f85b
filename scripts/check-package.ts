// Checks `reprise` as npm would publish it: packs it, looks for mistakes that only users would see (publint, are the
// types wrong), installs the tarball into an empty project elsewhere, and there checks types, imports and the command.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { build } from "./build.ts";
import { bin, root } from "./root.ts";
import { mustRun } from "./run.ts";

const sample = {
  "pipeline.ts": `
import { func } from "reprise";

const add = func("add", (a: number, b: number) => a + b);

export const pipeline = func("pipeline", ({ a, b }: { a: number; b: number }) => ({ sum: add(a, b), label: "sum" }));
`,
  "main.ts": `
import { LocalRunner, RepriseError } from "reprise";
import { pipeline } from "./pipeline.ts";

const result: { sum: number; label: string } = await new LocalRunner().run(pipeline({ a: 2, b: 3 }));
if (result.sum !== 5 || typeof RepriseError !== "function") throw new Error(JSON.stringify(result));

// The types are the real ones, not any.
// @ts-expect-error: a number is wanted
export const wrong = () => pipeline({ a: "2", b: 3 });
`,
};

/** The two ways in which TypeScript users resolve imports. Libraries are checked too: our declarations are one. */
const resolutions = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

async function pack(folder: string): Promise<string> {
  await build();
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [packed] = JSON.parse(await npm(args, join(root, "packages/reprise"))) as { filename: string; size: number }[];
  if (packed === undefined) throw new Error("npm pack made nothing.");
  console.log(`packed ${packed.filename}, ${(packed.size / 1000).toFixed(0)} kB`);
  return join(folder, packed.filename);
}

async function install(tarball: string, project: string): Promise<void> {
  await mkdir(project);
  const { version } = await manifestOf(join(root, "node_modules/@types/node"));
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "elsewhere", private: true, type: "module" }));
  for (const [name, code] of Object.entries(sample)) await writeFile(join(project, name), code);
  await npm(["install", "--no-audit", "--no-fund", tarball, `@types/node@${version}`], project);
}

async function checkTypes(project: string): Promise<void> {
  for (const [name, resolution] of Object.entries(resolutions)) {
    const compilerOptions = {
      ...resolution,
      target: "es2024",
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const config = join(project, `tsconfig.${name}.json`);
    await writeFile(config, JSON.stringify({ compilerOptions, files: ["main.ts"] }));
    for (const compiler of ["tsc", "tsc6"]) {
      await step(`types by ${compiler}, ${name}`, () =>
        mustRun(process.execPath, [bin(compiler), "--pretty", "false", "-p", config], { cwd: project }),
      );
    }
  }
}

async function checkCommand(project: string, env: Record<string, string>): Promise<void> {
  const reprise = (...args: string[]) => npm(["exec", "--no", "--", "reprise", ...args], project, env);
  const { version } = await manifestOf(join(root, "packages/reprise"));
  await step("reprise version", async () => contains(await reprise("version"), version));
  await step("reprise run", async () =>
    contains(await reprise("run", "pipeline.ts", "--input", '{"a":2,"b":3}'), "sum: 5"),
  );
  await step("reprise ls", async () => contains(await reprise("ls"), "pipeline"));
  await step("reprise rerun, with the program that was kept", async () => {
    await rm(join(project, "pipeline.ts"));
    contains(await reprise("rerun", "latest"), "sum: 5");
  });
}

function contains(output: string, wanted: string): void {
  if (!output.includes(wanted)) throw new Error(`Expected "${wanted}" in:\n${output}`);
}

async function manifestOf(folder: string): Promise<{ version: string }> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string };
}

/** npm, started so that it and all that it starts use the Node that runs this script. */
function npm(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  return mustRun("npm", args, { cwd, env: { ...env, PATH: path } });
}

async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    console.log(`ok   ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${name}\n${(error as Error).message}`);
  }
}

const folder = await mkdtemp(join(tmpdir(), "reprise-package-"));
try {
  const tarball = await pack(folder);
  const project = join(folder, "elsewhere");
  await step("publint", () => mustRun(process.execPath, [bin("publint"), "run", "--strict", tarball], { cwd: folder }));
  const attw = [bin("attw"), "--profile", "esm-only", "--no-color", tarball];
  await step("are the types wrong", () => mustRun(process.execPath, attw, { cwd: folder }));
  await install(tarball, project);
  await checkTypes(project);
  const env = { REPRISE_HOME: join(folder, "home"), NO_COLOR: "1" };
  await step("import and run", () => mustRun(process.execPath, ["main.ts"], { cwd: project, env }));
  await checkCommand(project, env);
} finally {
  await rm(folder, { recursive: true, force: true });
}
