import { encode } from "@reprise/core";
import { argumentLabel, type FuncDefinition } from "../func-definition.ts";
import { chain, type MaybePromise } from "../maybe-promise.ts";
import { formatPlace } from "../source.ts";
import { validate } from "../schema.ts";
import type { KeyArgument } from "./key-maker.ts";

/**
 * Arguments of a call that nobody has made, as they take part in its key: what the input schema makes of them, if there is
 * one; else as they are.
 *
 * @param args digests and values as they would be given.
 * @throws RepriseError `INPUT_INVALID` naming the path of what the schema refuses.
 */
export function keyArguments(
  definition: FuncDefinition,
  args: readonly KeyArgument[],
): MaybePromise<readonly KeyArgument[]> {
  const { input, id, place } = definition;
  const [first] = args;
  if (input === undefined || first === undefined) return args;
  const where = place === undefined ? `func "${id}"` : `func "${id}" at ${formatPlace(place)}`;
  return chain(first.value(), (value) =>
    chain(validate(input, value, "input", where), (valid) => [{ digest: undefined, value: () => valid }]),
  );
}

/**
 * A value as an argument of a call that nobody has made.
 *
 * @throws RepriseError `VALUE_NOT_STORABLE` naming the path of what cannot be stored.
 */
export function keyArgument(
  definition: FuncDefinition,
  at: number,
  value: unknown,
): KeyArgument & { readonly digest: string } {
  return { digest: encode(value, { path: argumentLabel(definition, at) }).digest, value: () => value };
}
