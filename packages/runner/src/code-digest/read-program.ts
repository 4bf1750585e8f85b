import { dirname } from "node:path";
import type * as oxc from "oxc-parser";
import { ClosureFinder } from "./closure.ts";
import { digestOfFile } from "./digest-record.ts";
import { type FuncCode, FuncCodeReader } from "./func-code.ts";
import { ModuleGraph } from "./module-graph.ts";
import { PackageVersions } from "./package-versions.ts";
import { nearestManifest } from "./resolve-module.ts";

/** The funcs of a program, and the files that decide what is said of them. */
export interface ProgramCode {
  readonly funcs: readonly FuncCode[];
  /** Digests of the files that were read: code, data, manifests and the lockfile. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that were looked for and are not there. */
  readonly absent: readonly string[];
}

/**
 * Reads the code of all funcs in a module and in the local modules that it leads to.
 *
 * @throws if one of them cannot be read or has a syntax error.
 */
export async function readProgram(entry: string): Promise<ProgramCode> {
  // The name is computed so that a bundle of a user's program does not take the parser in: it has native parts.
  const parser = "oxc-parser";
  const { parseSync } = (await import(parser)) as typeof oxc;
  const graph = new ModuleGraph(parseSync);
  const start = await graph.load(entry);
  const versions = new PackageVersions();
  const root = dirname(nearestManifest(entry) ?? entry);
  const reader = new FuncCodeReader(graph, new ClosureFinder(graph), versions, root);
  const funcs: FuncCode[] = [];
  const files: Record<string, string> = {};
  for (const module of graph.evaluationOrder(start)) {
    files[module.file] = module.hash;
    for (const site of module.scan.sites) funcs.push(reader.read(module, site));
  }
  for (const path of versions.files) files[path] = digestOfFile(path) ?? "";
  return { funcs, files, absent: [...graph.resolver.absent] };
}
