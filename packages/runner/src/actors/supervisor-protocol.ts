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

/** Raised whenever a message changes its meaning. A supervisor of another version is replaced when it is idle. */
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
  /** Environment of the replicas; part of the identity are only the variables of `definition.env`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Messages to the supervisor. */
export type ToSupervisor =
  | { readonly type: "hello"; readonly protocol: number; readonly version: string }
  /** From now on tasks may name the pool. It is made, or found again. `token`: how the driver calls it. */
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
  | { readonly type: "stop"; readonly pool: string | null };

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
  readonly state: "active" | "idle" | "draining";
  readonly definition: ActorDefinition;
  readonly codeVersion: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
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
  readonly tasks: readonly { readonly task: TaskId; readonly label: string; readonly startedAt: number | null }[];
  /** Bytes of memory in use; null if it is not known. */
  readonly memory: number | null;
  readonly caches: readonly CacheStatistics[];
}
