import { toFailure } from "../../failure.ts";
import { parseRetry, type RetryOptions, type RetryPolicy } from "../../retry.ts";
import { WorkerLostError } from "../../run-errors.ts";
import type { RunState } from "../../states.ts";
import type { InfrastructureRetry } from "../infrastructure.ts";
import type { SchedulerOptions } from "../options.ts";
import { Queue } from "../queue.ts";
import { type Gate, RunNode, type Wait } from "../run-node.ts";
import { Scheduler } from "../scheduler.ts";

/** A run with a name, and nothing else but what the scheduler keeps. */
export class TestRun extends RunNode<TestRun> {
  readonly label: string;
  readonly retry: RetryPolicy | undefined;
  readonly timeout: number | undefined;
  readonly lane: string | undefined;

  constructor(label: string, parent: TestRun | null, options: TestRunOptions, world: World) {
    super(parent);
    this.retry = options.retry === undefined ? undefined : parseRetry(options.retry, label);
    this.timeout = options.timeout;
    this.lane = options.lane;
    this.tolerate = options.tolerate ?? 0;
    this.label = label;
    this.gate = options.gate;
    this.asksCache = options.asksCache ?? false;
    watchState(this, world);
  }
}

export interface TestRunOptions {
  /** Runs whose values this one needs. */
  readonly needs?: readonly TestRun[];
  readonly retry?: RetryOptions;
  readonly timeout?: number;
  readonly lane?: string;
  readonly tolerate?: number;
  readonly gate?: Gate<TestRun>;
  readonly asksCache?: boolean;
}

/**
 * Plays whoever executes runs: keeps a clock that moves only when told, writes down what the scheduler asks for, and
 * answers only when a test says so. Results are published and put together at once, unless {@link World.holds} says
 * otherwise.
 */
export class World {
  readonly scheduler: Scheduler<TestRun>;
  now = 1_000;
  /** Labels of the bodies that were told to start, in order. */
  readonly started: string[] = [];
  /** Labels of the runs that asked the cache, in order; tests answer. */
  readonly lookups: string[] = [];
  /** Labels of the bodies that were told to stop, with the attempt: `a#1`. */
  readonly aborted: string[] = [];
  /** Waits whose result was handed over. */
  readonly delivered: Wait<TestRun>[] = [];
  readonly retried: {
    readonly label: string;
    readonly delay: number;
    readonly infrastructure: InfrastructureRetry | undefined;
  }[] = [];
  /** Every change of state, as `label STATE`. */
  readonly changes: string[] = [];
  /** What the scheduler said of states, which may leave out some that lasted no time. */
  readonly announced = new Set<string>();
  ended = false;
  /** Commands of this kind are not answered; tests answer them. */
  readonly holds = new Set<"publish" | "assemble">();

  constructor(options: Partial<SchedulerOptions> = {}) {
    this.scheduler = new Scheduler({ concurrency: 64, announce: true, ...options });
  }

  /** A new run in the graph. */
  run(label: string, parent: TestRun | null = null, options: TestRunOptions = {}): TestRun {
    const run = new TestRun(label, parent, options, this);
    this.scheduler.create(run, options.needs ?? [], this.now);
    this.settle();
    return run;
  }

  /** A root whose body executes. */
  root(options: TestRunOptions = {}): TestRun {
    return this.run("root", null, options);
  }

  /** Lets the clock move. */
  pass(ms: number): void {
    this.now += ms;
    this.scheduler.tick(this.now);
    this.settle();
  }

  /** Lets the clock move, with a tick whenever the scheduler asked for one. */
  live(ms: number): void {
    const end = this.now + ms;
    for (let { nextTick } = this.scheduler; nextTick !== undefined && nextTick <= end; { nextTick } = this.scheduler) {
      this.pass(Math.max(nextTick - this.now, 0));
    }
    this.pass(end - this.now);
  }

  /** The body of a run that was handed over begins. */
  begins(run: TestRun, options: { readonly attempt?: number } = {}): boolean {
    const counted = this.scheduler.started(run, options.attempt ?? run.attempt, this.now);
    this.settle();
    return counted;
  }

  /** What executes a run, or was to do so, is gone. */
  loses(
    run: TestRun,
    options: {
      readonly error?: unknown;
      readonly isFinal?: boolean;
      readonly random?: number;
      readonly attempt?: number;
    } = {},
  ): boolean {
    const failure = toFailure(options.error ?? new WorkerLostError(`the worker of ${run.label} is gone`));
    const { attempt = run.attempt, random = 0, isFinal } = options;
    const counted = this.scheduler.lost(run, attempt, failure, random, this.now, isFinal);
    this.settle();
    return counted;
  }

  /** The body of a run ends with a value; `assembles` if futures are in it. */
  returns(run: TestRun, options: { readonly assembles?: boolean; readonly attempt?: number } = {}): boolean {
    const counted = this.scheduler.returned(run, options.attempt ?? run.attempt, options.assembles ?? false, this.now);
    this.settle();
    return counted;
  }

  /** The body of a run throws, by default an error of its own; `child` is the run whose failure it passes on. */
  throws(
    run: TestRun,
    options: {
      readonly error?: unknown;
      readonly child?: TestRun;
      readonly random?: number;
      readonly attempt?: number;
    } = {},
  ): boolean {
    const failure = toFailure(options.error ?? new Error(`${run.label} broke`));
    const attempt = options.attempt ?? run.attempt;
    const counted = this.scheduler.threw(run, attempt, failure, options.child, options.random ?? 0, this.now);
    this.settle();
    return counted;
  }

  /** The cache has nothing for a run. */
  misses(run: TestRun): void {
    this.scheduler.missed(run, this.now);
    this.settle();
  }

  /** The cache has a result for a run; false if that comes too late. */
  hits(run: TestRun): boolean {
    const counted = this.scheduler.reused(run, this.now);
    this.settle();
    return counted;
  }

  /** A body waits for a run; undefined if there is nothing to wait for. */
  waits(waiter: TestRun, source: TestRun): Wait<TestRun> | undefined {
    const wait = this.scheduler.wait(waiter, source);
    this.settle();
    return wait;
  }

  cancels(run: TestRun, reason = "enough"): boolean {
    const canceled = this.scheduler.cancel(run, reason, this.now);
    this.settle();
    return canceled;
  }

  publish(run: TestRun): void {
    this.scheduler.published(run, this.now);
    this.settle();
  }

  assemble(run: TestRun): void {
    this.scheduler.assembled(run, this.now);
    this.settle();
  }

  /** Carries out what the scheduler asks for, until it asks for nothing. */
  settle(): void {
    for (;;) {
      const command = this.scheduler.take();
      if (command === undefined) {
        this.scheduler.dispatch(this.now, 1);
        const next = this.scheduler.take();
        if (next === undefined) return;
        this.#carryOut(next);
      } else this.#carryOut(command);
    }
  }

  #carryOut(command: NonNullable<ReturnType<Scheduler<TestRun>["take"]>>): void {
    switch (command.type) {
      case "changed":
        this.announced.add(`${command.node.label} ${command.node.state}`);
        break;
      case "lookup":
        this.lookups.push(command.node.label);
        break;
      case "start":
        this.started.push(command.node.label);
        break;
      case "retry":
        this.retried.push({
          label: command.node.label,
          delay: command.delay,
          infrastructure: command.infrastructure,
        });
        break;
      case "assemble":
        if (!this.holds.has("assemble")) this.scheduler.assembled(command.node, this.now);
        break;
      case "publish":
        if (!this.holds.has("publish")) this.scheduler.published(command.node, this.now);
        break;
      case "deliver":
        this.delivered.push(command.wait);
        break;
      case "abort":
        this.aborted.push(`${command.node.label}#${command.attempt}`);
        break;
      case "ended":
        this.ended = true;
        break;
    }
  }
}

/** Writes down every state that a run is ever in, also those that it leaves at once. */
function watchState(run: TestRun, world: World): void {
  let { state } = run;
  world.changes.push(`${run.label} ${state}`);
  Object.defineProperty(run, "state", {
    get: () => state,
    set: (next: RunState) => {
      state = next;
      world.changes.push(`${run.label} ${state}`);
    },
  });
}

/** A gate that lets `limit` runs through at a time. */
export function gateFor(limit: number): Gate<TestRun> {
  return { limit, active: 0, queue: new Queue<TestRun>() };
}

/** The states of runs, by label. */
export function statesOf(...runs: readonly TestRun[]): Record<string, RunState> {
  return Object.fromEntries(runs.map((run) => [run.label, run.state]));
}
