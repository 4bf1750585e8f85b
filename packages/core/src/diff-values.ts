import { encode, keyDigest } from "./codec/encode.ts";
import { propertyStep } from "./codec/refusal.ts";
import { knownTypeName } from "./codec/type-name.ts";
import { defaultRegistry, type TypeRegistry } from "./codec/type-registry.ts";
import { preview } from "./preview.ts";

/** A place where two values differ. */
export interface ValueDifference {
  /** Where: `.lr`, `[3].name`, `.get("k")` of a Map, `.has("a")` of a Set; empty for the whole value. */
  readonly path: string;
  /** What was there, on one line of at most 80 units; `missing` if nothing was. */
  readonly before: string;
  /** What is there. */
  readonly after: string;
}

/** Options of {@link diffValues}. */
export interface DiffValuesOptions {
  /** Differences at most. Default: 20. */
  readonly limit?: number | undefined;
  /** The types known besides the built-in ones. Default: those of `registerType` and `registerClass`. */
  readonly registry?: TypeRegistry | undefined;
}

/**
 * Where two values differ, in the order of their parts; empty exactly if they are equal, as their digests are. Where the
 * place cannot be told, the one difference is the whole. Values that cannot be stored are compared as far as they can be
 * read. Never throws.
 *
 * @example
 * ```ts
 * diffValues({ lr: 0.1, layers: [64, 32] }, { lr: 0.2, layers: [64] });
 * // [{ path: ".layers.length", before: "2", after: "1" }, { path: ".layers[1]", before: "32", after: "missing" },
 * //  { path: ".lr", before: "0.1", after: "0.2" }]
 * ```
 */
export function diffValues(
  before: unknown,
  after: unknown,
  { limit = 20, registry = defaultRegistry }: DiffValuesOptions = {},
): readonly ValueDifference[] {
  if (limit < 1 || Object.is(before, after)) return [];
  const equal = haveOneDigest(before, after, registry);
  if (equal === true) return [];
  const search = new Search(limit, registry);
  search.compare(before, after, "", 0);
  if (search.found.length === 0 && equal === false) search.add("", before, after);
  return search.found;
}

const nothing = Symbol("missing");

/** Containers within containers that are looked into; below, parts are compared by their digests. */
const maxDepth = 100;

/** One comparison of two values. */
class Search {
  readonly found: ValueDifference[] = [];
  readonly #limit: number;
  readonly #registry: TypeRegistry;
  /** For each object that is being compared, those that it is compared with: a value may contain itself. */
  readonly #open = new Map<object, object[]>();

  constructor(limit: number, registry: TypeRegistry) {
    this.#limit = limit;
    this.#registry = registry;
  }

  get #full(): boolean {
    return this.found.length >= this.#limit;
  }

  /** Notes a difference. */
  add(path: string, before: unknown, after: unknown): void {
    if (this.#full) return;
    const text = (value: unknown) => (value === nothing ? "missing" : preview(value, this.#registry));
    this.found.push({ path, before: text(before), after: text(after) });
  }

  /** Notes where two parts differ. */
  compare(before: unknown, after: unknown, path: string, depth: number): void {
    if (this.#full || Object.is(before, after)) return;
    if (!isObject(before) || !isObject(after)) {
      this.add(path, before, after);
      return;
    }
    const partners = this.#open.get(before) ?? [];
    if (partners.includes(after)) return;
    if (depth >= maxDepth) {
      this.#compareWhole(before, after, path);
      return;
    }
    this.#open.set(before, [...partners, after]);
    const count = this.found.length;
    try {
      this.#compareParts(before, after, path, depth + 1);
    } catch {
      // A getter or a codec of the user threw.
      this.found.length = count;
      this.#compareWhole(before, after, path);
    } finally {
      this.#open.set(before, partners);
    }
  }

  #compareWhole(before: object, after: object, path: string): void {
    if (haveOneDigest(before, after, this.#registry) !== true) this.add(path, before, after);
  }

  #compareParts(before: object, after: object, path: string, depth: number): void {
    const kind = knownTypeName(before, this.#registry);
    if (kind !== knownTypeName(after, this.#registry)) {
      this.add(path, before, after);
      return;
    }
    const registered = kind === undefined ? undefined : this.#registry.named(kind);
    if (registered !== undefined && this.#registry.find(before) === registered) {
      if (registered.encode === undefined) this.#compareWhole(before, after, path);
      else this.compare(registered.encode(before), registered.encode(after), `${path}<${kind}>`, depth);
    } else if (Array.isArray(before)) this.#compareArrays(before, after as readonly unknown[], path, depth);
    else if (before instanceof Map) this.#compareMaps(before, after as Map<unknown, unknown>, path, depth);
    else if (before instanceof Set) this.#compareSets(before, after as Set<unknown>, path);
    else if (isBinary(before)) this.#compareBytes(before, after as BinaryValue, path);
    else if (before instanceof Error) {
      this.#compareFields(errorFields(before), errorFields(after as Error), path, depth);
    } else if (kind === "object" || isSameClass(before, after, kind)) this.#compareFields(before, after, path, depth);
    else this.#compareWhole(before, after, path);
  }

  #compareArrays(before: readonly unknown[], after: readonly unknown[], path: string, depth: number): void {
    if (before.length !== after.length) this.add(`${path}.length`, before.length, after.length);
    // The array may be far longer than what it holds.
    for (const index of indicesOf(before, after)) {
      if (this.#full) return;
      this.#compareOwn(before, after, index, `${path}[${index}]`, depth);
    }
  }

  #compareFields(before: object, after: object, path: string, depth: number): void {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      if (this.#full) return;
      this.#compareOwn(before, after, key, path + propertyStep(key), depth);
    }
    // Objects without a prototype are not equal to others.
    const [old, fresh] = [before, after].map((value) => Object.getPrototypeOf(value) === null);
    if (old !== fresh) this.add(path, before, after);
  }

  #compareOwn(before: object, after: object, key: string | number, path: string, depth: number): void {
    const part = (of: object): unknown =>
      Object.hasOwn(of, key) ? (of as Record<string | number, unknown>)[key] : nothing;
    const [old, fresh] = [part(before), part(after)];
    if (old === nothing || fresh === nothing) {
      if (old !== fresh) this.add(path, old, fresh);
    } else this.compare(old, fresh, path, depth);
  }

  #compareMaps(
    before: ReadonlyMap<unknown, unknown>,
    after: ReadonlyMap<unknown, unknown>,
    path: string,
    depth: number,
  ): void {
    const fresh = this.#byIdentity(after.keys());
    const met = new Set<unknown>();
    for (const [key, value] of before) {
      if (this.#full) return;
      const partner = take(fresh, this.#identity(key));
      if (partner === nothing) this.add(`${path}.get(${this.#text(key)})`, value, nothing);
      else {
        met.add(partner);
        this.compare(value, after.get(partner), `${path}.get(${this.#text(key)})`, depth);
      }
    }
    for (const [key, value] of after) {
      if (!met.has(key)) this.add(`${path}.get(${this.#text(key)})`, nothing, value);
    }
  }

  #compareSets(before: ReadonlySet<unknown>, after: ReadonlySet<unknown>, path: string): void {
    const fresh = this.#byIdentity(after);
    const gone = [...before].filter((item) => take(fresh, this.#identity(item)) === nothing);
    for (const item of gone) this.add(`${path}.has(${this.#text(item)})`, true, false);
    for (const items of fresh.values()) {
      for (const item of items) this.add(`${path}.has(${this.#text(item)})`, false, true);
    }
  }

  #compareBytes(before: BinaryValue, after: BinaryValue, path: string): void {
    const [old, fresh] = [elementsOf(before), elementsOf(after)];
    if (old.length !== fresh.length) this.add(`${path}.length`, old.length, fresh.length);
    const [oldBytes, freshBytes] = [bytesOf(before), bytesOf(after)];
    const size = Math.min(oldBytes.length, freshBytes.length);
    // Bytes and not elements, because NaN has several forms.
    let at = 0;
    while (at < size && oldBytes[at] === freshBytes[at]) at++;
    if (at === size) return;
    const index = Math.floor((at * old.length) / oldBytes.length);
    this.add(`${path}[${index}]`, old[index], fresh[index]);
  }

  /** Keys and items by what makes them the same; several objects may have equal content. */
  #byIdentity(values: Iterable<unknown>): Map<unknown, unknown[]> {
    const found = new Map<unknown, unknown[]>();
    for (const value of values) {
      const identity = this.#identity(value);
      const others = found.get(identity);
      if (others === undefined) found.set(identity, [value]);
      else others.push(value);
    }
    return found;
  }

  #identity(value: unknown): unknown {
    if (!isObject(value)) return typeof value === "string" ? `text ${value}` : value;
    const digest = digestOf(value, this.#registry);
    return digest === undefined ? value : `digest ${digest}`;
  }

  #text(key: unknown): string {
    return preview(key, this.#registry);
  }
}

type BinaryValue = ArrayBufferView | ArrayBufferLike;

/** Whether two values are instances of one class that nobody registered. */
function isSameClass(before: object, after: object, kind: string | undefined): boolean {
  return kind === undefined && Object.getPrototypeOf(before) === Object.getPrototypeOf(after);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether two values have the same digest; undefined if one has none. */
function haveOneDigest(before: unknown, after: unknown, registry: TypeRegistry): boolean | undefined {
  const old = digestOf(before, registry);
  if (old === undefined) return undefined;
  const fresh = digestOf(after, registry);
  return fresh === undefined ? undefined : old === fresh;
}

function digestOf(value: unknown, registry: TypeRegistry): string | undefined {
  // Instances of a class without codec have a digest only by their [cacheKey]().
  for (const digest of [() => encode(value, { registry }).digest, () => keyDigest(value, { registry })]) {
    try {
      return digest();
    } catch {
      // Then it is no value of that kind.
    }
  }
  return undefined;
}

function take(values: Map<unknown, unknown[]>, identity: unknown): unknown {
  const left = values.get(identity);
  return left === undefined || left.length === 0 ? nothing : left.shift();
}

/** Indices that one of two arrays has, in order, without going through the holes of long ones. */
function* indicesOf(before: readonly unknown[], after: readonly unknown[]): Generator<number> {
  const longer = Math.max(before.length, after.length);
  if (longer < 10_000_000) {
    for (let index = 0; index < longer; index++) yield index;
    return;
  }
  const indices = new Set([...Object.keys(before), ...Object.keys(after)].map(Number).filter(Number.isInteger));
  yield* [...indices].sort((a, b) => a - b);
}

function errorFields(error: Error): object {
  const { message } = error;
  return Object.assign({}, error, { message }, "cause" in error ? { cause: error.cause } : {});
}

function isBinary(value: object): value is BinaryValue {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function bytesOf(value: BinaryValue): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

function elementsOf(value: BinaryValue): ArrayLike<unknown> {
  const hasElements = ArrayBuffer.isView(value) && !(value instanceof DataView);
  return hasElements ? (value as unknown as ArrayLike<unknown>) : bytesOf(value);
}
