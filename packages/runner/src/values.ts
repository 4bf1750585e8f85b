/** How values get from one run to the next. */
import type { MaybePromise } from "./maybe-promise.ts";
import type { WireArtifact, WireArtifactRow } from "./workers/protocol.ts";

/** A value as an engine keeps it. What is inside is known only to the {@link Values} that made it. */
export interface Stored {
  /** What the value is if it needs no copying: text, number, boolean, bigint, null, undefined. */
  readonly primitive: boolean;
  readonly value: unknown;
}

/** Keeps results and arguments between runs. */
export interface Values {
  /**
   * Takes a snapshot of a value: later changes of the value do not change it.
   *
   * @param path names the value in errors, e.g. `output`.
   * @throws RepriseError `VALUE_NOT_STORABLE`.
   */
  capture(value: unknown, path: string): Stored;
  /** A value of one's own: nobody else has it. */
  restore(stored: Stored): unknown;
  /** As {@link restore} of each; what has to be read is read many at a time. */
  restoreAll(stored: readonly Stored[]): MaybePromise<unknown[]>;
  /** A value as it is told to a worker, once the worker can read it. @throws Error if values are not stored. */
  told(stored: Stored): MaybePromise<WireArtifact>;
  /** A value that a worker has made. @throws Error if values are not stored. */
  made(row: WireArtifactRow): Stored;
  /** The digest of the artifact of a value; undefined if it has none. */
  digestOf(stored: Stored): string | undefined;
  /** Whether values are handed on as they are, so that keeping them is all there is to {@link capture}. */
  readonly shares: boolean;
}

/** Hands values on as they are: nothing is copied, everything is allowed. For runs that nobody records. */
export const sharedValues: Values = {
  capture: (value) => ({ primitive: true, value }),
  restore: (stored) => stored.value,
  restoreAll: (stored) => stored.map(({ value }) => value),
  told: noArtifacts,
  made: noArtifacts,
  digestOf: () => undefined,
  shares: true,
};

function noArtifacts(): never {
  throw new Error("values that nobody stores cannot leave the process");
}
