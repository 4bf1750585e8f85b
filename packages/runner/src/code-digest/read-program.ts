import { dirname } from "node:path";
import type * as oxc from "oxc-parser";
import { ClosureFinder } from "./closure.ts";
import { digestOfFile, type FileMark, settledStat } from "./digest-record.ts";
import { type FuncCode, FuncCodeReader } from "./func-code.ts";
import { ModuleGraph } from "./module-graph.ts";
import { PackageVersions } from "./package-versions.ts";
import { nearestManifest } from "./resolve-module.ts";

/** The funcs of a program, and the files that decide what is said of them. */
export interface ProgramCode {
  readonly funcs: readonly FuncCode[];
  /** The files that were read: code, data, manifests and the lockfile. */
  readonly files: Readonly<Record<string, FileMark>>;
  /** Files that were looked for and are not there. */
  readonly absent: readonly string[];
}

/** Reads programs, each module once; what they are made of is not looked at again. */
export class ProgramReader {
  readonly #versions = new PackageVersions();
  readonly #readers = new Map<string, FuncCodeReader>();
  #graph: Promise<{ readonly graph: ModuleGraph; readonly finder: ClosureFinder }> | undefined = undefined;

  /**
   * Reads the code of all funcs in a module and in the local modules that it leads to.
   *
   * @throws if one of them cannot be read or has a syntax error.
   */
  async read(entry: string): Promise<ProgramCode> {
    const { graph, finder } = await (this.#graph ??= makeGraph());
    const start = await graph.load(entry);
    const root = dirname(nearestManifest(entry) ?? entry);
    let reader = this.#readers.get(root);
    if (reader === undefined) {
      reader = new FuncCodeReader(graph, finder, this.#versions, root);
      this.#readers.set(root, reader);
    }
    const funcs: FuncCode[] = [];
    const files: Record<string, FileMark> = {};
    const absent = new Set<string>();
    for (const module of graph.evaluationOrder(start)) {
      files[module.file] = module.mark;
      for (const path of module.absent) absent.add(path);
      for (const site of module.scan.sites) funcs.push(reader.read(module, site));
    }
    // Those of another program may be among them, which makes no digest wrong.
    for (const path of this.#versions.files)
      files[path] = { stat: settledStat(path), digest: digestOfFile(path) ?? "" };
    return { funcs, files, absent: [...absent] };
  }
}

async function makeGraph() {
  // The name is computed so that a bundle of a user's program does not take the parser in: it has native parts.
  const parser = "oxc-parser";
  const { parseSync } = (await import(parser)) as typeof oxc;
  const graph = new ModuleGraph(parseSync);
  return { graph, finder: new ClosureFinder(graph) };
}
