import type { Failure } from "@reprise/core";
import type { Resources } from "../resources.ts";
import type { AnswerMessage, StartMessage, TaskMessage } from "./protocol.ts";

/**
 * Executes attempts of bodies outside the driver's event loop: in worker processes, on replicas of an actor, later in
 * pods. It decides where, keeps its workers alive and tells when one is gone; what the messages mean it does not know.
 */
export interface Executor {
  /** Takes a task. It never throws: what goes wrong is told to the assignment. */
  start(assignment: Assignment): RemoteTask;
  /** How many tasks more than its limit a lane may hand over, to wait at workers that execute very short ones. */
  backlog(lane: ExecutorLane): number;
}

/** Bodies of one kind in one pipeline run: they share a limit. */
export interface ExecutorLane {
  /** `standalone`, or `actor <name>`. */
  readonly name: string;
  /** How many bodies may execute at once. */
  readonly limit: number;
}

/** A task as an executor gets it, and whom it tells what becomes of it. */
export interface Assignment {
  readonly lane: ExecutorLane;
  readonly message: StartMessage;
  /** Func and run, for messages. */
  readonly label: string;
  readonly resources: Resources | undefined;
  /** Prefer a replica that has seen this key; undefined: any. */
  readonly affinity: string | undefined;
  /** Every message of the worker about this task. Nothing comes after `result`, `failed` or {@link lost}. */
  receive(message: TaskMessage): void;
  /**
   * The task has no end of its own, and none will come: its worker is gone (`WorkerLostError`, `OutOfMemoryError`), or none
   * can be had. A task that had not begun when its worker was lost is moved instead.
   *
   * @param isFinal whether trying again is of no use: no worker can be had at all.
   */
  lost(failure: Failure, isFinal?: boolean): void;
  /** Where it executes, in words, e.g. `replica embedder-2 of pool embedder 3f9a21`; called, if at all, before `started`. */
  placed(where: string): void;
  /** What the task waits for before it begins, in words; undefined: nothing any more. */
  waits(reason: string | undefined): void;
}

/** A task that an executor has taken. */
export interface RemoteTask {
  /** Sends what the body waits for. */
  answer(message: Exclude<AnswerMessage, { readonly type: "cancel" }>): void;
  /**
   * The task no longer counts. Its body is told to stop; if it does not, its process is made to end (SIGTERM, after ten
   * seconds SIGKILL). A task that has not begun never will.
   */
  cancel(reason: string): void;
}
