import { types } from "node:util";
import { RepriseError } from "@reprise/core";

/** So many objects are more than a schema has: what is described then is the library that made it. */
const maxObjects = 20_000;
const maxDepth = 1_000;

/** Parts of schemas that say nothing about which values there are: texts for people, and what is used for missing ones. */
const silent = new Set(["message", "error", "default", "defaultValue", "fallback"]);

/**
 * Plain data that says how a schema is built, whatever library it is of: its own enumerable properties and those of all
 * that it consists of, functions by their text.
 */
export function describeSchema(schema: unknown): unknown {
  return new Description().of(schema);
}

class Description {
  /** Objects around the place where we are. */
  readonly #around: object[] = [];
  #objects = 0;

  of(value: unknown): unknown {
    if (typeof value === "symbol") return { "~symbol": value.description ?? null };
    if (typeof value === "function") return this.#within(value, () => this.#function(value));
    if (typeof value !== "object" || value === null) return value;
    if (isLeaf(value)) return value;
    return this.#within(value, () => this.#object(value));
  }

  #within(value: object, describe: () => unknown): unknown {
    const at = this.#around.lastIndexOf(value);
    if (at >= 0) return { "~around": this.#around.length - 1 - at };
    this.#objects += 1;
    if (this.#objects > maxObjects || this.#around.length > maxDepth) {
      throw new RepriseError("INVALID_OPTION", "it has no end, or more parts than a schema has");
    }
    this.#around.push(value);
    const described = describe();
    this.#around.pop();
    return described;
  }

  #function(value: object): unknown {
    return { "~function": Function.prototype.toString.call(value), ...this.#properties(value) };
  }

  #object(value: object): unknown {
    // In zod a check has no properties of its own but this one, which is not enumerable.
    const { _zod: zod } = value as { readonly _zod?: { readonly def?: unknown } };
    if (zod?.def !== undefined) return this.of(zod.def);
    if (Array.isArray(value)) return value.filter((item) => !isMetadata(item)).map((item) => this.of(item));
    if (value instanceof Map) return new Map([...value].map(([key, item]) => [this.of(key), this.of(item)]));
    if (value instanceof Set) return new Set([...value].map((item) => this.of(item)));
    return this.#properties(value);
  }

  #properties(value: object): Record<string, unknown> {
    const described: Record<string, unknown> = {};
    const isNode = ["kind", "type", "check"].some((key) => typeof (value as Record<string, unknown>)[key] === "string");
    for (const key of Object.keys(value)) {
      if (key.startsWith("~") || (isNode && silent.has(key))) continue;
      const property = (value as Record<string, unknown>)[key];
      // In valibot the function that made the schema: part of the library, and named by the type already.
      if (isNode && key === "reference" && typeof property === "function") continue;
      Object.defineProperty(described, key, { value: this.of(property), enumerable: true, configurable: true });
    }
    return described;
  }
}

function isLeaf(value: object): boolean {
  return types.isRegExp(value) || types.isDate(value) || ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** In valibot a title or a description stands among the checks. */
function isMetadata(item: unknown): boolean {
  return typeof item === "object" && item !== null && (item as { readonly kind?: unknown }).kind === "metadata";
}
