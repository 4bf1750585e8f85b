import { RepriseError } from "@reprise/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { chain } from "./maybe-promise.ts";

/**
 * Validates a value with any Standard Schema and gives what the schema makes of it.
 *
 * @throws RepriseError `INPUT_INVALID` or `OUTPUT_INVALID` naming place, path and reason.
 */
export function validate(schema: StandardSchemaV1, value: unknown, side: "input" | "output", place: string): unknown {
  const validated = schema["~standard"].validate(value);
  return chain(validated, (result) => {
    if (result.issues === undefined) return result.value;
    const code = side === "input" ? "INPUT_INVALID" : "OUTPUT_INVALID";
    const issues = result.issues.slice(0, 10).map((issue) => `  ${side}${pathOf(issue)}: ${issue.message}`);
    const more = result.issues.length > 10 ? `\n  … and ${result.issues.length - 10} more` : "";
    throw new RepriseError(code, `The ${side} of ${place} does not match its schema:\n${issues.join("\n")}${more}`);
  });
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  return (issue.path ?? [])
    .map((step) => (typeof step === "object" ? step.key : step))
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
}
