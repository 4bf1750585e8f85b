import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LineSplitter } from "./line-splitter.ts";
import { parseToCommand, type ToCommand, type ToDriver } from "./messages.ts";

/** How to start a driver. */
export interface DriverOptions {
  /** The pipeline's file. */
  readonly file: string;
  /** Modules that it loads first. */
  readonly imports: readonly string[];
  /** The driver to use where the user's project has no reprise of its own. */
  readonly driverFile: URL;
  readonly cwd: string;
}

/**
 * Starts the driver process of the user's own copy of reprise, so that the runner in it and the funcs of the file are of one
 * copy; its output comes through pipes, its standard input is the command's.
 */
export function startDriver({ file, imports, driverFile, cwd }: DriverOptions): DriverProcess {
  const typescript: unknown = process.features.typescript;
  const flags = [
    ...process.execArgv,
    // Node 22 before 22.18 removes types only when asked to, and warns of it.
    ...(typescript === false || typescript === undefined ? ["--experimental-strip-types"] : []),
    "--disable-warning=ExperimentalWarning",
    ...imports.flatMap((module) => ["--import", moduleUrl(module, cwd)]),
  ];
  const child = spawn(process.execPath, [...flags, ownDriver(file) ?? fileURLToPath(driverFile)], {
    cwd,
    stdio: ["inherit", "pipe", "pipe", "ipc"],
  });
  return new DriverProcess(child);
}

/** How a driver process ended. */
export interface DriverExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const patienceForPipes = 300;

/** A driver process; what it says before somebody listens is kept. */
export class DriverProcess {
  /** When the process is gone and what it wrote has been read. */
  readonly ended: Promise<DriverExit>;
  /** Milliseconds since 1970 UTC. */
  readonly startedAt = Date.now();
  readonly #child: ChildProcess;
  #inbox: unknown[] = [];
  #listener: ((message: ToCommand) => void) | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (message) => this.#receive(message));
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        // A process that a body left behind may hold the pipes open; nobody waits for it.
        const patience = setTimeout(() => resolve({ code, signal }), patienceForPipes);
        child.once("close", () => {
          clearTimeout(patience);
          resolve({ code, signal });
        });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a message, unless the process is gone. */
  send(message: ToDriver): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Hands on messages, those that arrived already first. */
  listen(listener: (message: ToCommand) => void): void {
    this.#listener = listener;
    const waiting = this.#inbox;
    this.#inbox = [];
    for (const message of waiting) this.#receive(message);
  }

  /** Hands on what the process writes outside of runs, line by line. */
  readOutput(onLines: (stream: "stdout" | "stderr", lines: readonly string[]) => void): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const splitter = new LineSplitter();
      const give = (lines: readonly string[]) => {
        if (lines.length > 0) onLines(stream, lines);
      };
      this.#child[stream]?.on("data", (bytes: Buffer) => give(splitter.push(bytes)));
      this.#child[stream]?.on("end", () => give(splitter.end()));
    }
  }

  #receive(message: unknown): void {
    if (this.#listener === undefined) {
      this.#inbox.push(message);
      return;
    }
    const parsed = parseToCommand(message);
    if (parsed !== undefined) this.#listener(parsed);
  }
}

/** The driver of the reprise that the pipeline's file imports. */
function ownDriver(file: string): string | undefined {
  try {
    const driver = join(dirname(createRequire(file).resolve("reprise/package.json")), "dist", "driver.js");
    return existsSync(driver) ? driver : undefined;
  } catch {
    return undefined;
  }
}

/** A path is meant from the working directory, a bare name as a package of the project there. */
function moduleUrl(module: string, cwd: string): string {
  if (/^(?:node|file|data):/.test(module)) return module;
  if (/^(?:\.{0,2}[\\/]|[A-Za-z]:\\)/.test(module))
    return pathToFileURL(join(module.startsWith(".") ? cwd : "", module)).href;
  return module;
}
