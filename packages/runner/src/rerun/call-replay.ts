import type { Prior } from "./prior.ts";
import type { RecordedCalls } from "./recorded-calls.ts";

/** What a record says of a call. */
export interface CallReplay {
  /** The recorded run that the call stands for, if one is known. */
  readonly prior: Prior | undefined;
  /** The recorded calls that answer those of its body, while that executes. */
  answers: RecordedCalls | undefined;
  /** Those that answer the elements of maps whose items it gives as arrays, whichever of its maps had made them. */
  elements: RecordedCalls | undefined;
  /**
   * What the cache may do for it. A body whose calls are answered by a record, or that does not execute at all, may have
   * a result of other code than that of now, so it is neither looked up nor stored.
   */
  readonly cache: "as usual" | "refresh" | "none";
}
