import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { RepriseError } from "@reprise/core";
import { currentBody } from "../context.ts";
import { definitionOf } from "../func-definition.ts";
import { parameterDefaults, parameterNames } from "../parameters.ts";
import { formatPlace, type SourcePlace } from "../source.ts";
import type { CacheStatistics } from "../workers/protocol.ts";
import { actorRegistry } from "./actor-registry.ts";
import { cachedBrand, labelOfCached } from "./cached-brand.ts";
import { type CallKey, ComparedArguments, type PlainKey, plainKey, valuesKey } from "./cache-key.ts";
import { type Cacheable, type ParsedCacheOptions, parseCacheOptions } from "./cache-options.ts";
import { CacheTable } from "./cache-table.ts";
import { disposeCaches } from "./replica-caches.ts";

/** A function whose results are kept in the memory of the replica; it is called as the function itself is. */
export type CachedFunction<F extends Cacheable> = F & {
  /**
   * Forgets the value for these arguments, or without arguments all values. Who uses one may go on with it; it is disposed
   * of afterwards.
   */
  clear(...args: Parameters<F> | []): void;
  /** How the cache does in this process. A call that joins a load under way is a hit. */
  statistics(): CacheStatistics;
};

type Plain = (this: unknown, ...args: unknown[]) => unknown;

/** Makes the cached form of a function. */
export function makeCached(actor: string, fn: unknown, options: unknown, place: SourcePlace | undefined): unknown {
  const what = `cache of actor "${actor}" at ${formatPlace(place)}`;
  const run = checkFunction(fn, what);
  const parsed = parseCacheOptions(options, what);
  const table = tableOf(actor, place, () => parsed.name ?? (run.name === "" ? nameAt(place) : run.name));
  const keys = new KeyReader(run, parsed, table);
  if (parsed.dispose !== undefined) disposeBeforeExit();
  const cached: Plain = function cached(this: unknown, ...args: unknown[]): unknown {
    const at = keys.plain(args);
    const hit = at === undefined ? undefined : table.get(at, parsed);
    if (hit !== undefined) return hit.result;
    return table.take(keys.read(this, args), parsed, () => Reflect.apply(run, this, args));
  };
  const clear: Plain = (...args) => table.clear(args.length === 0 ? undefined : keys.read(undefined, args));
  return Object.defineProperties(cached, {
    name: { value: run.name, configurable: true },
    length: { value: run.length, configurable: true },
    clear: { value: clear },
    statistics: { value: () => table.statistics() },
    [cachedBrand]: { value: table },
  });
}

/** Reads the keys of the calls of one function. */
class KeyReader {
  readonly #options: ParsedCacheOptions;
  readonly #table: CacheTable;
  readonly #names: readonly string[];
  /** How many arguments the function can see. */
  readonly #count: number;
  readonly #defaults: ReadonlyMap<number, unknown>;
  readonly #usesThis: boolean;
  /** Whether arguments that are primitive are the key as they are. */
  readonly #isPlain: boolean;

  constructor(run: Plain, options: ParsedCacheOptions, table: CacheTable) {
    const text = Function.prototype.toString.call(run);
    const isRead = !/\{\s*\[native code\]\s*\}$/.test(text);
    const isArrow = /^(?:async\b\s*)?(?:\(|[\p{ID_Start}_$][\p{ID_Continue}$]*\s*=>)/u.test(text);
    this.#options = options;
    this.#table = table;
    this.#names = isRead ? parameterNames(run) : [];
    const seesAll = !isRead || this.#names.at(-1)?.startsWith("...") === true || /\barguments\b/.test(text);
    this.#count = seesAll ? Number.POSITIVE_INFINITY : this.#names.length;
    this.#defaults = isRead ? parameterDefaults(run) : new Map<number, unknown>();
    this.#usesThis = isRead && !isArrow && /\b(?:this|super)\b/.test(text);
    this.#isPlain = !this.#usesThis && options.key === undefined && options.hash === undefined;
  }

  /** The key of primitive arguments; undefined if more than that has to be looked at. */
  plain(args: readonly unknown[]): PlainKey | undefined {
    return this.#isPlain ? plainKey(this.#normal(args)) : undefined;
  }

  /** The key of any call. */
  read(self: unknown, args: readonly unknown[]): CallKey {
    const { key, hash, equals } = this.#options;
    if (key !== undefined) return this.#ownKey("key", key, self, args);
    if (hash !== undefined && equals !== undefined) {
      const { at } = this.#ownKey("hash", hash, self, args);
      return { at, compared: new ComparedArguments(args, equals) };
    }
    const normal = this.#normal(args);
    if (!this.#usesThis || self === undefined) return valuesKey(normal, (at) => this.#nameOf(at));
    const { at, compared } = valuesKey([self, normal], (at) =>
      at === 0 ? this.#thisName() : `arguments of ${this.#table.label}`,
    );
    return { at: `this ${String(at)}`, compared };
  }

  #ownKey(
    field: "key" | "hash",
    make: (...args: unknown[]) => unknown,
    self: unknown,
    args: readonly unknown[],
  ): CallKey {
    const value = Reflect.apply(make, self, args);
    if (value === undefined) {
      throw new RepriseError(
        "INVALID_OPTION",
        `${field} of ${this.#table.label} gave undefined: it must return the value that stands for the arguments.`,
      );
    }
    return valuesKey([value], () => `${field} of ${this.#table.label}`);
  }

  /** The arguments as the function sees them: defaults applied, where they are literals, and nothing that it cannot see. */
  #normal(args: readonly unknown[]): readonly unknown[] {
    let { length } = args;
    if (this.#defaults.size > 0) return this.#withDefaults(args);
    if (length > this.#count) length = this.#count;
    while (length > 0 && args[length - 1] === undefined) length -= 1;
    return length === args.length ? args : args.slice(0, length);
  }

  #withDefaults(args: readonly unknown[]): readonly unknown[] {
    const all = args.slice(0, this.#count);
    for (const [at, value] of this.#defaults) if (all[at] === undefined) all[at] = value;
    while (all.length > 0 && all.at(-1) === undefined) all.pop();
    // What was left out in between is as good as given as undefined.
    return Array.from(all);
  }

  #nameOf(at: number): string {
    const name = this.#names[Math.min(at, this.#names.length - 1)];
    return `${name === undefined ? `argument ${at + 1}` : name.replace(/^\.\.\./, "")} of ${this.#table.label}`;
  }

  #thisName(): string {
    return `this of ${this.#table.label}, which takes part in its keys because the function uses it,`;
  }
}

function checkFunction(fn: unknown, what: string): Plain {
  const definition = definitionOf(fn);
  const body = currentBody();
  let why: string | undefined;
  if (typeof fn !== "function") why = `it takes a function, not ${fn === null ? "null" : typeof fn}`;
  else if (definition !== undefined) {
    why = `func "${definition.id}" is no function to be cached here: its calls are runs. For results that are kept on disk, declare it with cache: true`;
  } else if (labelOfCached(fn) !== undefined) why = `the function is the ${labelOfCached(fn)} already`;
  else if (/^class\b/.test(Function.prototype.toString.call(fn))) {
    why = "a class cannot be called: give a function that makes the object";
  } else if (/^(?:Async)?GeneratorFunction$/.test((fn.constructor as { readonly name: string }).name)) {
    why = "a generator can be read only once: give a function that returns an array";
  } else if (body !== undefined) {
    why = `it was called in the body of func "${body.funcId}", whose next execution would make another cache and find nothing. Call it where the module is loaded, beside the environment`;
  }
  if (why !== undefined) throw new RepriseError("FUNC_DEFINITION", `${what}: ${why}.`);
  return fn as Plain;
}

/** The table of a declaration: that of the same declaration in the code that was loaded before, if there is one. */
function tableOf(actor: string, place: SourcePlace | undefined, nameOf: () => string): CacheTable {
  const { tables, declared } = actorRegistry;
  const where = JSON.stringify([actor, place?.file, place?.line, place?.column]);
  // A place may declare several, as in a function that makes cached functions.
  const count = (declared.get(where) ?? 0) + 1;
  declared.set(where, count);
  const id = `${where}#${count}`;
  const known = tables.get(id);
  if (known !== undefined) return known;
  let name: string | undefined;
  const table = new CacheTable(actor, () => (name ??= nameOf()));
  tables.set(id, table);
  return table;
}

/** The name that a declaration is assigned to, read from its source when somebody asks for it. */
function nameAt(place: SourcePlace | undefined): string {
  if (place === undefined) return "anonymous";
  const { file, line, column } = place;
  try {
    const lines = readFileSync(file, "utf8").split("\n").slice(0, line);
    lines.push((lines.pop() ?? "").slice(0, column - 1));
    const before = lines.slice(-3).join("\n");
    const name = /([\p{ID_Start}_$#][\p{ID_Continue}$]*)\s*(?::[^=:;,]*)?[=:]\s*[\p{ID_Continue}$.#]*$/u.exec(
      before,
    )?.[1];
    if (name !== undefined) return name;
  } catch {
    // The program was built, and its sources are elsewhere.
  }
  return `${basename(file)}:${line}`;
}

let disposesBeforeExit = false;

/** In a process that nobody tells when to end: values are disposed of when there is nothing left to do. */
function disposeBeforeExit(): void {
  if (disposesBeforeExit) return;
  disposesBeforeExit = true;
  process.once("beforeExit", () => void disposeCaches());
}
