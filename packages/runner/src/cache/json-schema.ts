import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { describeSchema } from "./describe-schema.ts";

type JsonObject = Readonly<Record<string, unknown>>;
type Side = "input" | "output";

/** The JSON Schema of what goes into a schema or comes out of it; undefined if it has none. */
export function jsonSchemaOf(schema: StandardSchemaV1, side: Side): JsonObject | undefined {
  const { vendor } = schema["~standard"];
  // arktype asks for words where JSON Schema has none, rather than having its own names for functions stand for them.
  return convert(schema, side, vendor === "arktype" ? { fallback: inWords } : {});
}

/** Names of the fields of the object that a schema gives; undefined if it may give others or they cannot be known. */
export function fieldsOf(schema: StandardSchemaV1): readonly string[] | undefined {
  // zod and arktype leave out what JSON Schema cannot express, rather than failing, so that the names are there.
  const lenient = { unrepresentable: "any", fallback: (context: { readonly base: JsonObject }) => context.base };
  const whole = convert(schema, "output", lenient) ?? convert(schema, "input", lenient);
  return whole === undefined ? undefined : namesIn(whole, whole, new Set());
}

function convert(
  schema: StandardSchemaV1,
  side: Side,
  libraryOptions: Record<string, unknown>,
): JsonObject | undefined {
  const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1["~standard"]>;
  if (jsonSchema === undefined) return undefined;
  try {
    return jsonSchema[side]({ target: "draft-2020-12", libraryOptions });
  } catch {
    return undefined;
  }
}

function inWords({ base, ...rest }: { readonly base: JsonObject }): JsonObject {
  return { ...base, "reprise:besides": describeSchema(rest) };
}

function namesIn(schema: unknown, root: JsonObject, seen: Set<unknown>): readonly string[] | undefined {
  if (!isObject(schema) || seen.has(schema)) return undefined;
  seen.add(schema);
  const { $ref, type, properties, patternProperties, additionalProperties = false, allOf, anyOf, oneOf } = schema;
  if (typeof type === "string" && type !== "object") return [];
  if (patternProperties !== undefined || additionalProperties !== false) return undefined;
  const parts = [$ref === undefined ? [] : [targetOf($ref, root)], allOf, anyOf, oneOf].flatMap((list) => list ?? []);
  if (parts.length === 0 && properties === undefined) return undefined;
  const names = parts.map((part) => namesIn(part, root, seen));
  if (names.includes(undefined)) return undefined;
  return [...new Set([...Object.keys(properties ?? {}), ...names.flatMap((list) => list ?? [])])];
}

/** Keywords that say nothing about which values there are. */
const silent = new Set(["$schema", "$id", "$comment", "title", "description", "examples", "default"]);
/** Keywords whose values are schemas by names that people gave. */
const byName = new Set(["properties", "patternProperties", "dependentSchemas"]);
/** Keywords whose values are data. */
const data = new Set(["const", "enum", "dependentRequired"]);
/** Keywords that hold what references lead to; it is put where it is referred to. */
const definitions = new Set(["$defs", "definitions"]);

/**
 * One form of all JSON Schemas that say the same but for order, descriptions, defaults, and the names under which they
 * keep definitions: libraries number those as they come.
 */
export function canonicalJsonSchema(schema: JsonObject): unknown {
  return new Canonical(schema).whole();
}

/** What references lead to. */
interface Definition {
  /** Its canonical form; undefined while it is made. */
  form: unknown;
  /** Set when it is referred to a second time: then its form stands in one place, under this number. */
  number: number | undefined;
}

class Canonical {
  readonly #root: JsonObject;
  readonly #definitions = new Map<unknown, Definition>();
  #numbers = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  whole(): unknown {
    const form = this.#definition(this.#root);
    for (const { form: part, number } of this.#definitions.values()) {
      if (number !== undefined && isObject(part)) define(part, "$def", number);
    }
    return form;
  }

  /** The form of a definition where it is met first, else its number: numbers follow the order of names. */
  #definition(target: unknown): unknown {
    const known = this.#definitions.get(target);
    if (known !== undefined) return { $ref: (known.number ??= this.#numbers += 1) };
    const definition: Definition = { form: undefined, number: undefined };
    this.#definitions.set(target, definition);
    definition.form = this.#form(target);
    return definition.form;
  }

  #form(node: unknown): unknown {
    if (Array.isArray(node)) return node.map((item) => this.#form(item));
    if (!isObject(node)) return node;
    const form: Record<string, unknown> = {};
    for (const key of Object.keys(node).toSorted()) {
      const value = node[key];
      if (value !== undefined && !silent.has(key) && !definitions.has(key))
        define(form, key, this.#keyword(key, value));
    }
    // A reference by itself says what it leads to; one of several keywords says it besides them.
    const [only, ...others] = Object.keys(form);
    return only === "$ref" && others.length === 0 ? form["$ref"] : form;
  }

  #keyword(key: string, value: unknown): unknown {
    if (key === "$ref") {
      const target = targetOf(value, this.#root);
      return target === undefined ? { $ref: value } : this.#definition(target);
    }
    if (key === "required" && Array.isArray(value)) return value.map(String).toSorted();
    if (data.has(key)) return value;
    if (!byName.has(key) || !isObject(value)) return this.#form(value);
    const schemas: Record<string, unknown> = {};
    for (const name of Object.keys(value).toSorted()) define(schemas, name, this.#form(value[name]));
    return schemas;
  }
}

/** What a reference within a document, such as `#/$defs/node`, leads to. */
function targetOf(ref: unknown, root: JsonObject): unknown {
  if (typeof ref !== "string" || !ref.startsWith("#")) return undefined;
  let target: unknown = root;
  for (const step of ref.split("/").slice(1)) {
    const name = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isObject(target) || !Object.hasOwn(target, name)) return undefined;
    target = target[name];
  }
  return target;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sets a property whatever its name is: `__proto__` as well. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
