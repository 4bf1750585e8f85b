import { execFile } from "node:child_process";
import { realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { FuncRecord } from "@reprise/core";
import { type Files, writeProgram } from "../../code-digest/testing/programs.ts";
import type { SourcePlace } from "../../source.ts";
import { compileCache } from "../../testing/compile-cache.ts";
import { temporaryFolder } from "../../testing/temporary-home.ts";

/** What a process says of a program that it has kept. */
export interface KeepReport {
  readonly digest?: string;
  readonly notes?: readonly string[];
  readonly code?: string;
  readonly message?: string;
  /** What its func "pipeline" has given. */
  readonly result?: unknown;
  readonly ms: number;
}

/** What a process says of a program that it has loaded. */
export interface LoadReport {
  readonly code?: string;
  readonly message?: string;
  readonly funcs: readonly { readonly place: SourcePlace | undefined; readonly record: FuncRecord }[];
  /** What its func "pipeline" has given. */
  readonly result?: unknown;
  /** What the cache did, by func id. */
  readonly cache?: Readonly<Record<string, string>>;
  /** Stack of the error of a body that has failed. */
  readonly stack?: string;
}

const compiled = compileCache();
const keepChild = fileURLToPath(new URL("keep-child.ts", import.meta.url));
const loadChild = fileURLToPath(new URL("load-child.ts", import.meta.url));

/** How a process is started. */
export interface ProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: readonly string[];
}

/** A program in a folder of its own, with a home. Processes execute it, keep it, and execute what was kept. */
export class TestProject {
  readonly folder: string = realpathSync(temporaryFolder());
  readonly home: string = join(realpathSync(temporaryFolder()), "home");

  /** @param files files by path, besides a package.json and the library. */
  constructor(files: Files) {
    this.write(files);
  }

  write(files: Files): void {
    writeProgram(this.folder, files);
  }

  /** A path in the project. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Removes all of it, installed packages too. */
  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Imports and keeps the program in a new process, and executes its func "pipeline" if arguments are given. */
  async keep(options: ProcessOptions & { readonly entry?: string; readonly args?: readonly unknown[] } = {}) {
    const { entry = "pipeline.ts", args } = options;
    const input = args === undefined ? "" : JSON.stringify(args);
    const reports = await run(keepChild, [this.home, input, this.path(entry)], options);
    const [report] = reports.value as [KeepReport];
    return { ...report, printed: reports.printed };
  }

  /** Loads a kept program in a new process, and executes its func "pipeline" if arguments are given. */
  async load(digest: string | undefined, options: ProcessOptions & { readonly args?: readonly unknown[] } = {}) {
    const input = options.args === undefined ? [] : [JSON.stringify(options.args)];
    const { value, printed } = await run(loadChild, [this.home, digest ?? "", ...input], options);
    return { ...(value as LoadReport), printed };
  }
}

async function run(script: string, args: readonly string[], { env, flags = [] }: ProcessOptions) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, ...args], {
    env: { ...process.env, NODE_OPTIONS: "", ...compiled, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  const at = stdout.lastIndexOf("\n");
  return { value: JSON.parse(stdout.slice(at + 1)) as unknown, printed: stdout.slice(0, at) };
}
