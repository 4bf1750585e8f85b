import { type Digest, keyDigest, type KeySignature } from "@reprise/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { FuncDefinition } from "../func-definition.ts";
import { describeSchema } from "./describe-schema.ts";
import { canonicalJsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { messageOf, type Problem } from "./problem.ts";

/** The interface of a func as it takes part in keys, or why it cannot. */
export type FoundSignature = { readonly signature: KeySignature } | Problem;

const known = new WeakMap<FuncDefinition, FoundSignature>();

/**
 * The interface of a func: names of its arguments, and digests of the shapes of input and output where schemas are
 * given. Neither the order of fields nor descriptions and defaults count; names, types and what is optional do.
 *
 * @example
 * ```ts
 * const found = signatureOf(definition);
 * if ("signature" in found) console.log(found.signature.parameters);
 * ```
 */
export function signatureOf(definition: FuncDefinition): FoundSignature {
  let found = known.get(definition);
  if (found === undefined) {
    found = computed(definition);
    known.set(definition, found);
  }
  return found;
}

function computed(definition: FuncDefinition): FoundSignature {
  const shapes: Record<"input" | "output", Digest | null> = { input: null, output: null };
  for (const side of ["input", "output"] as const) {
    const schema = definition[side];
    if (schema === undefined) continue;
    try {
      shapes[side] = keyDigest(shapeOf(schema));
    } catch (error) {
      const why = messageOf(error);
      const remedy = `use a schema that has a JSON Schema, or do not cache the func`;
      return {
        problem: `the signature of func "${definition.id}" cannot be computed from its ${side} schema: ${why}; ${remedy}`,
      };
    }
  }
  return { signature: { parameters: argumentNames(definition).toSorted(), ...shapes } };
}

/** Names of the parameters that callers fill: all but the context. A rest parameter keeps its dots. */
export function argumentNames({ parameters, contextAt }: FuncDefinition): readonly string[] {
  return contextAt < 0 ? parameters : parameters.filter((_, at) => at !== contextAt);
}

/** What goes into the schema and what comes out; a schema that JSON Schema cannot express is described as it is built. */
function shapeOf(schema: StandardSchemaV1): unknown {
  const input = jsonSchemaOf(schema, "input");
  const output = jsonSchemaOf(schema, "output");
  if (input === undefined || output === undefined) return { schema: describeSchema(schema) };
  return { input: canonicalJsonSchema(input), output: canonicalJsonSchema(output) };
}
