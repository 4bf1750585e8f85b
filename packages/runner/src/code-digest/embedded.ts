import { packFuncs, type StoredFuncs, unpackFuncs } from "./digest-record.ts";
import type { FuncCode } from "./func-code.ts";

// A symbol, so that every copy of the library in a process finds what a bundle brings.
const key = Symbol.for("reprise.code-digests");

/** What is known of the code of a func that came in a bundle. */
export function embeddedCode(id: string): FuncCode | undefined {
  const records = (globalThis as Record<symbol, unknown>)[key] as readonly StoredFuncs[] | undefined;
  for (const record of records ?? []) {
    if (!record.funcs.some((code) => code.id === id)) continue;
    const found = unpackFuncs(record).find((code) => code.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Ids of the funcs that came in bundles. */
export function embeddedIds(): readonly string[] {
  const records = (globalThis as Record<symbol, unknown>)[key] as readonly StoredFuncs[] | undefined;
  return (records ?? []).flatMap(({ funcs }) => funcs.flatMap(({ id }) => id ?? []));
}

/**
 * A statement that makes the digests of funcs known to the program that runs it.
 *
 * @param options.sources whether it holds the sources of all parts too. Default true.
 */
export function embeddingStatement(
  funcs: readonly FuncCode[],
  { sources = true }: { readonly sources?: boolean } = {},
): string {
  const { format, parts, funcs: stored } = packFuncs(funcs.filter(({ id }) => id !== undefined));
  const texts = sources ? parts : parts.map(({ file, name, digest }) => ({ file, name, digest, source: "" }));
  // Where the files lie on the machine that makes a bundle is nobody's business.
  const record = { format, parts: texts, funcs: stored.map((code) => Object.assign(code, { file: "" })) };
  return `(globalThis[Symbol.for(${JSON.stringify(key.description)})]??=[]).push(${JSON.stringify(record)});`;
}
