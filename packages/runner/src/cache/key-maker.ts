import {
  cacheKeyOf,
  defaultRegistry,
  type Digest,
  ENCODING_VERSION,
  encode,
  keyDigest,
  type KeyInput,
  type KeyRecord,
  RepriseError,
} from "@reprise/core";
import type { CacheOptions } from "../cache-options.ts";
import type { CodeDigest, CodeWarning } from "../code-digest/code-digest.ts";
import type { FuncDefinition } from "../func-definition.ts";
import { chain, chainAll, type MaybePromise } from "../maybe-promise.ts";
import { type Ignored, ignoredOf } from "./ignored.ts";
import { attempt, isProblem, messageOf, type Problem } from "./problem.ts";
import { argumentNames, signatureOf } from "./signature.ts";
import type { FuncVersions } from "./versions.ts";

/** An argument of a call, as far as a key needs it. */
export interface KeyArgument {
  /** Digest of the value's artifact, if it is known. */
  readonly digest: Digest | undefined;
  /** An own copy of the value. */
  readonly value: () => MaybePromise<unknown>;
}

/** Who shares entries. */
export interface KeyScope {
  readonly account: string;
  readonly namespace: string;
  /** Id of the root func. */
  readonly rootFunc: string;
}

/** A key with all that it was made of, or why there is none. */
export type MadeKey = { readonly key: Digest; readonly record: KeyRecord } | Problem;

/** What the arguments of a func with certain options are called in keys. */
interface InputPlan {
  readonly names: readonly string[];
  /** Position of the rest parameter, or -1. */
  readonly restAt: number;
  readonly ignored: Ignored;
}

const none: readonly string[] = [];
const nothing: Ignored = { parameters: new Set(), fields: new Set() };
/** What an argument that was left out is equal to. */
const undefinedDigest = encode(undefined).digest;

/**
 * Makes the cache keys of calls from func, version, signature, inputs and scope. All of them or none: if one cannot be
 * had there is no key, because a key of the others would find results that are not the call's.
 *
 * @example
 * ```ts
 * const keys = new KeyMaker({ versions: new FuncVersions({ folder }) });
 * const made = await keys.make(definition, { version: "v1" }, args, { account: "", namespace: "default", rootFunc });
 * if ("problem" in made) console.warn(made.problem);
 * ```
 */
export class KeyMaker {
  readonly #versions: FuncVersions;
  readonly #plans = new WeakMap<FuncDefinition, WeakMap<readonly string[], InputPlan>>();

  constructor({ versions }: { readonly versions: FuncVersions }) {
    this.#versions = versions;
  }

  /**
   * Makes the key of a call. Never throws or rejects: what goes wrong is the problem. Synchronous if the func's version
   * is known and all values that have to be looked at are there.
   *
   * @param args the arguments that were given, without the context; with an input schema, what it made of the input.
   */
  make(
    definition: FuncDefinition,
    options: CacheOptions,
    args: readonly KeyArgument[],
    scope: KeyScope,
  ): MaybePromise<MadeKey> {
    try {
      const made = this.#make(definition, options, args, scope);
      return made instanceof Promise ? made.catch((error: unknown) => noKey(definition, error)) : made;
    } catch (error) {
      return noKey(definition, error);
    }
  }

  /** The code behind the version of a func for which a key was made; undefined if the version was given. */
  codeOf(definition: FuncDefinition, options: CacheOptions): CodeDigest | undefined {
    const found = this.#versions.versionOf(definition, options);
    return found instanceof Promise || isProblem(found) ? undefined : found.code;
  }

  /** What the digests of a func cannot see; each warning is given once. */
  takeWarnings(definition: FuncDefinition): readonly CodeWarning[] {
    return this.#versions.takeWarnings(definition);
  }

  #make(
    definition: FuncDefinition,
    options: CacheOptions,
    args: readonly KeyArgument[],
    scope: KeyScope,
  ): MaybePromise<MadeKey> {
    const signed = signatureOf(definition);
    if (isProblem(signed)) return signed;
    return chain(this.#versions.versionOf(definition, options), (found): MaybePromise<MadeKey> => {
      if (isProblem(found)) return found;
      return chain(this.#inputs(definition, options, args), (inputs) => {
        if (isProblem(inputs)) return inputs;
        const record: KeyRecord = {
          encoding: ENCODING_VERSION,
          account: scope.account,
          namespace: scope.namespace.normalize("NFC"),
          pipeline: options.scope === "pipeline" ? scope.rootFunc : null,
          func: definition.id,
          signature: signed.signature,
          version: found.version,
          inputs,
        };
        return { key: cacheKeyOf(record), record };
      });
    });
  }

  #inputs(
    definition: FuncDefinition,
    options: CacheOptions,
    args: readonly KeyArgument[],
  ): MaybePromise<readonly KeyInput[] | Problem> {
    if (options.key !== undefined) return ownKey(definition, options.key, args);
    const plan = this.#plan(definition, options.ignore ?? none);
    const inputs = chainAll(args, (argument, at) => inputOf(definition, plan, argument, at));
    return chain(inputs, (given) => {
      const problem = given.find(isProblem);
      if (problem !== undefined) return problem;
      const { parameters, fields } = plan.ignored;
      const ignored = [...parameters, ...Array.from(fields, (name) => `input.${name}`)];
      return [
        ...given.filter((input): input is KeyInput => input !== undefined),
        ...ignored.map((name) => ({ name, digest: null })),
      ].sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  #plan(definition: FuncDefinition, ignore: readonly string[]): InputPlan {
    let plans = this.#plans.get(definition);
    if (plans === undefined) this.#plans.set(definition, (plans = new WeakMap()));
    let plan = plans.get(ignore);
    if (plan === undefined) {
      const names = argumentNames(definition);
      plan = {
        names: names.map((name) => name.replace(/^\.\.\./, "")),
        restAt: names.findIndex((name) => name.startsWith("...")),
        ignored: ignore.length === 0 ? nothing : ignoredOf(definition, ignore),
      };
      plans.set(ignore, plan);
    }
    return plan;
  }
}

function noKey({ id }: FuncDefinition, error: unknown): Problem {
  return { problem: `the key of func "${id}" cannot be made: ${messageOf(error)}` };
}

/** One argument; undefined if it does not count. */
function inputOf(
  definition: FuncDefinition,
  { names, restAt, ignored }: InputPlan,
  argument: KeyArgument,
  at: number,
): MaybePromise<KeyInput | Problem | undefined> {
  const isRest = restAt >= 0 && at >= restAt;
  const parameter = isRest ? (names[restAt] as string) : (names[at] ?? `argument ${at + 1}`);
  if (ignored.parameters.has(parameter)) return undefined;
  const name = isRest ? `${parameter}[${at - restAt}]` : parameter;
  // Only parameters can be left out: how many other arguments there are may matter to the body.
  const counts = isRest || at >= names.length;
  const fields = at === 0 ? ignored.fields : nothing.fields;
  return chain(digestOf(definition, name, argument, fields), (digest) => {
    if (typeof digest !== "string") return digest;
    return counts || digest !== undefinedDigest ? { name, digest } : undefined;
  });
}

function digestOf(
  { id }: FuncDefinition,
  name: string,
  { digest, value }: KeyArgument,
  fields: ReadonlySet<string>,
): MaybePromise<Digest | Problem> {
  if (digest !== undefined && fields.size === 0 && !defaultRegistry.mayHaveCacheKeys) return digest;
  return attempt(
    () => chain(value(), (own) => keyDigest(fields.size === 0 ? own : without(own, fields), { path: name })),
    (why) => `input ${name} of func "${id}" has no digest: ${why}. If it does not matter, name it in cache.ignore`,
  );
}

/** The one input of a func whose key its own function makes. */
function ownKey(
  { id, parameters }: FuncDefinition,
  make: (...args: never[]) => unknown,
  args: readonly KeyArgument[],
): MaybePromise<readonly KeyInput[] | Problem> {
  const problem = (why: string): string => `cache.key of func "${id}" gave no key: ${why}. Mend it, or leave it out`;
  const values = chainAll(args, ({ value }) =>
    attempt(
      () => chain(value(), (own) => ({ own })),
      (why) => `an input of func "${id}", for its cache.key, cannot be read: ${why}`,
    ),
  );
  return chain(values, (given) => {
    const unread = given.find(isProblem);
    if (unread !== undefined) return unread;
    const own = given.map((one) => (isProblem(one) ? undefined : one.own));
    // A parameter of that name must not be taken for what the function gave.
    const name = parameters.includes("key") ? "key()" : "key";
    return attempt(() => chain(make(...(own as never[])), (key) => [{ name, digest: ownDigest(key) }]), problem);
  });
}

function ownDigest(key: unknown): Digest {
  if (key === undefined) throw new RepriseError("INVALID_OPTION", "it returned undefined, so all calls would be equal");
  return keyDigest(key, { path: "key" });
}

/** A plain object without some of its fields. */
function without(value: unknown, fields: ReadonlySet<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new RepriseError("INVALID_OPTION", "cache.ignore names fields of it, but it is no plain object");
  }
  const rest = Object.create(prototype) as object;
  for (const key of Object.keys(value)) {
    if (fields.has(key)) continue;
    const field = (value as Record<string, unknown>)[key];
    Object.defineProperty(rest, key, { value: field, enumerable: true, configurable: true, writable: true });
  }
  return rest;
}
