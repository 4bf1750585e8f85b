import { createServer, type Server, type Socket } from "node:net";
import { checkToSupervisor } from "./check-supervisor-message.ts";
import { Pool, type PoolTimes } from "./pool.ts";
import type { PoolTask } from "./pool-task.ts";
import { SocketChannel } from "./socket-channel.ts";
import { type ConnectionHost, SupervisorConnection } from "./supervisor-connection.ts";
import { lockHome } from "./supervisor-lock.ts";
import { openSocket, type SocketPlace } from "./supervisor-place.ts";
import type { FromSupervisor, PoolSpec, PoolState, ToSupervisor } from "./supervisor-protocol.ts";

/** Times of a supervisor, in milliseconds. */
export interface SupervisorTimes extends PoolTimes {
  /** Without any pool, after which it ends. */
  readonly idle: number;
}

/** The defaults of {@link SupervisorTimes}. */
const supervisorTimes: SupervisorTimes = {
  stop: 10_000,
  grace: 10_000,
  silence: 30_000,
  heartbeat: 2_000,
  idle: 5_000,
};

/** Which home to supervise. */
export interface SupervisorOptions {
  /** Folder of the home. */
  readonly home: string;
  readonly log: (text: string) => void;
  readonly times?: Partial<SupervisorTimes>;
}

/** Owns the pools of a home, and hands on what drivers and replicas say to each other. */
export class Supervisor implements ConnectionHost {
  readonly ended: Promise<void>;
  readonly #home: string;
  readonly #log: (text: string) => void;
  readonly #times: SupervisorTimes;
  readonly #over = Promise.withResolvers<void>();
  readonly #connections = new Set<SupervisorConnection>();
  /** Those that take tasks. */
  readonly #open = new Map<string, Pool>();
  /** Those whose processes have not all ended. */
  readonly #pools = new Set<Pool>();
  /** How many replicas each actor has had. */
  readonly #numbers = new Map<string, number>();
  #server: Server | undefined;
  #place: SocketPlace | undefined;
  #unlock: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  /** Why it ends as soon as no body executes, if so. */
  #retires: string | undefined;
  #isEnding = false;

  constructor({ home, log, times }: SupervisorOptions) {
    this.#home = home;
    this.#log = log;
    this.#times = { ...supervisorTimes, ...times };
    this.ended = this.#over.promise;
  }

  /**
   * Begins to listen. False if the home has a supervisor already.
   *
   * Rejects with `ACTOR_FAILED` if the home belongs to another user.
   */
  async listen(): Promise<boolean> {
    this.#unlock = lockHome(this.#home);
    if (this.#unlock === undefined) return false;
    try {
      const server = createServer((connected) => this.#connected(connected));
      this.#server = server;
      const place = await openSocket(server, this.#home);
      this.#place = place;
      // Whoever comes to a home that was removed and made again does not find this one, and may start another.
      this.#looks = setInterval(() => {
        if (!place.isThere) this.#retire("its home was removed");
      }, this.#times.heartbeat);
    } catch (error) {
      this.#letGo();
      throw error;
    }
    this.#rest();
    return true;
  }

  /** Ends all pools at once and stops listening; done when their processes have ended. */
  async end(reason: string): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#log(`ends: ${reason}`);
      clearTimeout(this.#idle);
      this.#letGo();
      for (const pool of this.#pools) {
        for (const task of pool.stop(reason)) task.owner.over(task);
      }
      // Drivers see that it is gone when the last words to them have been sent: what has not begun is moved by them.
      for (const connection of this.#connections) connection.close();
      await Promise.all([...this.#pools].map(({ ended }) => ended));
      this.#over.resolve();
    }
    await this.ended;
  }

  poolFor(id: string, spec: PoolSpec): Pool {
    let pool = this.#open.get(id);
    if (pool === undefined) {
      pool = this.#makePool(id, spec);
      this.#open.set(id, pool);
      this.#pools.add(pool);
      clearTimeout(this.#idle);
    } else pool.renew(spec);
    return pool;
  }

  list(): readonly PoolState[] {
    return [...this.#pools].map((pool) => pool.snapshot());
  }

  async stop(id: string | null, now: boolean): Promise<readonly string[]> {
    const pools = [...this.#pools].filter((pool) => id === null || pool.id === id);
    for (const pool of pools) {
      if (!now) pool.drain();
      else for (const task of pool.stop("`reprise actors stop --now`")) this.#move(task, pool);
    }
    await Promise.all(pools.map(({ ended }) => ended));
    return [...new Set(pools.map((pool) => pool.id))];
  }

  retire(): void {
    if (this.#retires === undefined) this.#log("a driver of another version has come");
    this.#retire("it is replaced by one of another version");
  }

  closed(connection: SupervisorConnection): void {
    this.#connections.delete(connection);
  }

  #retire(reason: string): void {
    if (this.#retires !== undefined) return;
    this.#retires = reason;
    this.#rest();
  }

  #connected(socket: Socket): void {
    if (this.#isEnding) {
      socket.destroy();
      return;
    }
    const channel = new SocketChannel<FromSupervisor, ToSupervisor>(socket, checkToSupervisor);
    this.#connections.add(new SupervisorConnection(channel, this));
    this.#rest();
  }

  #makePool(id: string, spec: PoolSpec): Pool {
    const { name } = spec.definition;
    const pool: Pool = new Pool({
      id,
      spec,
      home: this.#home,
      times: this.#times,
      log: this.#log,
      nextId: () => {
        const number = (this.#numbers.get(name) ?? 0) + 1;
        this.#numbers.set(name, number);
        return `${name}-${number}`;
      },
      idle: () => this.#rest(),
      closing: () => {
        if (this.#open.get(id) === pool) this.#open.delete(id);
      },
      ended: () => {
        this.#pools.delete(pool);
        this.#rest();
      },
    });
    return pool;
  }

  /** A task whose pool was stopped before it began makes a new one. */
  #move(task: PoolTask, from: Pool): void {
    const pool = this.poolFor(from.id, from.spec);
    (task.owner as SupervisorConnection).moved(task, pool);
    pool.assign(task);
  }

  /** Ends soon if there is nothing left to do. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#isEnding) return;
    if (this.#retires !== undefined && ![...this.#pools].some(({ isBusy }) => isBusy)) {
      void this.end(this.#retires);
      return;
    }
    if (this.#pools.size > 0) return;
    this.#idle = setTimeout(() => void this.end("there is nothing to do"), this.#times.idle);
  }

  /** Another supervisor may serve the home from now on. */
  #letGo(): void {
    clearInterval(this.#looks);
    this.#server?.close();
    this.#place?.remove();
    this.#unlock?.();
  }
}
