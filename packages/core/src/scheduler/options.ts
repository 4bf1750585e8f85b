import type { LaneOptions } from "./lanes.ts";

/** What a scheduler is made with. */
export interface SchedulerOptions {
  /** How many bodies may execute inline at once; a body that waits for a value does not count. */
  readonly concurrency: number;
  /** Whether to make `changed` commands; without anybody who records them they only cost time. */
  readonly announce: boolean;
  /** What is to be known of a lane; undefined for one whose runs are inline like those without a lane. Default: all are. */
  readonly lanes?: ((name: string) => LaneOptions | undefined) | undefined;
  /** How many lost attempts of a run are followed by another without counting against its own retries. Default: 2. */
  readonly infrastructureRetries?: number | undefined;
}
