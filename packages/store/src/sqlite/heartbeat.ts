import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";

/** How a process says that it is alive while it does what others wait for. */
export interface LeaseTimes {
  /** Milliseconds from one sign of life to the next. Default: 10,000. */
  readonly heartbeat?: number;
  /** Milliseconds of silence after which others take over what it holds. Default: 30,000. */
  readonly grace?: number;
}

/** The defaults of {@link LeaseTimes}. */
export const defaultLease: Required<LeaseTimes> = { heartbeat: 10_000, grace: 30_000 };

/** What a heartbeat writes, and how often. */
export interface HeartbeatOptions {
  /** Path of the database file. */
  readonly place: string;
  /** A beat: one SQL statement, which finds no row when there is nothing more to say. */
  readonly statement: string;
  readonly parameters: readonly (number | string)[];
  /** Milliseconds from one beat to the next. */
  readonly interval: number;
  /** Whether the first beat comes at once instead of after an interval. */
  readonly atOnce: boolean;
}

// As text, because a bundler would not find a file of its own; it needs nothing but Node. It sleeps without an event loop,
// so that one word in shared memory ends it. A beat that fails is tried again soon: the file may be locked or gone for a
// moment, and whoever holds the lease is not to hear of it.
const program = `
const { workerData } = require("node:worker_threads");
process.emitWarning = () => {};
const { DatabaseSync } = require("node:sqlite");
const { existsSync } = require("node:fs");
const { place, url, statement, parameters, interval, atOnce, ended } = workerData;
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
let pause = atOnce ? 0 : interval;
while (Atomics.wait(ended, 0, 0, pause) === "timed-out") {
  try {
    if (database === undefined) {
      database = open();
      database.exec("PRAGMA busy_timeout = 500; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000");
      beat = database.prepare(statement);
    }
    beat.run(...parameters);
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
 * Says in a database that this process is alive, from a thread of its own: an event loop that is blocked for minutes by
 * a body loses no lease. It never keeps the process alive, and its errors end nothing but itself.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #ended = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Begins, or begins again if the thread has died; does nothing while it runs. */
  start(): void {
    if (this.#worker !== undefined) return;
    const url = `${pathToFileURL(this.#options.place).href}?mode=rw`;
    const own = { ...this.#options, url, ended: this.#ended };
    try {
      const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(program, {
        eval: true,
        name: "reprise-lease",
        execArgv: [],
        env: {},
        workerData: own,
      });
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
