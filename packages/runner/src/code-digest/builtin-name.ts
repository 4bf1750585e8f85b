import { isBuiltin } from "node:module";

/** The full name of a module of Node, `node:fs` for `fs` too; undefined for any other specifier. */
export function builtinName(specifier: string): string | undefined {
  if (!isBuiltin(specifier)) return undefined;
  return specifier.startsWith("node:") ? specifier : `node:${specifier}`;
}
