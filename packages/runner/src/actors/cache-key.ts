import { cacheKey, defaultRegistry, digestBytes, keyDigest, RepriseError, TypeRegistry } from "@reprise/core";
import { isFuture } from "../future.ts";
import { copyKey } from "./key-snapshot.ts";

/**
 * Keys of cached functions. Primitive arguments are keys as they are; all else counts by the digest of its canonical form,
 * as in the keys of the durable cache. Instances of classes take part by `[cacheKey]()`, by `hash()` and `equals()`, or by
 * the codec that they were registered with. Classes are told apart by name and text, never by identity: that of a class
 * changes whenever its module is loaded anew.
 */
export interface CallKey {
  /** Where the entry is in the table. Different keys may be at one place only if they are compared as well. */
  readonly at: PlainKey;
  /** Compares what is at one place; undefined if the place says everything. */
  readonly compared: Compared | undefined;
}

/** What is known of arguments only by asking them. */
export interface Compared {
  /** Whether another key of the same place is the same key. */
  equals(other: Compared): boolean;
  /** To be kept in an entry: later changes of the objects change nothing, as far as they can be copied. */
  snapshot(): Compared;
}

/** An object that has `hash` and `equals`. */
interface Hashed {
  hash(): unknown;
  equals(other: unknown): boolean;
}

// All that is made of several values begins with this character, so that no single text can be taken for it.
const mark = "\u0000";
const nothing = `${mark}()`;

/** A key that says everything by itself. */
export type PlainKey = string | number | bigint | boolean | null;

/** The key of primitive values; undefined if there is something else among them. */
export function plainKey(values: readonly unknown[]): PlainKey | undefined {
  if (values.length === 1) {
    const [only] = values;
    if (typeof only === "string") return only.charCodeAt(0) === 0 ? textOf(only) : only;
    if (typeof only === "number") return only === 0 && Object.is(only, -0) ? textOf(only) : only;
    if (typeof only === "boolean" || typeof only === "bigint" || only === null) return only;
    return only === undefined ? nothing : undefined;
  }
  if (values.length === 0) return nothing;
  let text = mark;
  for (const value of values) {
    if (typeof value === "object" ? value !== null : typeof value === "function" || typeof value === "symbol")
      return undefined;
    text += textOf(value);
  }
  return text;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return `${mark}s${value.length}:${value}`;
  if (typeof value === "number") return Object.is(value, -0) ? `${mark}n-0;` : `${mark}n${value};`;
  if (typeof value === "bigint") return `${mark}i${value};`;
  return `${mark}${String(value)};`;
}

/**
 * The key of any values.
 *
 * @param nameOf how the value at a position is called in errors.
 * @throws RepriseError `VALUE_NOT_STORABLE` naming what has no key, `FUTURE_MISUSE` for a future.
 */
export function valuesKey(values: readonly unknown[], nameOf: (at: number) => string): CallKey {
  const at = plainKey(values);
  if (at !== undefined) return { at, compared: undefined };
  const before = met;
  met = [];
  try {
    const digest = keyDigest(values, { registry });
    const compared =
      met.length === 0 ? undefined : new ComparedObjects(met.toSorted(byHash).map(({ object }) => object));
    return { at: `${mark}#${digest}`, compared };
  } catch (error) {
    throw explain(error, values, nameOf);
  } finally {
    met = before;
  }
}

/** Objects with `hash` and `equals`, in the order in which the canonical form that is being made came to them. */
let met: { readonly object: Hashed; readonly hash: string }[] = [];

/** The order of a Set does not count, so that of what was met in one must not either. */
function byHash(a: { readonly hash: string }, b: { readonly hash: string }): number {
  return a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0;
}

class KeyRegistry extends TypeRegistry {
  override find(
    value: object,
    prototype: object | null = Object.getPrototypeOf(value) as object | null,
  ): ReturnType<TypeRegistry["find"]> {
    const known = defaultRegistry.find(value, prototype);
    if (typeof (value as { [cacheKey]?: unknown })[cacheKey] === "function") return known ?? { name: classText(value) };
    return isHashed(value) ? { name: `hash of ${known?.name ?? classText(value)}`, encode: meet } : known;
  }
}

const registry = new KeyRegistry();

function isHashed(value: object): value is Hashed {
  const { hash, equals } = value as Partial<Hashed>;
  return typeof hash === "function" && typeof equals === "function";
}

function meet(object: unknown): unknown {
  const hash = (object as Hashed).hash();
  met.push({ object: object as Hashed, hash: `${classText(object as object)}${hashText(hash)}` });
  return hash;
}

function hashText(hash: unknown): string {
  const plain = plainKey([hash]);
  if (plain !== undefined) return `${typeof plain} ${String(plain)}`;
  const before = met;
  try {
    return keyDigest(hash, { registry });
  } finally {
    met = before;
  }
}

const classTexts = new WeakMap<object, string>();

/** What a class is told by: its name and a digest of its text. */
function classText(value: object): string {
  const prototype = (Object.getPrototypeOf(value) ?? value) as object;
  let text = classTexts.get(prototype);
  if (text === undefined) {
    const { constructor } = prototype as { readonly constructor?: unknown };
    const isClass = typeof constructor === "function";
    const code = isClass ? Function.prototype.toString.call(constructor) : "";
    text = `${isClass ? constructor.name : ""} ${digestBytes(Buffer.from(code)).slice(0, 16)}`;
    classTexts.set(prototype, text);
  }
  return text;
}

class ComparedObjects implements Compared {
  readonly #objects: readonly Hashed[];

  constructor(objects: readonly Hashed[]) {
    this.#objects = objects;
  }

  equals(other: Compared): boolean {
    if (!(other instanceof ComparedObjects) || other.#objects.length !== this.#objects.length) return false;
    return this.#objects.every((object, at) => areEqual(object, other.#objects[at] as Hashed));
  }

  snapshot(): Compared {
    return new ComparedObjects(this.#objects.map((object) => tryCopy(object, isSame)));
  }
}

function isSame(original: Hashed, copied: Hashed): boolean {
  return hashText(original.hash()) === hashText(copied.hash()) && original.equals(copied) && copied.equals(original);
}

function areEqual(kept: Hashed, asked: Hashed): boolean {
  try {
    return kept.equals(asked);
  } catch (error) {
    // Of a class whose module has been loaded anew since: they cannot see each other's private fields.
    if (Object.getPrototypeOf(kept) !== Object.getPrototypeOf(asked)) return false;
    throw error;
  }
}

/**
 * A copy, or the object itself if it cannot be copied, because its content is in private fields or belongs to the system. A
 * change of such an object goes unnoticed if its hash stays the same.
 */
function tryCopy<T>(original: T, isSameAs: (original: T, copied: T) => boolean): T {
  try {
    const copied = copyKey(original);
    return isSameAs(original, copied) ? copied : original;
  } catch {
    return original;
  }
}

/** Arguments that are told apart by the functions `hash` and `equals` of the cache's options. */
export class ComparedArguments implements Compared {
  readonly #args: readonly unknown[];
  readonly #equals: (a: readonly unknown[], b: readonly unknown[]) => boolean;

  constructor(args: readonly unknown[], equals: (a: readonly unknown[], b: readonly unknown[]) => boolean) {
    this.#args = args;
    this.#equals = equals;
  }

  equals(other: Compared): boolean {
    return other instanceof ComparedArguments && this.#equals(this.#args, other.#args);
  }

  snapshot(): Compared {
    const equals = this.#equals;
    return new ComparedArguments(
      tryCopy(this.#args, (original, copied) => equals(original, copied) && equals(copied, original)),
      equals,
    );
  }
}

const hint = "give its class a method [cacheKey](), or hash() and equals(), or give the cache the option key";

function explain(error: unknown, values: readonly unknown[], nameOf: (at: number) => string): unknown {
  for (const [at, value] of values.entries()) {
    const path = nameOf(at);
    if (isFuture(value)) {
      return new RepriseError(
        "FUTURE_MISUSE",
        `${path} is a future, which has no value yet: pass it to a func as an argument, or wait for it with await future.$value(), and give the cached function the value.`,
      );
    }
    try {
      keyDigest(value, { registry, path });
    } catch (found) {
      if (!RepriseError.is(found, "VALUE_NOT_STORABLE")) return found;
      const { message, cause } = found;
      const words = message
        .replace(/ has no codec; register it with registerClass.*$/s, ` has no key: ${hint}.`)
        .replace(/ cannot be stored; [^]*$/, " has no key; give the cache the option key.");
      return new RepriseError("VALUE_NOT_STORABLE", words, cause === undefined ? {} : { cause });
    }
  }
  return error;
}
