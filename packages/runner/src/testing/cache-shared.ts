import { appendFileSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the processes of one test share: a home, flags that one raises and others await, and a log in order of time. */
export class SharedFolder {
  readonly home: string;
  readonly #flags: string;
  readonly #log: string;

  constructor(folder: string) {
    this.home = join(folder, "home");
    this.#flags = join(folder, "flags");
    this.#log = join(folder, "log");
    mkdirSync(this.#flags, { recursive: true });
  }

  raise(flag: string): void {
    writeFileSync(join(this.#flags, flag), "");
  }

  isRaised(flag: string): boolean {
    return existsSync(join(this.#flags, flag));
  }

  /** Resolves when the flag is raised, also if it was long ago. Rejects when the signal is aborted. */
  async raised(flag: string, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.isRaised(flag)) resolve();
    };
    const watcher = watch(this.#flags, look);
    watcher.on("error", reject);
    const abort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort);
    look();
    try {
      await promise;
    } finally {
      watcher.close();
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Adds a line, whole, behind those that any process has added before. */
  log(line: string): void {
    appendFileSync(this.#log, `${line}\n`);
  }

  /** The log so far. */
  get logged(): readonly string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8").split("\n").slice(0, -1) : [];
  }
}
