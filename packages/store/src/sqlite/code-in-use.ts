import type { DatabaseSync } from "node:sqlite";
import type { PruneOptions } from "../backend.ts";
import { formatHex } from "./ids.ts";
import { afterPrune } from "./prune.ts";

/** The digests of the programs of all pipeline runs, or of those that would still be there `after` a prune. */
export function codeInUse(database: DatabaseSync, after?: Omit<PruneOptions, "dryRun">): readonly string[] {
  const read = (): readonly string[] =>
    database
      .prepare("SELECT DISTINCT code FROM pipeline_runs WHERE code IS NOT NULL")
      .all()
      .map(({ code }) => formatHex(code as Uint8Array));
  return after === undefined ? read() : afterPrune(database, after, read);
}
