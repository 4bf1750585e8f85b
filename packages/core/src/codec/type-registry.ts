import { RepriseError } from "../errors.ts";
import { cacheKeyMethod } from "./cache-key.ts";
import { orderedTypes } from "./ordered.ts";

/** How values of one type are stored, restored and shown. */
export interface TypeDefinition<T, D = unknown> {
  /** Stable name, part of the stored form: renaming it makes earlier artifacts unreadable. */
  readonly name: string;
  /** Whether a value is of this type. Asked for instances of classes only, never for plain objects and built-ins. */
  is(value: unknown): value is T;
  /** What is stored: anything storable, also `BlobRef`s and values of other registered types. */
  encode(value: T): D;
  /** The value from what was stored. */
  decode(data: D): T;
  /** What the dashboard shows. Default: a summary of the stored form. */
  summary?(value: T): unknown;
  /** Name of the renderer in the dashboard. Default: by the shape of the summary. */
  readonly render?: string;
}

/** How instances of one class are stored, restored and shown. */
export interface ClassDefinition<T, D = unknown> {
  /** Stable name, part of the stored form and of keys. Not taken from the class, whose name minifiers change. */
  readonly name: string;
  /** What is stored. Without it and `decode`, instances can take part in keys by `[cacheKey]()` but not be artifacts. */
  encode?(value: T): D;
  /** The instance from what was stored. */
  decode?(data: D): T;
  /** What the dashboard shows. Default: a summary of the stored form. */
  summary?(value: T): unknown;
  /** Name of the renderer in the dashboard. Default: by the shape of the summary. */
  readonly render?: string;
}

/** A class by its constructor, also an abstract one or one with a private constructor signature. */
export type ClassOf<T> = abstract new (...args: never[]) => T;

/** A type as the registry keeps it. */
export interface RegisteredType {
  readonly name: string;
  readonly is?: (value: unknown) => boolean;
  readonly encode?: (value: unknown) => unknown;
  readonly decode?: (data: unknown) => unknown;
  readonly summary?: (value: unknown) => unknown;
  readonly render?: string;
}

const validName = /^[A-Za-z@][\w@/.:-]{0,127}$/;

/**
 * The types that values may be of besides the built-in ones. Most programs use the one that `registerType` and
 * `registerClass` fill; make another to keep types apart, and pass it to `encode` and `decode`.
 *
 * @example
 * ```ts
 * const registry = new TypeRegistry();
 * registry.registerClass(Point, { name: "Point", encode: ({ x, y }) => [x, y], decode: ([x, y]) => new Point(x, y) });
 * encode(new Point(1, 2), { registry });
 * ```
 */
export class TypeRegistry {
  readonly #byName = new Map<string, RegisteredType>();
  readonly #byPrototype = new Map<object, RegisteredType>();
  readonly #predicates: RegisteredType[] = [];
  #hasKeyedClass = false;
  /** Names that may be registered once more. */
  #outdated: Set<string> | undefined = undefined;

  constructor() {
    for (const [type, definition] of orderedTypes) this.registerClass(type, definition);
  }

  /**
   * Whether values may take part in keys by `[cacheKey]()`. If not, the digest of an artifact is that of its value in
   * keys. What is registered with `is` may have that method: nothing is known of it before there are values.
   */
  get mayHaveCacheKeys(): boolean {
    return this.#hasKeyedClass || this.#predicates.length > 0;
  }

  /** See {@link registerType}. */
  register<T, D>(definition: TypeDefinition<T, D>): void {
    for (const part of ["is", "encode", "decode"] as const) {
      if (typeof definition[part] !== "function") throw invalid(definition.name, `${part} is not a function`);
    }
    this.#predicates.push(this.#add(definition as unknown as RegisteredType));
  }

  /** See {@link registerClass}. */
  registerClass<T, D>(type: ClassOf<T>, definition: ClassDefinition<T, D>): void {
    if (typeof type !== "function") throw invalid(definition.name, "the first argument is not a class");
    if ((definition.encode === undefined) !== (definition.decode === undefined)) {
      throw invalid(definition.name, "encode and decode belong together, give both or none");
    }
    const prototype = type.prototype as object;
    const present = this.#byPrototype.get(prototype);
    if (present !== undefined) {
      throw new RepriseError(
        "DUPLICATE_TYPE",
        `Class ${type.name} is already registered as "${present.name}". Register each class once, in the module that defines it.`,
      );
    }
    this.#byPrototype.set(prototype, this.#add(definition as unknown as RegisteredType));
    this.#hasKeyedClass ||= cacheKeyMethod(prototype) !== undefined;
  }

  /**
   * The code that has registered the types may be loaded anew in this process: then each of them can be registered once
   * more, and what is registered last counts. Instances of classes of before are of their types as ever.
   */
  codeReloads(): void {
    this.#outdated = new Set(this.#byName.keys());
  }

  /** The type registered under a name. */
  named(name: string): RegisteredType | undefined {
    return this.#byName.get(name);
  }

  /**
   * The type of an instance: that of its exact class, or the one type whose `is` accepts it.
   *
   * @throws RepriseError `DUPLICATE_TYPE` if several types accept it, since the stored form would depend on their order.
   */
  find(
    value: object,
    prototype: object | null = Object.getPrototypeOf(value) as object | null,
  ): RegisteredType | undefined {
    const exact = prototype === null ? undefined : this.#byPrototype.get(prototype);
    if (exact !== undefined || this.#predicates.length === 0) return exact;
    const claims = this.#predicates.filter((type) => type.is?.(value) === true);
    if (claims.length > 1) {
      const names = claims.map((type) => `"${type.name}"`).join(" and ");
      throw new RepriseError(
        "DUPLICATE_TYPE",
        `One value is of the types ${names}. Make their \`is\` exclude each other.`,
      );
    }
    return claims[0];
  }

  #add(definition: RegisteredType): RegisteredType {
    const { name } = definition;
    if (typeof name !== "string" || !validName.test(name)) {
      throw invalid(name, "its name must be 1–128 letters, digits or _ @ / . : -, beginning with a letter or @");
    }
    if (this.#outdated?.delete(name) === true) {
      const at = this.#predicates.indexOf(this.#byName.get(name) as RegisteredType);
      if (at >= 0) this.#predicates.splice(at, 1);
    } else if (this.#byName.has(name)) {
      throw new RepriseError(
        "DUPLICATE_TYPE",
        `A type named "${name}" is already registered. Names are global to a program: put your package in front, as in "acme/${name}".`,
      );
    }
    this.#byName.set(name, definition);
    return definition;
  }
}

function invalid(name: unknown, reason: string): RepriseError {
  return new RepriseError(
    "INVALID_OPTION",
    `Type ${JSON.stringify(name) ?? String(name)} cannot be registered: ${reason}.`,
  );
}

/** The registry of the program. */
export const defaultRegistry = new TypeRegistry();

/**
 * Teaches the program to store values of a type that `definition.is` recognises.
 *
 * @throws RepriseError `DUPLICATE_TYPE` if the name is taken; `INVALID_OPTION` if the name or a function is missing or wrong.
 * @example
 * ```ts
 * registerType({
 *   name: "acme/Headers",
 *   is: (value) => value instanceof Headers,
 *   encode: (headers) => [...headers],
 *   decode: (entries) => new Headers(entries),
 * });
 * ```
 */
export function registerType<T, D>(definition: TypeDefinition<T, D>): void {
  defaultRegistry.register(definition);
}

/**
 * Teaches the program to store instances of exactly this class; those of its subclasses need a registration of their
 * own. With a name only, instances can take part in keys by `[cacheKey]()` but not be artifacts.
 *
 * @throws RepriseError `DUPLICATE_TYPE` if the name or the class is taken; `INVALID_OPTION` if the definition is wrong.
 * @example
 * ```ts
 * registerClass(Point, { name: "acme/Point", encode: ({ x, y }) => [x, y], decode: ([x, y]) => new Point(x, y) });
 * ```
 */
export function registerClass<T, D>(type: ClassOf<T>, definition: ClassDefinition<T, D>): void {
  defaultRegistry.registerClass(type, definition);
}
