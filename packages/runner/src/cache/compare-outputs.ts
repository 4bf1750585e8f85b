import { diffValues } from "@reprise/core";
import type { ArtifactValues, StoredArtifactValue } from "../stored-values.ts";

/** Where two results of one func differ, in words; undefined if they do not. */
export async function compareOutputs(
  values: ArtifactValues,
  before: StoredArtifactValue,
  after: StoredArtifactValue,
): Promise<string | undefined> {
  if (before.ref.digest === after.ref.digest) return undefined;
  try {
    const [old, fresh] = await Promise.all([values.restore(before), values.restore(after)]);
    const differences = diffValues(old, fresh, { limit: 3 });
    return differences.map(({ path, before: was, after: is }) => `output${path}: ${was} → ${is}.`).join(" ");
  } catch {
    return `Artifact ${before.ref.digest} then, ${after.ref.digest} now.`;
  }
}
