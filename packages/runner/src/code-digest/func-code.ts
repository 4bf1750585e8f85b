import { basename, relative, sep } from "node:path";
import { digestBytes } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import type { Closure, ClosureFinder } from "./closure.ts";
import type { ClosurePart, CodeWarning } from "./code-digest.ts";
import type { GraphUnit, Module, ModuleGraph } from "./module-graph.ts";
import { emitted } from "./names.ts";
import type { PackageVersions } from "./package-versions.ts";
import type { FuncSite } from "./scan-module.ts";
import type { Reading } from "./unit-reader.ts";

/** Part of every digest: it changes with what counts as a change. */
const rules = "reprise code digest 1";

/** A digest, or why there is none. */
export interface Outcome {
  readonly digest?: string;
  readonly reason?: string;
}

/** All that is known of the code of one func. */
export interface FuncCode {
  readonly id: string | undefined;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Names of the body's parameters as they are written, which a minified bundle does not have any more. */
  readonly parameters?: readonly string[];
  readonly whole: Outcome;
  readonly body: Outcome;
  readonly closure: readonly ClosurePart[];
  readonly packages: Readonly<Record<string, string>>;
  readonly warnings: readonly CodeWarning[];
}

/** Computes what is to be known of funcs. */
export class FuncCodeReader {
  readonly #graph: ModuleGraph;
  readonly #finder: ClosureFinder;
  readonly #versions: PackageVersions;
  readonly #root: string;
  readonly #parts = new Map<GraphUnit, ClosurePart>();
  readonly #paths = new Map<string, string>();

  /** @param root folder that files are named relative to. */
  constructor(graph: ModuleGraph, finder: ClosureFinder, versions: PackageVersions, root: string) {
    this.#graph = graph;
    this.#finder = finder;
    this.#versions = versions;
    this.#root = root;
  }

  /** What is to be known of one func of a module. */
  read(module: Module, site: FuncSite): FuncCode {
    const found = this.#finder.find(module, site.reading.refs);
    const { id, line, column } = site;
    const name = id ?? `func at line ${line}`;
    const own: ClosurePart = {
      file: this.#path(module.file),
      name,
      digest: ownDigest(site.reading),
      source: site.source,
    };
    const known = {
      id,
      file: module.file,
      line,
      column,
      ...(site.parameters === undefined ? {} : { parameters: site.parameters }),
      closure: [own, ...found.units.map((unit) => this.#part(unit))],
    };
    const warnings = this.#warnings(module, site, found);
    const captured = this.#captured(module, site);
    let packages: Record<string, string> = {};
    let reason = captured ?? missingReason(found);
    try {
      packages = this.#packages(found);
    } catch (error) {
      reason ??= `the version of a package cannot be read: ${messageOf(error)}`;
    }
    const whole = reason === undefined ? { digest: this.#digest(site, found, packages) } : { reason };
    return { ...known, whole, body: this.#body(module, site, captured), packages, warnings };
  }

  #digest(site: FuncSite, { numbers, links }: Closure, packages: Record<string, string>): string {
    const lines = [rules, site.reading.hash];
    for (const target of numbers.keys()) {
      if (typeof target === "string") lines.push(emitted(target, "package"));
      else if ("reading" in target) lines.push(target.reading.hash);
      else lines.push(emitted(this.#graph.exportNames(target).join(), "space"));
    }
    lines.push(JSON.stringify(links));
    for (const name of Object.keys(packages).sort()) lines.push(emitted(`${name}@${packages[name] ?? ""}`, "version"));
    return digestBytes(Buffer.from(lines.join("\n")));
  }

  #body(module: Module, { body, isNamed }: FuncSite, captured: string | undefined): Outcome {
    if (captured !== undefined) return { reason: captured };
    if (body === undefined) return { reason: "its body is not written in its definition; give a version" };
    const lines = [`${rules}, body`, isNamed ? body.hash : ownDigest(body)];
    for (const ref of isNamed ? body.refs : []) {
      for (const target of this.#graph.targetsOf(module, ref)) {
        lines.push(target.kind === "unit" ? ownDigest(target.unit.reading) : emitted(ref, "name"));
      }
    }
    return { digest: digestBytes(Buffer.from(lines.join("\n"))) };
  }

  #captured(module: Module, { reading, line }: FuncSite): string | undefined {
    const [first] = reading.captured;
    if (first === undefined) return undefined;
    const place = `${this.#path(module.file)}:${line}`;
    return (
      `the func defined at ${place} uses ${reading.captured.map((name) => `"${name}"`).join(", ")} of the function or ` +
      `block around it: code does not tell which values those have. Pass them as inputs, or give a version or a key`
    );
  }

  #packages({ packages }: Closure): Record<string, string> {
    const versions: Record<string, string> = {};
    for (const name of [...packages.keys()].sort()) {
      const folder = packages.get(name);
      if (folder !== undefined) versions[name] = this.#versions.versionOf(folder);
      else if (name.startsWith("node:")) versions[name] = "built-in";
    }
    return versions;
  }

  #warnings(module: Module, site: FuncSite, { units, writers }: Closure): readonly CodeWarning[] {
    const warnings = new Map<string, CodeWarning>();
    const add = (at: Module, line: number, message: string): void => {
      const place = `${this.#path(at.file)}:${line}`;
      warnings.set(`${place} ${message}`, { place, message });
    };
    for (const { at, message } of site.reading.hazards) add(module, module.scan.lineOf(at), message);
    for (const unit of units) {
      for (const { at, message } of unit.reading.hazards) add(unit.module, unit.module.scan.lineOf(at), message);
    }
    for (const { unit, name } of writers) {
      const advice = `whatever value it has by then is not seen; pass it as an input, or give a version`;
      add(unit.module, unit.line, `${nameOf(unit)} assigns "${name}", which the func uses: ${advice}`);
    }
    return [...warnings.values()];
  }

  #part(unit: GraphUnit): ClosurePart {
    let part = this.#parts.get(unit);
    if (part === undefined) {
      const { module, reading, source } = unit;
      part = { file: this.#path(module.file), name: nameOf(unit), digest: ownDigest(reading), source };
      this.#parts.set(unit, part);
    }
    return part;
  }

  #path(file: string): string {
    let path = this.#paths.get(file);
    if (path === undefined) this.#paths.set(file, (path = relative(this.#root, file).split(sep).join("/")));
    return path;
  }
}

function missingReason({ missing }: Closure): string | undefined {
  const [first] = missing;
  return first === undefined ? undefined : `code that it uses cannot be found: ${first}. Give a version or a key`;
}

/** What a piece of code says by itself, the names that it uses included. */
function ownDigest({ hash, refs }: Reading): string {
  return digestBytes(Buffer.from([hash, ...refs].join("\n")));
}

function nameOf(unit: GraphUnit): string {
  if (unit.module.head.isCommonJs) return basename(unit.module.file);
  const names = unit.names.filter((name) => name !== "default" || unit.names.length === 1);
  if (names.length > 0) return names.join(", ");
  const [line = ""] = unit.source.split("\n");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
