import { RepriseError } from "@reprise/core";
import type { CacheOptions } from "../cache-options.ts";
import type { FuncDefinition } from "../func-definition.ts";
import { patternFields } from "../parameters.ts";
import { fieldsOf } from "./json-schema.ts";
import { argumentNames } from "./signature.ts";

/** What does not count in the keys of a func. */
export interface Ignored {
  /** Names of whole arguments; those of rest parameters without dots. */
  readonly parameters: ReadonlySet<string>;
  /** Names of fields of the one object that the func takes. */
  readonly fields: ReadonlySet<string>;
}

interface Ignorable {
  readonly parameters: readonly string[];
  /** Fields of the one object that the func takes; undefined if they cannot be known; none if it takes no such object. */
  readonly fields: readonly string[] | undefined;
}

const known = new WeakMap<FuncDefinition, Ignorable>();

/** Sorts the names of `ignore` into arguments and fields. A name of both means the field. */
export function ignoredOf(definition: FuncDefinition, ignore: readonly string[]): Ignored {
  const { parameters, fields } = ignorableOf(definition);
  const whole = ignore.filter((name) => parameters.includes(name) && fields?.includes(name) !== true);
  const rest = ignore.filter((name) => !whole.includes(name) && (fields === undefined || fields.includes(name)));
  return { parameters: new Set(whole), fields: new Set(rest) };
}

/**
 * Checks that everything that `ignore` names is there.
 *
 * @param what names func and call in errors.
 * @throws RepriseError `INVALID_OPTION` naming func, name and the known names.
 */
export function checkIgnored(
  definition: FuncDefinition,
  cache: boolean | CacheOptions | undefined,
  what: string,
): void {
  if (typeof cache !== "object" || cache.ignore === undefined || cache.ignore.length === 0) return;
  const { parameters, fields } = ignorableOf(definition);
  if (fields === undefined) return;
  const names = fields.length > 0 ? fields : parameters;
  const unknown = cache.ignore.find((name) => !parameters.includes(name) && !fields.includes(name));
  if (unknown === undefined) return;
  const choice = names.length === 0 ? "it takes no arguments" : `known: ${names.join(", ")}`;
  throw new RepriseError(
    "INVALID_OPTION",
    `cache of ${what}: ignore names "${unknown}", which is no input; ${choice}.`,
  );
}

function ignorableOf(definition: FuncDefinition): Ignorable {
  let ignorable = known.get(definition);
  if (ignorable === undefined) {
    const parameters = argumentNames(definition).map((name) => name.replace(/^\.\.\./, ""));
    ignorable = { parameters, fields: fieldsIn(definition) };
    known.set(definition, ignorable);
  }
  return ignorable;
}

function fieldsIn(definition: FuncDefinition): readonly string[] | undefined {
  if (definition.input !== undefined) return fieldsOf(definition.input);
  const pattern = argumentNames(definition).length === 1 ? patternFields(definition.run) : undefined;
  return pattern === undefined ? [] : pattern.names;
}
