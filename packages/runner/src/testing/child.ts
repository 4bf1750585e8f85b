import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a process has ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** When, by `performance.now()`. */
  readonly at: number;
}

/** How to start a process. */
export interface ChildOptions {
  /** Options of Node. */
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** As a user whom file permissions bind, where the tests run as one whom they do not. */
  readonly unprivileged?: boolean;
}

/** A script of this folder in a process of its own. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";
  #over = false;
  readonly #watchers = new Set<() => void>();

  constructor(script: string, args: readonly string[], options: ChildOptions = {}) {
    const path = script.startsWith("/") ? script : fileURLToPath(new URL(script, import.meta.url));
    this.process = spawn(process.execPath, [...(options.flags ?? []), path, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      ...(options.unprivileged === true && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.ended = new Promise((resolve) => {
      this.process.on("close", (code, signal) => {
        this.#over = true;
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr, at: performance.now() });
        for (const watcher of this.#watchers) watcher();
      });
    });
  }

  /** Whole lines of its stdout so far. */
  get lines(): readonly string[] {
    return this.#stdout.split("\n").slice(0, -1);
  }

  /** Resolves when a line of stdout is `line`. */
  async says(line: string): Promise<void> {
    await this.#until(() => this.lines.includes(line));
    if (this.lines.includes(line)) return;
    throw new Error(`the process ended without "${line}":\n${this.#stdout}${this.#stderr}`);
  }

  /** Resolves when stdout has so many lines, or the process has ended. */
  async hasSaid(lines: number): Promise<void> {
    await this.#until(() => this.lines.length >= lines);
  }

  async #until(isThere: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#over || isThere()) resolve();
    };
    this.#watchers.add(look);
    look();
    await promise.finally(() => this.#watchers.delete(look));
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

/** Runs a script of this folder to its end. */
export function runChild(...args: ConstructorParameters<typeof Child>): Promise<Ended> {
  return new Child(...args).ended;
}
