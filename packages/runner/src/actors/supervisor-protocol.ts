/**
 * What drivers and the command line say to the supervisor of a home, which owns the replicas of its actors: lines of JSON
 * over a socket in the home.
 */
import type { Failure } from "@reprise/core";
import type {
  AnswerMessage,
  CacheStatistics,
  StartMessage,
  TaskId,
  TaskMessage,
  WireProgram,
} from "../workers/protocol.ts";
import type { ActorDefinition } from "./actor-definition.ts";

/**
 * Raised whenever a message changes its meaning. A supervisor that meets a driver of another version ends as soon as it has
 * no tasks, so that the driver can start one of its own.
 */
export const supervisorProtocol = 1;

/** All that makes two pools the same: equal ones are one pool, any difference makes another. */
export interface PoolSpec {
  readonly definition: ActorDefinition;
  readonly program: WireProgram;
  /** Digest of the code of the program. */
  readonly codeVersion: string;
  /** How replicas are started: options of node, and the working directory. */
  readonly execArgv: readonly string[];
  readonly cwd: string;
  /** URL of what a worker executes: replicas are of the driver's copy of the library, whichever copy the supervisor is of. */
  readonly worker: string;
  /** Environment of the replicas; part of the identity are only the variables of `definition.env`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Messages to the supervisor. */
export type ToSupervisor =
  | { readonly type: "hello"; readonly protocol: number; readonly version: string }
  /** From now on tasks may name the pool; its first task makes it. `token`: how the driver calls it. */
  | { readonly type: "pool"; readonly token: number; readonly spec: PoolSpec }
  | {
      readonly type: "assign";
      readonly token: number;
      readonly message: StartMessage;
      readonly label: string;
      readonly affinity: string | null;
    }
  | { readonly type: "answer"; readonly message: AnswerMessage }
  | { readonly type: "list" }
  /**
   * Ends pools: that one, by id, or all. They take no new tasks, which make a new pool, and end when those that they have are
   * over; with `now` these are lost. Answered by `stopped` when all of their processes have ended.
   */
  | { readonly type: "stop"; readonly pool: string | null; readonly now: boolean };

/** Messages of the supervisor. */
export type FromSupervisor =
  | { readonly type: "welcome"; readonly protocol: number; readonly version: string; readonly pid: number }
  | { readonly type: "pool"; readonly token: number; readonly id: string }
  | { readonly type: "task"; readonly message: TaskMessage; readonly replica: string }
  | { readonly type: "lost"; readonly task: TaskId; readonly failure: Failure; readonly isFinal: boolean }
  | { readonly type: "waits"; readonly task: TaskId; readonly reason: string | null }
  | { readonly type: "pools"; readonly pools: readonly PoolState[] }
  | { readonly type: "stopped"; readonly pools: readonly string[] };

/** A pool as `reprise actors` shows it. */
export interface PoolState {
  readonly id: string;
  readonly name: string;
  /** `active`: it has tasks. `draining`: it ends, and takes no new ones. */
  readonly state: "active" | "idle" | "draining";
  /** Of `env` the names alone: values may be secret. */
  readonly definition: Omit<ActorDefinition, "env"> & { readonly env: readonly string[] };
  readonly codeVersion: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** How many tasks wait for a place. */
  readonly queued: number;
  readonly replicas: readonly ReplicaState[];
  /** The latest events, oldest first: created, scaled up, removed, with the reason. */
  readonly events: readonly { readonly time: number; readonly text: string }[];
}

/** A replica as `reprise actors` shows it. */
export interface ReplicaState {
  readonly id: string;
  readonly pid: number;
  readonly state: "starting" | "ready" | "ending";
  readonly startedAt: number;
  readonly tasksDone: number;
  readonly tasks: readonly ReplicaTask[];
  /** Bytes of memory in use; null if it is not known. */
  readonly memory: number | null;
  readonly caches: readonly CacheStatistics[];
}

/** A task that a replica has. */
export interface ReplicaTask {
  readonly task: TaskId;
  /** Func and run. */
  readonly label: string;
  /** When its body began; null before. */
  readonly startedAt: number | null;
}
