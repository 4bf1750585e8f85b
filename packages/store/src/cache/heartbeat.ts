import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { databaseTime } from "./cache-schema.ts";

// As text, because a bundler would not find a file of its own; it needs nothing but Node. It sleeps without an event loop,
// so that one word in shared memory ends it. A beat that fails is tried again soon: the file may be locked or gone for a
// moment, and whoever holds the lease is not to hear of it.
const program = `
const { workerData } = require("node:worker_threads");
process.emitWarning = () => {};
const { DatabaseSync } = require("node:sqlite");
const { existsSync } = require("node:fs");
const { place, url, owner, interval, ended } = workerData;
// A file that somebody has removed must not come into being again by a beat. The first releases with SQLite know no URLs.
const open = () => {
  try {
    return new DatabaseSync(url);
  } catch (error) {
    if (!existsSync(place)) throw error;
    return new DatabaseSync(place);
  }
};
let database;
let beat;
let pause = interval;
while (Atomics.wait(ended, 0, 0, pause) === "timed-out") {
  try {
    if (database === undefined) {
      database = open();
      database.exec("PRAGMA busy_timeout = 500; PRAGMA synchronous = NORMAL");
      beat = database.prepare("UPDATE owners SET heartbeat_at = ${databaseTime} WHERE key = ?");
    }
    beat.run(owner);
    pause = interval;
  } catch {
    try { database?.close(); } catch {}
    database = undefined;
    pause = Math.min(interval, 250);
  }
}
try { database?.close(); } catch {}
`;

/**
 * Says in the database that this process is alive, from a thread of its own: an event loop that is blocked for minutes by
 * a body loses no lease. It never keeps the process alive, and its errors end nothing but itself.
 */
export class Heartbeat {
  readonly #place: string;
  readonly #owner: number;
  readonly #interval: number;
  readonly #ended = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;

  /** @param interval milliseconds from one beat to the next. */
  constructor(place: string, owner: number, interval: number) {
    this.#place = place;
    this.#owner = owner;
    this.#interval = interval;
  }

  /** Begins, or begins again if the thread has died; does nothing while it runs. */
  start(): void {
    if (this.#worker !== undefined) return;
    const url = `${pathToFileURL(this.#place).href}?mode=rw`;
    const own = { place: this.#place, url, owner: this.#owner, interval: this.#interval, ended: this.#ended };
    try {
      const worker = new Worker(program, { eval: true, name: "reprise-lease", execArgv: [], env: {}, workerData: own });
      worker.unref();
      worker.on("error", () => undefined);
      worker.on("exit", () => {
        this.#worker = undefined;
      });
      this.#worker = worker;
    } catch {
      // No thread can be made now: without a beat the lease ends after its grace, and the next lease tries again.
    }
  }

  /** Ends it for good; done when the thread has let go of the file. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    Atomics.store(this.#ended, 0, 1);
    Atomics.notify(this.#ended, 0);
    if (worker === undefined) return;
    await new Promise<void>((resolve) => {
      worker.ref();
      worker.once("exit", () => {
        resolve();
      });
    });
  }
}
