import type { ExecutorLane } from "./executor.ts";
import type { PoolTask } from "./pool-task.ts";
import type { Surroundings, WorkerKind } from "./worker-kind.ts";

/** The bodies of one lane, which share a limit, in this pool. */
export class LaneState {
  readonly lane: ExecutorLane;
  /** What the process had around it when the lane handed over its first task. */
  readonly surroundings: Surroundings;
  /** Kinds of workers for its tasks, by amounts of memory as funcs name them. */
  readonly kinds = new Map<string, WorkerKind>();
  /** Tasks above the limit that no busy worker takes, in their order. */
  readonly held: PoolTask[] = [];
  /** How many of its tasks execute, or are the next to do so at a worker of their own. Those that wait do not count. */
  #taken = 0;
  #order = 0;

  constructor(lane: ExecutorLane, surroundings: Surroundings) {
    this.lane = lane;
    this.surroundings = surroundings;
  }

  get hasPlace(): boolean {
    return this.#taken < this.lane.limit;
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  /** Keeps a task until there is a place; one that had been handed on and came back goes where it was. */
  hold(task: PoolTask): void {
    const at = this.held.findLastIndex(({ order }) => order < task.order);
    this.held.splice(at + 1, 0, task);
  }

  count(task: PoolTask): void {
    if (task.isCounted) return;
    task.isCounted = true;
    this.#taken += 1;
  }

  uncount(task: PoolTask): void {
    if (!task.isCounted) return;
    task.isCounted = false;
    this.#taken -= 1;
  }
}
