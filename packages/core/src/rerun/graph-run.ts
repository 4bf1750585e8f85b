import type { RunKind } from "../records.ts";
import type { RunState } from "../states.ts";

/** What plans for re-running and resuming need to know of a recorded run. */
export interface GraphRun {
  readonly id: string;
  readonly parentId: string | null;
  readonly kind: RunKind;
  readonly state: RunState;
  /** Number of the current or last attempt, from 1; 0 before the first and for what was reused. */
  readonly attempt: number;
  /** The attempt of the parent whose body made the call; 0 for a root. */
  readonly parentAttempt: number;
  /** Whether the parent's body waited for it with `$value()`; nobody does for an element of a map. */
  readonly awaited: boolean;
  /** Whether the last attempt's body has given its result: a value, or futures of runs that it has called. */
  readonly returned: boolean;
  /**
   * Whether arguments are recorded with it. Not so for a map whose items were given as an array: then the items are
   * known from its elements alone.
   */
  readonly hasArguments: boolean;
  /** Ids of runs whose value or success it needs. An element's are siblings of its map. */
  readonly sources: readonly string[];
}
