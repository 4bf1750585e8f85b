import { mostFailures, type PlannedReplica, type PlannedTask, planPool } from "../pool-plan.ts";
import type { ReplicaState } from "../supervisor-protocol.ts";

/** A replica that does nothing, of a pool that is planned. */
export class SimulatedReplica implements PlannedReplica {
  readonly id: string;
  readonly seen: readonly string[];
  state: ReplicaState["state"] = "ready";
  tasks = 0;
  stuck = 0;
  waiting = 0;
  idleSince = 0;
  held: string | undefined = undefined;

  constructor(id: string, seen: readonly string[] = []) {
    this.id = id;
    this.seen = seen;
  }

  hasSeen(key: string): boolean {
    return this.seen.includes(key);
  }

  holds(task: string): boolean {
    return this.held === task;
  }
}

/** What happens to a pool. */
export interface SimulationOptions {
  readonly min: number;
  /** The maximum is so much above the minimum, and at least 1. */
  readonly more: number;
  readonly concurrency: number;
  /** Milliseconds after the one before, and that it takes. */
  readonly tasks: readonly { readonly after: number; readonly takes: number }[];
  /** Milliseconds until a replica is ready. */
  readonly startsIn: number;
  /** Which replicas cannot start, over and over. */
  readonly failing: readonly boolean[];
}

interface SimulatedTask extends PlannedTask {
  readonly takes: number;
}

/** A pool that goes on by its plans, in a time of its own, to its end. */
export class PoolSimulation {
  /** Numbers of the tasks in the order in which they began. */
  readonly began: number[] = [];
  readonly violations: string[] = [];
  done = 0;
  failed = 0;
  ends: string | undefined = undefined;
  readonly replicas: SimulatedReplica[] = [];
  readonly #options: SimulationOptions;
  readonly #max: number;
  readonly #events: { readonly at: number; readonly act: () => void }[] = [];
  #queue: SimulatedTask[] = [];
  #now = 0;
  #lastUsedAt = 0;
  #started = 0;
  #failures = 0;
  #lastFailureAt = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#max = Math.max(1, options.min + options.more);
    let at = 0;
    for (const [number, { after, takes }] of options.tasks.entries()) {
      at += after;
      this.#events.push({ at, act: () => this.#arrive({ id: `${number}#1`, affinity: null, takes }) });
    }
  }

  run(): this {
    for (let steps = 0; steps < 10_000 && this.violations.length === 0; steps += 1) if (!this.#step()) return this;
    this.violations.push("it goes on for ever");
    return this;
  }

  /** False at the end. */
  #step(): boolean {
    const { min, concurrency } = this.#options;
    const plan = planPool({
      definition: { name: "a", replicas: { min, max: this.#max }, ttl: 1_000, concurrency },
      now: this.#now,
      replicas: this.replicas,
      queue: this.#queue,
      lastUsedAt: this.#lastUsedAt,
      isDraining: false,
      failures: this.#failures,
      lastFailureAt: this.#lastFailureAt,
      notBefore: 0,
    });
    for (const { task, replica } of plan.assign) this.#take(task, replica);
    for (const { replica } of plan.end) this.#end(replica);
    for (let count = 0; count < plan.start; count += 1) this.#start();
    this.#check(this.replicas.length <= this.#max, "more replicas than the maximum");
    if (plan.fails) {
      this.failed += this.#queue.length;
      this.#queue = [];
    }
    this.#check(plan.ends === undefined || this.#queue.length === 0, "it ends while tasks wait");
    if (plan.ends !== undefined && this.#events.length === 0) {
      this.ends = plan.ends;
      return false;
    }
    const next = Math.min(...this.#events.map(({ at }) => at), plan.wakeAt ?? Number.POSITIVE_INFINITY);
    this.#check(Number.isFinite(next), "nothing will ever happen again");
    this.#now = Math.max(this.#now, next);
    for (const event of this.#events.filter(({ at }) => at <= this.#now)) {
      this.#events.splice(this.#events.indexOf(event), 1);
      event.act();
    }
    return true;
  }

  #arrive(task: SimulatedTask): void {
    this.#lastUsedAt = this.#now;
    if (this.#failures >= mostFailures && this.replicas.length === 0) this.#failures = 0;
    this.#queue.push(task);
  }

  #start(): void {
    const { failing, startsIn } = this.#options;
    const replica = new SimulatedReplica(`r${this.#started}`);
    const fails = failing[this.#started % Math.max(1, failing.length)] ?? false;
    replica.state = "starting";
    this.#started += 1;
    this.replicas.push(replica);
    const act = (): void => {
      if (fails) {
        this.replicas.splice(this.replicas.indexOf(replica), 1);
        this.#failures += 1;
        this.#lastFailureAt = this.#now;
        return;
      }
      this.#failures = 0;
      replica.state = "ready";
      replica.idleSince = this.#now;
    };
    this.#events.push({ at: this.#now + startsIn, act });
  }

  #take(task: SimulatedTask, id: string): void {
    const replica = this.replicas.find((one) => one.id === id);
    this.#check(replica?.state === "ready", "a task is given to a replica that is not ready");
    if (replica === undefined) return;
    replica.tasks += 1;
    this.#check(replica.tasks <= this.#options.concurrency, "more tasks than the concurrency");
    this.#queue.splice(this.#queue.indexOf(task), 1);
    this.began.push(Number.parseInt(task.id, 10));
    const act = (): void => {
      replica.tasks -= 1;
      this.done += 1;
      this.#lastUsedAt = this.#now;
      if (replica.tasks === 0) replica.idleSince = this.#now;
    };
    this.#events.push({ at: this.#now + task.takes, act });
  }

  #end(id: string): void {
    const at = this.replicas.findIndex((one) => one.id === id);
    this.#check(this.replicas[at]?.tasks === 0, "a replica with tasks ends");
    this.replicas.splice(at, 1);
  }

  #check(holds: boolean, violation: string): void {
    if (!holds) this.violations.push(`${violation}, at ${this.#now}`);
  }
}
