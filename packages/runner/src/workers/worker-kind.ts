import { workerExecArgv } from "./exec-argv.ts";
import type { PoolTask } from "./pool-task.ts";
import type { PoolWorker } from "./pool-worker.ts";

/** What a process has around it, and gives to those that it starts. */
export interface Surroundings {
  readonly key: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execArgv: readonly string[];
  /** The arguments of its program: what modules make of them when they are loaded is to be the same everywhere. */
  readonly args: readonly string[];
}

/** Those of this process now. */
export function surroundingsNow(): Surroundings {
  const args = process.argv.slice(2);
  const own = { cwd: process.cwd(), env: { ...process.env }, execArgv: workerExecArgv(), args };
  return { ...own, key: JSON.stringify(own) };
}

/** Workers that can do each other's tasks: equal surroundings, equal memory. */
export class WorkerKind {
  readonly key: string;
  readonly surroundings: Surroundings;
  /** In bytes; null: no limit. */
  readonly memory: number | null;
  /** Ready and without a task; the last one has worked last. */
  readonly idle: PoolWorker[] = [];
  readonly busy = new Set<PoolWorker>();
  /** How many have been started and are not ready. */
  starting = 0;
  /** Tasks with a place in their lanes, for which workers are started: whichever is there first takes the first of them. */
  readonly waiting: PoolTask[] = [];

  constructor(key: string, surroundings: Surroundings, memory: number | null) {
    this.key = key;
    this.surroundings = surroundings;
    this.memory = memory;
  }

  /** Whether some worker executes a body that waits for no other: it will be there for the next. */
  get goesOn(): boolean {
    return this.busy
      .values()
      .some(({ tasks: [first] }) => first !== undefined && !first.isWaiting && !first.isCanceled);
  }

  get isEmpty(): boolean {
    return this.busy.size === 0 && this.idle.length === 0 && this.starting === 0 && this.waiting.length === 0;
  }
}
