import type { StandardSchemaV1 } from "@standard-schema/spec";
import { chain } from "../maybe-promise.ts";
import { validate } from "../schema.ts";
import type { ArtifactValues, StoredArtifactValue } from "../stored-values.ts";

/** Whether a schema accepts a stored value. */
export function storedPasses(
  values: ArtifactValues,
  stored: StoredArtifactValue,
  schema: StandardSchemaV1,
): boolean | Promise<boolean> {
  return attempt(() =>
    chain(values.restore(stored), (value) => chain(validate(schema, value, "output", ""), () => true)),
  );
}

/**
 * Whether a schema accepts a stored value and leaves it as it is. A schema that transforms does not: then what was stored
 * cannot be checked by it again.
 */
export function passesSchema(
  values: ArtifactValues,
  stored: StoredArtifactValue,
  schema: StandardSchemaV1,
): boolean | Promise<boolean> {
  return attempt(() =>
    chain(values.restore(stored), (value) =>
      chain(
        validate(schema, value, "output", ""),
        (valid) => values.capture(valid, "output").ref.digest === stored.ref.digest,
      ),
    ),
  );
}

function attempt(check: () => boolean | Promise<boolean>): boolean | Promise<boolean> {
  try {
    const passes = check();
    return typeof passes === "boolean" ? passes : passes.catch(() => false);
  } catch {
    return false;
  }
}
