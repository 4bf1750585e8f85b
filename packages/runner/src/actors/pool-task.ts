import type { StartMessage, TaskId } from "../workers/protocol.ts";
import type { PlannedTask } from "./pool-plan.ts";
import type { Replica } from "./replica.ts";
import type { FromSupervisor } from "./supervisor-protocol.ts";

/** Whoever has given a task, and hears of it. */
export interface TaskOwner {
  send(message: FromSupervisor): void;
  /** The task is over, or lost: nothing more will be said of it. */
  over(task: PoolTask): void;
}

/** A task in a pool, from its arrival to its end. */
export class PoolTask implements PlannedTask {
  readonly id: TaskId;
  readonly message: StartMessage;
  /** Func and run. */
  readonly label: string;
  readonly affinity: string | null;
  readonly owner: TaskOwner;
  /** Undefined while it is in the queue. */
  replica: Replica | undefined = undefined;
  /** When its body began, in ms since 1970 UTC; null before. */
  startedAt: number | null = null;
  /** Open waits for other runs, by their numbers. */
  readonly waits = new Set<number>();
  /** Why it is to stop; undefined while it counts. */
  canceled: string | undefined = undefined;
  /** It was told to stop long ago, and has not. */
  isStuck = false;
  /** Makes it stuck. */
  patience: NodeJS.Timeout | undefined = undefined;
  /** What its owner was told that it waits for. */
  reason: string | undefined = undefined;
  /** How often it was moved away from a replica that ended before it began. */
  moves = 0;

  constructor(message: StartMessage, label: string, affinity: string | null, owner: TaskOwner) {
    this.id = message.task;
    this.message = message;
    this.label = label;
    this.affinity = affinity;
    this.owner = owner;
  }
}
