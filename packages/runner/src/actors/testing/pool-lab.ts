import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Home } from "@reprise/store";
import { onTestFinished } from "vitest";
import { homeOf, temporaryFolder } from "../../testing/temporary-home.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import { ActorExecutor } from "../actor-executor.ts";
import { listPools, stopPools } from "../supervisor-control.ts";
import type { PoolState } from "../supervisor-protocol.ts";
import { Supervisor, type SupervisorTimes } from "../supervisor-server.ts";
import { Gate } from "./gate.ts";
import { TestTask } from "./test-task.ts";

/** The environment of the tests: one replica, that lives long enough. */
export const tested: ActorDefinition = {
  name: "tested",
  replicas: { min: 0, max: 1 },
  ttl: 60_000,
  concurrency: 1,
  resources: undefined,
  env: {},
  isolation: "shared",
};

const file = fileURLToPath(new URL("replica-program.ts", import.meta.url));

/** What a test of pools has: a home, drivers, and a gate at which bodies wait. */
export class PoolLab {
  readonly gate = new Gate();
  readonly home: Home;
  readonly log: string[] = [];
  readonly #watchers = new Set<() => void>();
  supervisor: Supervisor | undefined;

  private constructor(home: Home) {
    this.home = home;
  }

  /** With a supervisor in this process. */
  static async open(times: Partial<SupervisorTimes> = {}): Promise<PoolLab> {
    const lab = new PoolLab(await homeOf(temporaryFolder()));
    const supervisor = new Supervisor({ home: lab.home.path, times, log: (text) => lab.#note(text) });
    lab.supervisor = supervisor;
    await supervisor.listen();
    onTestFinished(() => supervisor.end("the test is over"));
    return lab;
  }

  /** A driver of its own. */
  driver(changes: Partial<ActorDefinition> = {}): TestDriver {
    const environment = { ...tested, ...changes, env: { GATE: this.gate.path, ...changes.env } };
    const executor = new ActorExecutor({ home: this.home, program: { kind: "files", files: [file] }, environment });
    onTestFinished(() => executor[Symbol.dispose]());
    return new TestDriver(executor);
  }

  /** Resolves when this was logged, so many times. */
  async logged(text: RegExp, times = 1): Promise<void> {
    while (this.log.filter((line) => text.test(line)).length < times) {
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }

  /** Resolves when it holds; looked at again and again, for what nobody tells. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await pause(5);
  }

  #note(text: string): void {
    this.log.push(text);
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }

  stop(pools: readonly string[], now: boolean): Promise<void> {
    return stopPools(this.home.path, pools, { now });
  }

  pools(): Promise<readonly PoolState[]> {
    return listPools(this.home.path);
  }
}

/** A driver that hands over tasks of the program of the tests. */
export class TestDriver {
  readonly executor: ActorExecutor;

  constructor(executor: ActorExecutor) {
    this.executor = executor;
  }

  start(...task: ConstructorParameters<typeof TestTask>): TestTask {
    return new TestTask(...task).startIn(this.executor);
  }

  disconnect(): void {
    this.executor[Symbol.dispose]();
  }
}
