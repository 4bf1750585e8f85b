import { version } from "@reprise/core";
import type { Channel } from "../workers/channel.ts";
import type { TaskId } from "../workers/protocol.ts";
import type { Pool } from "./pool.ts";
import { poolId } from "./pool-spec.ts";
import { PoolTask, type TaskOwner } from "./pool-task.ts";
import {
  type FromSupervisor,
  type PoolSpec,
  type PoolState,
  supervisorProtocol,
  type ToSupervisor,
} from "./supervisor-protocol.ts";

/** What a connection needs of the supervisor. */
export interface ConnectionHost {
  /** The pool of that identity, made if there is none that takes tasks. */
  poolFor(id: string, spec: PoolSpec): Pool;
  list(): readonly PoolState[];
  /** Ends pools, and resolves with their ids when their processes have ended. */
  stop(pool: string | null, now: boolean): Promise<readonly string[]>;
  /** Somebody speaks another version: the supervisor is to end as soon as it can. */
  retire(): void;
  closed(connection: SupervisorConnection): void;
}

interface HeldTask {
  readonly task: PoolTask;
  pool: Pool;
}

/** A driver, or a command, that is connected to the supervisor. */
export class SupervisorConnection implements TaskOwner {
  readonly #channel: Channel<FromSupervisor, ToSupervisor>;
  readonly #host: ConnectionHost;
  readonly #specs = new Map<number, { readonly id: string; readonly spec: PoolSpec }>();
  readonly #tasks = new Map<TaskId, HeldTask>();
  #isWelcome = false;

  constructor(channel: Channel<FromSupervisor, ToSupervisor>, host: ConnectionHost) {
    this.#channel = channel;
    this.#host = host;
    channel.onClose(() => this.#gone());
    channel.onMessage((message) => this.#hear(message));
  }

  send(message: FromSupervisor): void {
    this.#channel.send(message);
  }

  over(task: PoolTask): void {
    if (this.#tasks.get(task.id)?.task === task) this.#tasks.delete(task.id);
  }

  /** A task waits in another pool from now on. */
  moved(task: PoolTask, pool: Pool): void {
    const held = this.#tasks.get(task.id);
    if (held?.task === task) held.pool = pool;
  }

  close(): void {
    this.#channel.close();
  }

  #hear(message: ToSupervisor): void {
    if (message.type === "hello") {
      this.send({ type: "welcome", protocol: supervisorProtocol, version, pid: process.pid });
      if (message.protocol === supervisorProtocol) this.#isWelcome = true;
      else this.#host.retire();
      return;
    }
    // Of another version nothing but its greeting is understood.
    if (!this.#isWelcome) return;
    switch (message.type) {
      case "pool": {
        const id = poolId(message.spec);
        this.#specs.set(message.token, { id, spec: message.spec });
        this.send({ type: "pool", token: message.token, id });
        return;
      }
      case "assign":
        this.#assign(message);
        return;
      case "answer":
        this.#answer(message.message);
        return;
      case "list":
        this.send({ type: "pools", pools: this.#host.list() });
        return;
      case "stop":
        void this.#host.stop(message.pool, message.now).then((pools) => this.send({ type: "stopped", pools }));
    }
  }

  #assign({ token, message, label, affinity }: Extract<ToSupervisor, { readonly type: "assign" }>): void {
    const known = this.#specs.get(token);
    // A message that came twice does no harm.
    if (known === undefined || this.#tasks.has(message.task)) return;
    const pool = this.#host.poolFor(known.id, known.spec);
    const task = new PoolTask(message, label, affinity, this);
    this.#tasks.set(task.id, { task, pool });
    pool.assign(task);
  }

  #answer(message: Extract<ToSupervisor, { readonly type: "answer" }>["message"]): void {
    const held = this.#tasks.get(message.task);
    if (held === undefined) return;
    if (message.type === "cancel") held.pool.cancel(held.task, message.reason);
    else held.pool.answer(held.task, message);
  }

  /** Nobody waits for its tasks any more. */
  #gone(): void {
    for (const { task, pool } of this.#tasks.values()) pool.cancel(task, "its driver is gone");
    this.#host.closed(this);
  }
}
