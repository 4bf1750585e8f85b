import type { Home, RecordedRun } from "@reprise/store";
import type { Difference } from "../why/difference.ts";
import { readStored } from "../why/run-inputs.ts";
import { valueDifferences } from "../why/value-differences.ts";
import type { ChangedInput } from "./compare-runs.ts";

/** Where the values of an argument differ. */
export async function inputDifferences(
  home: Home,
  { before, after }: ChangedInput,
  limit: number,
): Promise<readonly Difference[]> {
  const [old, fresh] = [before?.artifactId ?? null, after?.artifactId ?? null];
  const changed = { ingredient: "inputs", name: (after ?? before)?.name ?? "", before: old, after: fresh } as const;
  return valueDifferences(changed, () => readBoth(home, old, fresh), { equal: equalValues, limit });
}

/** Where two results differ; nothing if one run gave none. */
export async function outputDifferences(
  home: Home,
  { output: before }: RecordedRun,
  { output: after }: RecordedRun,
  limit: number,
): Promise<readonly Difference[]> {
  if (before === null || after === null || before.digest === after.digest) return [];
  const changed = { ingredient: "output", name: "", before: before.digest, after: after.digest } as const;
  return valueDifferences(changed, () => readBoth(home, before.digest, after.digest), { equal: equalValues, limit });
}

// What two artifacts hold differs in a way that values as such do not show.
const equalValues = "as they are read they are equal";

async function readBoth(
  home: Home,
  before: string | null,
  after: string | null,
): Promise<readonly [unknown, unknown] | undefined> {
  const old = await readStored(home, before ?? undefined);
  const fresh = old === undefined ? undefined : await readStored(home, after ?? undefined);
  return old === undefined || fresh === undefined ? undefined : [old.value, fresh.value];
}
