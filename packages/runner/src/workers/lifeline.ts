import { fstatSync } from "node:fs";

/** What the thread that watches over a worker process does. */
export interface LifelineOptions {
  /** Milliseconds between signs of life. */
  readonly heartbeat: number;
  /** Most memory that the process may use, in bytes; null: no limit. */
  readonly memory: number | null;
}

/** The pipe to whoever has started this process. */
const lifelineFd = 4;

// As text, because a bundler would not find a file of its own. It sleeps without an event loop, so it needs nothing of the
// thread in which bodies execute, who may block it for hours. A pipe whose other end is gone is the only way to notice then
// that the driver was killed; with the group go all processes that bodies have started.
const program = `
const { workerData } = require("node:worker_threads");
process.emitWarning = () => {};
const { writeSync } = require("node:fs");
const { fd, heartbeat, memory, ended } = workerData;
const end = () => {
  try { process.kill(-process.pid, "SIGKILL"); } catch {}
  process.kill(process.pid, "SIGKILL");
};
const say = (text) => {
  try {
    writeSync(fd, text);
    return true;
  } catch (error) {
    return error.code === "EAGAIN";
  }
};
const pause = memory === null ? heartbeat : Math.min(50, heartbeat);
let next = 0;
for (let now = Date.now(); ; now = Date.now()) {
  if (memory !== null && process.memoryUsage.rss() > memory) {
    say("M");
    end();
  }
  if (now >= next) {
    if (!say(".")) end();
    next = now + heartbeat;
  }
  if (Atomics.wait(ended, 0, 0, pause) !== "timed-out") break;
}
`;

/**
 * Begins to watch over this process from a thread of its own: it gives signs of life, also while the event loop is blocked;
 * it ends the process, with all that it has started, when whoever has started it is gone; and when it uses too much memory.
 * Does nothing in a process that has no such pipe. The function that it gives ends it.
 */
export function watchOver({ heartbeat, memory }: LifelineOptions): () => void {
  const ended = new Int32Array(new SharedArrayBuffer(4));
  if (!hasLifeline()) return () => undefined;
  const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(program, {
    eval: true,
    name: "reprise lifeline",
    execArgv: [],
    env: {},
    workerData: { fd: lifelineFd, heartbeat, memory, ended },
  });
  worker.unref();
  worker.on("error", () => undefined);
  return () => {
    Atomics.store(ended, 0, 1);
    Atomics.notify(ended, 0);
  };
}

function hasLifeline(): boolean {
  try {
    const pipe = fstatSync(lifelineFd);
    return pipe.isSocket() || pipe.isFIFO();
  } catch {
    return false;
  }
}
