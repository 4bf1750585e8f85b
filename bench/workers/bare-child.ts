// The limit of worker processes: a child of node that sends back what it gets, and nothing else.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type Elapsed, meanOf, startClock } from "../measure/stopwatch.ts";
import type { TemporaryFolder } from "../temporary-folder.ts";

const program = `process.on("message", (message) => process.send(message));
process.on("disconnect", () => process.exit());
process.send("ready");
`;

/** A message of about 1 KB, as those that start a task and give its result. */
const message = { type: "start", task: "bare", text: "x".repeat(1000) };

/** Writes the program of bare children; returns its file. */
export function bareProgram(folder: TemporaryFolder): string {
  const file = folder.file("bare.mjs");
  writeFileSync(file, program);
  return file;
}

/** Forks a bare child and waits until it says that it is there. */
async function forkBare(file: string): Promise<ChildProcess> {
  const child = fork(file, { execArgv: [], serialization: "json" });
  await once(child, "message");
  return child;
}

/** A bare child that is there. */
export class BareChild implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(file: string): Promise<BareChild> {
    return new BareChild(await forkBare(file));
  }

  /** A message there and back, `count` times one after the other; returns what one takes. */
  async roundTrips(count: number): Promise<Elapsed> {
    const clock = startClock();
    for (let done = 0; done < count; done += 1) await this.#exchange(1);
    return meanOf(clock(), count);
  }

  /** `count` messages at once and back; returns what one takes. */
  async pipelined(count: number): Promise<Elapsed> {
    const clock = startClock();
    await this.#exchange(count);
    return meanOf(clock(), count);
  }

  #exchange(count: number): Promise<void> {
    return new Promise((resolve) => {
      let left = count;
      const heard = (): void => {
        left -= 1;
        if (left > 0) return;
        this.#child.off("message", heard);
        resolve();
      };
      this.#child.on("message", heard);
      for (let sent = 0; sent < count; sent += 1) this.#child.send(message);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, "exit");
  }
}
