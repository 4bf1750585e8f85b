import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryFolder } from "../../testing/temporary-home.ts";
import type { CodeDigest } from "../code-digest.ts";

/** Files of a program by path. */
export type Files = Readonly<Record<string, string>>;

/** What a process says of one func. */
export interface FuncReport extends Omit<CodeDigest, "digest"> {
  readonly digest?: string;
  readonly reason?: string;
  readonly body?: string;
}

/** What a process says of a program, by func id. */
export type Report = Readonly<Record<string, FuncReport>>;

const child = fileURLToPath(new URL("digest-child.ts", import.meta.url));
const library = new URL("../../index.ts", import.meta.url).href;

/** Writes a program into a folder in which `reprise` is installed. */
export function writeProgram(folder: string, files: Files): void {
  const all: Files = {
    "package.json": JSON.stringify({ name: "program", type: "module" }),
    "node_modules/reprise/package.json": JSON.stringify({
      name: "reprise",
      version: "1.0.0",
      type: "module",
      exports: "./index.js",
    }),
    "node_modules/reprise/index.js": `export * from ${JSON.stringify(library)};`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Runs a script of Node in a new process and reads the last line of its stdout as JSON. */
export async function jsonOf(script: string, args: readonly string[], flags: readonly string[] = []): Promise<unknown> {
  const env = { ...process.env, NODE_OPTIONS: "" };
  const options = { env, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, ...args], options);
  return JSON.parse(stdout.slice(stdout.lastIndexOf("\n") + 1));
}

/** Writes each program into a folder of its own and asks one new process for the digests of its funcs. */
export async function digestPrograms(
  programs: Readonly<Record<string, Files>>,
  entry = "pipeline.ts",
): Promise<Record<string, Report>> {
  const home = temporaryFolder();
  const folders = Object.values(programs).map((files, at) => {
    const folder = join(home, String(at));
    writeProgram(folder, files);
    return folder;
  });
  const reports = (await jsonOf(
    child,
    folders.map((folder) => join(folder, entry)),
  )) as Report[];
  return Object.fromEntries(Object.keys(programs).map((name, at) => [name, reports[at] as Report]));
}

/** Asks a new process for the digests of a program that is written already. */
export async function digestFolder(folder: string, entry = "pipeline.ts"): Promise<Report> {
  const [report] = (await jsonOf(child, [join(folder, entry)])) as Report[];
  return report as Report;
}
