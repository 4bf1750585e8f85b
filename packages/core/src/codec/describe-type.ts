import { defaultRegistry, type TypeRegistry } from "./type-registry.ts";
import { typeNameOf } from "./type-name.ts";

/** What kind of value something is, in a form that is small whatever the size of the value. */
export interface TypeDescription {
  /** `string`, `array`, `object`, `Map`, the name of another built-in class or of a registered type. */
  readonly type: string;
  /** Elements, entries, bytes of a buffer or characters, where the type has such a count. */
  readonly length?: number;
  /** Types of the elements of an array or Set and of the keys of a Map; from the first ones if there are many. */
  readonly items?: readonly TypeDescription[];
  /** Types of the values of a Map. */
  readonly values?: readonly TypeDescription[];
  /** Types of the properties of an object; the first fifty. */
  readonly properties?: Readonly<Record<string, TypeDescription>>;
  /** How many properties there are, if not all are described. */
  readonly propertyCount?: number;
}

const maxDepth = 4;
const maxProperties = 50;
const maxKinds = 4;
const sampleSize = 20;
const maxNodes = 300;

/**
 * Describes the type of a value for people: the dashboard shows it beside an artifact. Bounded: about 300 parts, four
 * levels, and only the first elements of large containers are looked at. Never throws.
 *
 * @example
 * ```ts
 * describeType([{ id: 1 }]); // { type: "array", length: 1, items: [{ type: "object", properties: { id: { type: "number" } } }] }
 * ```
 */
export function describeType(value: unknown, options: { readonly registry?: TypeRegistry } = {}): TypeDescription {
  return new TypeDescriber(options.registry ?? defaultRegistry).describe(value, 0);
}

class TypeDescriber {
  readonly #registry: TypeRegistry;
  #nodes = 0;

  constructor(registry: TypeRegistry) {
    this.#registry = registry;
  }

  describe(value: unknown, depth: number): TypeDescription {
    this.#nodes++;
    try {
      const type = typeNameOf(value, this.#registry);
      if (typeof value === "string") return { type, length: value.length };
      if (typeof value !== "object" || value === null) return { type };
      return { type, ...this.#content(value, type, depth) };
    } catch {
      // A getter, proxy or predicate of the user that throws.
      return { type: typeof value };
    }
  }

  #content(value: object, type: string, depth: number): Omit<TypeDescription, "type"> {
    const open = depth < maxDepth && this.#nodes < maxNodes;
    if (type === "array") {
      const array = value as unknown[];
      return { length: array.length, ...(open && { items: this.#kinds(array, depth) }) };
    }
    if (type === "Map") {
      const map = value as Map<unknown, unknown>;
      if (!open) return { length: map.size };
      return { length: map.size, items: this.#kinds(map.keys(), depth), values: this.#kinds(map.values(), depth) };
    }
    if (type === "Set") {
      const set = value as Set<unknown>;
      return { length: set.size, ...(open && { items: this.#kinds(set, depth) }) };
    }
    if (ArrayBuffer.isView(value)) return { length: (value as { length?: number }).length ?? value.byteLength };
    if (value instanceof ArrayBuffer) return { length: value.byteLength };
    return type === "object" && open ? this.#properties(value, depth) : {};
  }

  /** The different types among the first elements. */
  #kinds(elements: Iterable<unknown>, depth: number): TypeDescription[] {
    const kinds = new Map<string, TypeDescription>();
    let looked = 0;
    for (const element of elements) {
      if (++looked > sampleSize || kinds.size === maxKinds || this.#nodes >= maxNodes) break;
      const kind = this.describe(element, depth + 1);
      kinds.set(kindOf(kind), kind);
    }
    return [...kinds.values()];
  }

  #properties(value: object, depth: number): Omit<TypeDescription, "type"> {
    const keys = Object.keys(value);
    const shown: [string, TypeDescription][] = [];
    for (const key of keys) {
      if (shown.length === maxProperties || this.#nodes >= maxNodes) break;
      if (key.length <= 200) shown.push([key, this.describe((value as Record<string, unknown>)[key], depth + 1)]);
    }
    return {
      // From entries, so that a property called __proto__ is one like any other.
      properties: Object.fromEntries(shown),
      ...(shown.length < keys.length && { propertyCount: keys.length }),
    };
  }
}

/** Two elements are of one kind if they differ in their counts only. */
function kindOf({ type, properties }: TypeDescription): string {
  return properties === undefined ? type : `${type} ${Object.keys(properties).join("\n")}`;
}
