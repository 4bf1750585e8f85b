import { type Failure, RepriseError, toFailure } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import type { Assignment, Executor, RemoteTask } from "../workers/executor.ts";
import type { AnswerMessage, TaskId, TaskMessage } from "../workers/protocol.ts";
import { lostFailure } from "../workers/lost-failure.ts";
import { type PoolOwner, poolId, poolSpec } from "./pool-spec.ts";
import { reachSupervisor, type SupervisorChannel } from "./supervisor-client.ts";
import type { FromSupervisor } from "./supervisor-protocol.ts";

/** A task that was handed to the executor and is not over. */
interface HeldTask {
  readonly id: TaskId;
  readonly assignment: Assignment;
  isSent: boolean;
  hasBegun: boolean;
  isCanceled: boolean;
  /** How often its supervisor was lost before it began. */
  moves: number;
  /** What it was told that it waits for. */
  reason: string | undefined;
}

/** A connection on which the pool is known. */
interface Link {
  readonly channel: SupervisorChannel;
  /** The pool in words. */
  readonly pool: string;
}

/** So often a task that has not begun is handed to another supervisor. */
const mostMoves = 2;
/** How this driver calls its only pool on a connection. */
const token = 1;

const executors = new Map<string, ActorExecutor>();

/** The executor of an actor for all pipeline runs of this process. */
export function actorExecutorOf(owner: PoolOwner): ActorExecutor {
  const key = JSON.stringify([owner.home.path, owner.program, owner.environment]);
  let executor = executors.get(key);
  if (executor === undefined) {
    executor = new ActorExecutor(owner);
    executors.set(key, executor);
  }
  return executor;
}

/**
 * Executes bodies on the replicas of an actor. They belong to the supervisor of the home, which is found, or started, when
 * there is a first task, so that they are there still when this process has ended. If the supervisor ends, tasks that have
 * begun are lost, and the others go to its successor.
 */
export class ActorExecutor implements Executor, Disposable {
  readonly #owner: PoolOwner;
  readonly #tasks = new Map<TaskId, HeldTask>();
  #link: Promise<Link> | undefined = undefined;
  /** The connection that is open. */
  #channel: SupervisorChannel | undefined = undefined;

  constructor(owner: PoolOwner) {
    this.#owner = owner;
  }

  start(assignment: Assignment): RemoteTask {
    const held: HeldTask = {
      id: assignment.message.task,
      assignment,
      isSent: false,
      hasBegun: false,
      isCanceled: false,
      moves: 0,
      reason: undefined,
    };
    this.#tasks.set(held.id, held);
    void this.#hand(held);
    return {
      answer: (message) => this.#answer(held, message),
      cancel: (reason) => this.#cancel(held, reason),
    };
  }

  /** None: what waits for a place waits where all drivers can see it. */
  backlog(): number {
    return 0;
  }

  /** Closes the connection: what executes is canceled, and lost. */
  [Symbol.dispose](): void {
    const channel = this.#channel;
    this.#channel = undefined;
    this.#link = undefined;
    channel?.close();
    for (const held of this.#tasks.values())
      this.#lose(held, lostFailure("its driver has closed the connection"), false);
  }

  async #hand(held: HeldTask): Promise<void> {
    let link: Link;
    try {
      link = await this.#connect();
    } catch (error) {
      if (!this.#remove(held)) return;
      const { stack: _, ...failure } = toFailure(
        RepriseError.is(error) ? error : new RepriseError("ACTOR_FAILED", unreachable(error), { cause: error }),
      );
      held.assignment.lost(failure, true);
      return;
    }
    // It was canceled meanwhile.
    if (this.#tasks.get(held.id) !== held) return;
    held.isSent = true;
    const { message, label, affinity } = held.assignment;
    this.#say(held, undefined);
    link.channel.send({ type: "assign", token, message, label, affinity: affinity ?? null });
    this.#hold();
  }

  #connect(): Promise<Link> {
    this.#link ??= this.#open().catch((error: unknown) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }

  async #open(): Promise<Link> {
    const { home } = this.#owner;
    const says = (reason: string): void => {
      for (const held of this.#tasks.values()) if (!held.isSent) this.#say(held, reason);
    };
    const spec = await poolSpec(this.#owner);
    says("the supervisor of actors");
    const { channel } = await reachSupervisor(home.path, says);
    const pool = `pool ${spec.definition.name} ${poolId(spec).slice(0, 8)}`;
    this.#channel = channel;
    channel.onClose((error) => this.#closed(channel, error));
    channel.onMessage((message) => this.#hear(message, pool));
    channel.send({ type: "pool", token, spec });
    return { channel, pool };
  }

  #hear(message: FromSupervisor, pool: string): void {
    if (message.type === "task") {
      this.#pass(message.message, `replica ${message.replica} of ${pool}`);
      return;
    }
    if (message.type !== "waits" && message.type !== "lost") return;
    const held = this.#tasks.get(message.task);
    if (held === undefined) return;
    if (message.type === "waits") this.#say(held, message.reason ?? undefined);
    else this.#lose(held, message.failure, message.isFinal);
  }

  #pass(message: TaskMessage, place: string): void {
    const held = this.#tasks.get(message.task);
    if (held === undefined) return;
    const { assignment } = held;
    if (message.type === "started") {
      // Whatever comes again does no harm.
      if (held.hasBegun) return;
      held.hasBegun = true;
      this.#say(held, undefined);
      assignment.placed(place);
    }
    if (message.type === "result" || message.type === "failed") this.#remove(held);
    assignment.receive(message);
  }

  #answer(held: HeldTask, message: Exclude<AnswerMessage, { readonly type: "cancel" }>): void {
    if (this.#tasks.get(held.id) === held) this.#channel?.send({ type: "answer", message });
  }

  #cancel(held: HeldTask, reason: string): void {
    if (this.#tasks.get(held.id) !== held || held.isCanceled) return;
    held.isCanceled = true;
    if (held.isSent) {
      this.#channel?.send({ type: "answer", message: { type: "cancel", task: held.id, reason } });
    }
    if (held.hasBegun) {
      this.#hold();
      return;
    }
    this.#remove(held);
    // Whoever cancels is not to hear of it before that has returned.
    queueMicrotask(() => held.assignment.lost(lostFailure("it was canceled before it began")));
  }

  #closed(channel: SupervisorChannel, error: Error | undefined): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#link = undefined;
    const why = error === undefined ? "" : `: ${error.message}`;
    for (const held of this.#tasks.values()) {
      if (!held.isSent) continue;
      if (held.hasBegun || held.moves >= mostMoves) {
        this.#lose(held, lostFailure(`the supervisor of actors, which keeps its replica, is gone${why}`), false);
        continue;
      }
      held.moves += 1;
      held.isSent = false;
      void this.#hand(held);
    }
  }

  #lose(held: HeldTask, failure: Failure, isFinal: boolean): void {
    if (this.#remove(held)) held.assignment.lost(failure, isFinal);
  }

  /** False if it was over already. */
  #remove(held: HeldTask): boolean {
    if (this.#tasks.get(held.id) !== held) return false;
    this.#tasks.delete(held.id);
    this.#hold();
    return true;
  }

  /** Keeps the process alive for as long as somebody waits for a task. */
  #hold(): void {
    for (const { isCanceled } of this.#tasks.values()) {
      if (isCanceled) continue;
      this.#channel?.ref();
      return;
    }
    this.#channel?.unref();
  }

  #say(held: HeldTask, reason: string | undefined): void {
    if (held.reason === reason) return;
    held.reason = reason;
    held.assignment.waits(reason);
  }
}

function unreachable(error: unknown): string {
  return `The replicas of an actor cannot be reached: ${messageOf(error)}`;
}
