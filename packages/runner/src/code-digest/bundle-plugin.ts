import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import type { CodeDigest, NoCodeDigest } from "./code-digest.ts";
import { embeddingStatement } from "./embedded.ts";
import type { FuncCode } from "./func-code.ts";

/** Options of {@link codeDigestPlugin}. */
export interface CodeDigestPluginOptions {
  /** Whether the bundle holds the sources of what was digested, for `reprise why`. Default true. */
  readonly sources?: boolean;
}

/**
 * Computes the code digests of all funcs in a module and in the local modules that it leads to, by id. Funcs whose id is
 * not written as a text are left out.
 *
 * @throws if a module cannot be read or has a syntax error.
 */
export async function computeCodeDigests(entry: string): Promise<Map<string, CodeDigest | NoCodeDigest>> {
  const digests = new Map<string, CodeDigest | NoCodeDigest>();
  for (const { id, whole, closure, packages, warnings } of await funcsOf([entry])) {
    if (id === undefined) continue;
    const { digest, reason = "" } = whole;
    digests.set(id, digest === undefined ? { digest, reason, warnings } : { digest, closure, packages, warnings });
  }
  return digests;
}

/**
 * A plugin for esbuild that puts the code digests of a program into its bundle, so that a bundle, minified or not, has
 * the digests of the sources that it was made from. It warns of funcs that will have none.
 *
 * @example
 * ```ts
 * await build({ entryPoints: ["pipeline.ts"], bundle: true, platform: "node", format: "esm", plugins: [codeDigestPlugin()] });
 * ```
 */
export function codeDigestPlugin({ sources = true }: CodeDigestPluginOptions = {}): Plugin {
  const name = "reprise-code-digests";
  return {
    name,
    setup(build) {
      const { initialOptions } = build;
      const base = initialOptions.absWorkingDir ?? process.cwd();
      const entries = entryFiles(initialOptions.entryPoints).map((entry) => resolve(base, entry));
      initialOptions.inject = [name, ...(initialOptions.inject ?? [])];
      build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: name, sideEffects: true }));
      build.onLoad({ filter: /.*/, namespace: name }, async () => {
        const funcs = await funcsOf(entries);
        return {
          contents: embeddingStatement(funcs, { sources }),
          loader: "js",
          warnings: funcs.flatMap((code) => warningsOf(code)),
          watchFiles: [...new Set(funcs.map(({ file }) => file))],
        };
      });
    },
  };
}

function warningsOf({ id, file, line, column, whole }: FuncCode) {
  const reason = id === undefined ? "its id is not written as a text, so the bundle cannot name it" : whole.reason;
  if (reason === undefined) return [];
  const text = `${id === undefined ? "a func" : `func "${id}"`} has no code digest in this bundle: ${reason}`;
  return [{ text, location: { file, line, column: column - 1 } }];
}

async function funcsOf(entries: readonly string[]): Promise<readonly FuncCode[]> {
  const { ProgramReader } = await import("./read-program.ts");
  const reader = new ProgramReader();
  const found = new Map<string, FuncCode>();
  for (const entry of entries) {
    for (const code of (await reader.read(realpathSync.native(entry))).funcs) {
      found.set(`${code.file}:${code.line}:${code.column}`, code);
    }
  }
  return [...found.values()];
}

function entryFiles(entryPoints: BuildOptions["entryPoints"]): readonly string[] {
  if (entryPoints === undefined) return [];
  if (!Array.isArray(entryPoints)) return Object.values(entryPoints);
  return entryPoints.map((entry) => (typeof entry === "string" ? entry : entry.in));
}
