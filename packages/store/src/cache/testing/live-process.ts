import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { storeIndex } from "../../testing/processes.ts";

/** A process that tells, line by line, what it does, and can be stopped and killed meanwhile. */
export class LiveProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /**
   * Runs a script (a module's text) that sees this package as `store`, the builders of `entries.ts` and, for the one
   * that holds its `end` until it is let go, `released`: a promise.
   */
  constructor(script: string) {
    this.#child = spawn(process.execPath, ["--input-type=module", "-e", prologue + script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    onTestFinished(() => {
      this.#child.kill("SIGKILL");
    });
  }

  /** The next line that it prints; undefined once it has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  /** Lets it go on behind `await released`. */
  release(): void {
    this.#child.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills it; done when it is gone. */
  async kill(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Beginning of the scripts of other processes. */
export const prologue = `
  import * as store from ${JSON.stringify(storeIndex)};
  import { ask, keyOf, leaseOf, put, request, write } from ${JSON.stringify(new URL("./entries.ts", import.meta.url).href)};
  const released = new Promise((resolve) => process.stdin.resume().once("end", resolve));
`;

/** Asks again and again until the answer is of use. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
