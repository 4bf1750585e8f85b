import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const packageFolder = fileURLToPath(new URL("../../../reprise", import.meta.url));
const program = join(packageFolder, "dist/bin.js");

/** What a finished command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that may still be running. */
export interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly finished: Promise<Finished>;
  /** Resolves when the command has written this on standard output or error. */
  readonly seen: (text: string) => Promise<void>;
}

/** A user's project in a temporary folder, with the built `reprise` installed and a store of its own. */
export class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "reprise-cli-"));
  readonly home = join(this.folder, "home");

  constructor(files: Readonly<Record<string, string>> = {}) {
    mkdirSync(join(this.folder, "node_modules"));
    symlinkSync(packageFolder, join(this.folder, "node_modules", "reprise"));
    this.write("package.json", JSON.stringify({ type: "module" }));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Starts `reprise …` in the project. */
  start(
    args: readonly string[],
    options: { readonly env?: Record<string, string>; readonly input?: string } = {},
  ): Started {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: this.folder,
      env: { ...cleanEnvironment(), REPRISE_HOME: this.home, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    const waiting = new Set<() => void>();
    const check = () => {
      for (const wake of waiting) wake();
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      check();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      check();
    });
    child.stdin.end(options.input ?? "");
    const finished = new Promise<Finished>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    const seen = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const wake = () => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        void finished.then(() =>
          reject(new Error(`The command ended without writing "${text}":\n${stdout}\n${stderr}`)),
        );
        wake();
      });
    return { child, finished, seen };
  }

  /** Runs `reprise …` in the project to its end. */
  run(...args: readonly string[]): Promise<Finished> {
    return this.start(args).finished;
  }

  /** Runs `reprise … --json` and gives what it printed. */
  async json(...args: readonly string[]): Promise<unknown> {
    const { stdout, stderr } = await this.run(...args, "--json");
    try {
      return JSON.parse(stdout) as unknown;
    } catch {
      throw new Error(`No JSON came from reprise ${args.join(" ")}:\n${stdout}\n${stderr}`);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The lines of JSON that a command printed. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

// Test runners set variables that change colors and the advice at the end of a run.
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _force, NO_COLOR: _none, npm_command: _npm, NODE_OPTIONS: _options, ...env } = process.env;
  return env;
}
