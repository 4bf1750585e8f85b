import type { Failure } from "../failure.ts";
import type { InfrastructureRetry } from "./infrastructure.ts";
import type { Wait } from "./run-node.ts";

/** What the scheduler asks of whoever executes runs. Commands are carried out in order. */
export type Command<N> =
  /** The run's state changed: record it, tell others. */
  | { readonly type: "changed"; readonly node: N; readonly now: number }
  /** Ask the cache; then call `reused`, `missed` or `refused`, at any later time. */
  | { readonly type: "lookup"; readonly node: N }
  /**
   * Execute an attempt of the body; then call `returned` or `threw`. In a lane of its own the run is still SCHEDULED: call
   * `started` when the body begins, and `lost` if it will never end.
   */
  | { readonly type: "start"; readonly node: N }
  /** The attempt failed, or was lost (`infrastructure`), and another follows after `delay` ms. */
  | {
      readonly type: "retry";
      readonly node: N;
      /** The one that failed. */
      readonly attempt: number;
      readonly failure: Failure;
      readonly delay: number;
      readonly now: number;
      readonly infrastructure?: InfrastructureRetry;
    }
  /** All parts of the result are there: put it together, then call `assembled` or `threw`. */
  | { readonly type: "assemble"; readonly node: N }
  /** The run is RESOLVED: call `published` as soon as others may depend on it. */
  | { readonly type: "publish"; readonly node: N }
  /** The run that a body waits for has ended: hand over its value or failure. */
  | { readonly type: "deliver"; readonly wait: Wait<N> }
  /** The body is to stop, or not to begin; whatever it still gives is dropped. `attempt` is the one to stop. */
  | { readonly type: "abort"; readonly node: N; readonly attempt: number }
  /** The root has ended. */
  | { readonly type: "ended" };
