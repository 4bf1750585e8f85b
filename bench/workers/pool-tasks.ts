// Tasks of the process pool without a runner: what messages and workers cost before anything is recorded.
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
// oxlint-disable-next-line eslint/no-restricted-imports -- users reach the codec only through runs; here it makes the arguments
import { encode } from "@reprise/core";
// oxlint-disable-next-line eslint/no-restricted-imports -- users reach the pool only through runners; here it is measured alone
import { poolOf, type ProcessPool } from "../../packages/runner/src/workers/process-pool.ts";
import { type Elapsed, meanOf, startClock } from "../measure/stopwatch.ts";
import { TemporaryFolder } from "../temporary-folder.ts";

const file = fileURLToPath(new URL("./funcs.ts", import.meta.url));
const lane = { name: "standalone", limit: 1 };

/** A pool of one worker that is there. */
export class PoolTasks implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #pool: ProcessPool;
  readonly #root = randomUUID();
  #count = 0;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.#pool = poolOf({ home: folder.path, program: { kind: "files", files: [file] } });
  }

  static async start(): Promise<PoolTasks> {
    const tasks = new PoolTasks(await TemporaryFolder.make());
    await tasks.#execute(0);
    return tasks;
  }

  /** `count` tasks, each after the one before; returns what one takes. */
  async roundTrips(count: number): Promise<Elapsed> {
    const clock = startClock();
    for (let done = 0; done < count; done += 1) await this.#execute(done);
    return meanOf(clock(), count);
  }

  /** `count` tasks, as many at once as a lane hands over; returns what one takes. */
  async pipelined(count: number): Promise<Elapsed> {
    const clock = startClock();
    let begun = 0;
    const goOn = async (): Promise<void> => {
      while (begun < count) await this.#execute(begun++);
    };
    await Promise.all(Array.from({ length: lane.limit + Math.max(8, this.#pool.backlog(lane)) }, goOn));
    return meanOf(clock(), count);
  }

  #execute(value: number): Promise<void> {
    this.#count += 1;
    const run = this.#root.slice(0, 24) + this.#count.toString(16).padStart(12, "0");
    const { digest, bytes } = encode(value);
    const stored = { id: digest, size: bytes.length, document: Buffer.from(bytes).toString("base64") };
    return new Promise((resolve, reject) => {
      this.#pool.start({
        lane,
        label: "workers.next",
        resources: undefined,
        affinity: undefined,
        message: {
          type: "start",
          task: `${run}#1`,
          run,
          root: this.#root,
          func: "workers.next",
          file,
          attempt: 1,
          args: [{ stored, parts: [] }],
        },
        receive: (message) => {
          if (message.type === "result") resolve();
          else if (message.type === "failed") reject(new Error(message.failure.message));
        },
        lost: (failure) => reject(new Error(failure.message)),
        placed: () => undefined,
        waits: () => undefined,
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
