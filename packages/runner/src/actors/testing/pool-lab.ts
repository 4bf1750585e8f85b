import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Home } from "@reprise/store";
import { onTestFinished } from "vitest";
import { homeOf, temporaryFolder } from "../../testing/temporary-home.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import { ActorExecutor } from "../actor-executor.ts";
import { findSupervisor } from "../supervisor-client.ts";
import { listPools, stopPools } from "../supervisor-control.ts";
import type { PoolState } from "../supervisor-protocol.ts";
import { Supervisor, type SupervisorTimes } from "../supervisor-server.ts";
import { Gate } from "../../testing/gate.ts";
import { replicaProgram, tested } from "./tested-actor.ts";
import { TestTask } from "./test-task.ts";

/** What a test of pools has: a home, drivers, and a gate at which bodies wait. */
export class PoolLab {
  readonly gate = new Gate();
  readonly home: Home;
  readonly log: string[] = [];
  readonly #watchers = new Set<() => void>();
  supervisor: Supervisor | undefined;
  endOther: () => void = () => undefined;

  private constructor(home: Home) {
    this.home = home;
  }

  /** With supervisors in processes of their own, as drivers start them. */
  static async alone(path = temporaryFolder()): Promise<PoolLab> {
    const lab = new PoolLab(await homeOf(path));
    onTestFinished(() => lab.endSupervisor());
    return lab;
  }

  /** With one of another version, until {@link endOther}; it answers nothing but greetings. */
  static async other(): Promise<PoolLab> {
    const lab = await PoolLab.alone();
    const connected = new Set<Socket>();
    const server = createServer((socket) => {
      connected.add(socket.on("error", () => undefined));
      socket.write('{"type":"welcome","protocol":99,"version":"9.0.0","pid":1}\n');
    });
    await new Promise<void>((resolve) => server.listen(join(lab.home.path, "supervisor.sock"), resolve));
    lab.endOther = () => {
      server.close();
      for (const socket of connected) socket.destroy();
    };
    return lab;
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

  /** Number of the process of the supervisor; undefined if there is none. */
  async supervisorPid(): Promise<number | undefined> {
    const welcome = await findSupervisor(this.home.path);
    welcome?.channel.close();
    return welcome?.pid;
  }

  /** Ends the process of the supervisor; done when it no longer serves the home, and all replicas are gone. */
  async endSupervisor(): Promise<void> {
    const found = await findSupervisor(this.home.path);
    if (found === undefined) return;
    const closed = new Promise<void>((resolve) => found.channel.onClose(() => resolve()));
    process.kill(found.pid, "SIGTERM");
    await closed;
  }

  /** A driver of its own. */
  driver(changes: Partial<ActorDefinition> = {}): TestDriver {
    const environment = { ...tested, ...changes, env: { GATE: this.gate.path, ...changes.env } };
    const executor = new ActorExecutor({ home: this.home, program: replicaProgram, environment });
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
