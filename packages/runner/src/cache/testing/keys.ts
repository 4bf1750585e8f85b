import { type Digest, encode } from "@reprise/core";
import type { CacheOptions } from "../../cache-options.ts";
import { definitionOf, type FuncDefinition } from "../../func-definition.ts";
import { type KeyArgument, KeyMaker, type KeyScope, type MadeKey } from "../key-maker.ts";
import { FuncVersions } from "../versions.ts";

export const scope: KeyScope = { account: "", namespace: "default", rootFunc: "root" };

const keys = new KeyMaker({ versions: new FuncVersions() });

/** The definition of a func, which must be one. */
export function defined(func: unknown): FuncDefinition {
  return definitionOf(func) as FuncDefinition;
}

/** A value as an argument of which no artifact is known. */
export function plain(value: unknown): KeyArgument {
  return { digest: undefined, value: () => value };
}

/** A value as an argument whose artifact is known, and which nobody needs to read. */
export function stored(value: unknown): KeyArgument {
  return {
    digest: encode(value).digest,
    value: () => {
      throw new Error("read, though its digest is known");
    },
  };
}

/** Makes the key of a call with these arguments and the cache options of the func, at once. */
export function make(func: unknown, args: readonly KeyArgument[], options?: CacheOptions, within = scope): MadeKey {
  const definition = defined(func);
  const made = keys.make(definition, options ?? (definition.options.cache as CacheOptions), args, within);
  if (made instanceof Promise) throw new Error("not synchronous");
  return made;
}

/** The key of a call. */
export function keyOf(func: unknown, args: readonly unknown[], options?: CacheOptions, within = scope): Digest {
  const made = make(func, args.map(plain), options, within);
  if ("problem" in made) throw new Error(made.problem);
  return made.key;
}

/** Why a call has no key. */
export function problemOf(func: unknown, args: readonly KeyArgument[], options?: CacheOptions): string {
  const made = make(func, args, options);
  return "problem" in made ? made.problem : `there is a key: ${made.key}`;
}
