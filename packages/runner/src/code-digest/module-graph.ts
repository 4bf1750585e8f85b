import { readFileSync } from "node:fs";
import { digestBytes } from "@reprise/core";
import { type FileMark, settledStat } from "./digest-record.ts";
import { ModuleResolver, type Resolution } from "./resolve-module.ts";
import { isCode, type ModuleScan, type Parser, parseModule, scanData, scanModule, type Unit } from "./scan-module.ts";
import type { Import, ModuleHead } from "./module-head.ts";
import type { Syntax } from "./syntax.ts";

/** What a name leads to in the end. */
export type Target =
  | { readonly kind: "unit"; readonly unit: GraphUnit }
  /** All exports of a module. */
  | { readonly kind: "space"; readonly module: Module }
  /** A name of a package or of Node. */
  | { readonly kind: "package"; readonly name: string; readonly folder: string | undefined; readonly label: string }
  | { readonly kind: "missing"; readonly reason: string };

/** A unit in its module. */
export interface GraphUnit extends Unit {
  readonly module: Module;
  /** Position in the module. */
  readonly at: number;
}

/** A local module. */
export class Module {
  readonly file: string;
  readonly mark: FileMark;
  readonly head: ModuleHead;
  readonly resolved = new Map<string, Resolution>();
  /** Files that were looked for to resolve its imports and are not there: if one appears, resolutions change. */
  readonly absent = new Set<string>();
  #scan: ModuleScan | undefined;
  #units: readonly GraphUnit[] | undefined;
  readonly #byName = new Map<string, GraphUnit[]>();
  #makeScan: (() => ModuleScan) | undefined;

  constructor(file: string, mark: FileMark, head: ModuleHead, makeScan: (module: Module) => ModuleScan) {
    this.file = file;
    this.mark = mark;
    this.head = head;
    this.#makeScan = () => makeScan(this);
  }

  /** Its units and funcs; read when first asked for, because that takes the modules around it. */
  get scan(): ModuleScan {
    if (this.#scan === undefined) {
      this.#scan = (this.#makeScan as () => ModuleScan)();
      // It holds the syntax tree.
      this.#makeScan = undefined;
    }
    return this.#scan;
  }

  get units(): readonly GraphUnit[] {
    if (this.#units === undefined) {
      this.#units = this.scan.units.map((unit, at) => ({ ...unit, module: this, at }));
      for (const unit of this.#units) {
        for (const name of unit.names) this.#byName.set(name, [...(this.#byName.get(name) ?? []), unit]);
      }
    }
    return this.#units;
  }

  /** The units that declare a name. */
  declaring(name: string): readonly GraphUnit[] {
    return this.units.length === 0 ? [] : (this.#byName.get(name) ?? []);
  }
}

/** The local modules of a program, as far as they were asked for. */
export class ModuleGraph {
  readonly #resolver = new ModuleResolver();
  readonly #parser: Parser;
  readonly #modules = new Map<string, Promise<Module>>();
  readonly #loaded = new Map<string, Module>();

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  /**
   * Loads a module and all local modules that it leads to.
   *
   * @throws if one of them cannot be read or has a syntax error.
   */
  async load(file: string): Promise<Module> {
    const seen = new Set<string>();
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) return;
      seen.add(path);
      const module = await this.#module(path);
      const local = [...module.resolved.values()].filter((found) => found.kind === "local");
      await Promise.all(local.map((found) => visit(found.file)));
    };
    await visit(file);
    return this.get(file);
  }

  /** A module that is loaded. */
  get(file: string): Module {
    const module = this.#loaded.get(file);
    if (module === undefined) throw new Error(`${file} is not loaded`);
    return module;
  }

  /** A module and the modules that it leads to, in the order in which they are evaluated. */
  evaluationOrder(start: Module): readonly Module[] {
    const order: Module[] = [];
    const seen = new Set<Module>();
    const visit = (module: Module): void => {
      if (seen.has(module)) return;
      seen.add(module);
      for (const specifier of [...module.head.loads, ...module.head.lazy]) {
        const found = module.resolved.get(specifier);
        if (found?.kind === "local") visit(this.get(found.file));
      }
      order.push(module);
    };
    visit(start);
    return order;
  }

  /** What a reference of a reading in `module` leads to. */
  targetsOf(module: Module, ref: string): readonly Target[] {
    const lazy = /^(?:import|require):(?<specifier>[^]*)$/.exec(ref)?.groups?.["specifier"];
    if (lazy !== undefined) return this.#exported(module, lazy, "*", new Set());
    const [name, member] = splitMember(ref, module.head);
    return this.#named(module, name, member ?? "*", new Set());
  }

  #named(module: Module, name: string, member: string, seen: Set<string>): readonly Target[] {
    const imported = module.head.imports.get(name);
    if (imported !== undefined) {
      return this.#exported(module, imported.from, imported.name === "*" ? member : imported.name, seen);
    }
    const units = module.declaring(name);
    if (units.length > 0) return units.map((unit) => ({ kind: "unit", unit }));
    return [{ kind: "missing", reason: `${module.file} does not declare ${name}` }];
  }

  /** What `name` of the module behind a specifier is; `*` is all of it. */
  #exported(module: Module, specifier: string, name: string, seen: Set<string>): readonly Target[] {
    const found = module.resolved.get(specifier);
    if (found === undefined) return [{ kind: "missing", reason: `${module.file} does not load "${specifier}"` }];
    if (found.kind === "missing") return [{ kind: "missing", reason: `${module.file}: ${found.reason}` }];
    if (found.kind === "builtin") {
      return [{ kind: "package", name: found.name, folder: undefined, label: `${found.name}#${name}` }];
    }
    if (found.kind === "package") {
      return [{ kind: "package", name: found.name, folder: found.folder, label: `${specifier}#${name}` }];
    }
    const target = this.get(found.file);
    if (name === "*" && !target.head.isCommonJs) return [{ kind: "space", module: target }];
    return this.exportOf(target, name, seen);
  }

  /** What a module exports under a name. */
  exportOf(module: Module, name: string, seen: Set<string> = new Set()): readonly Target[] {
    if (module.head.isCommonJs) return module.units.map((unit) => ({ kind: "unit", unit }));
    const key = `${module.file}\n${name}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const entry = module.head.exports.get(name);
    if (typeof entry === "string") return this.#named(module, entry, "*", seen);
    if (entry !== undefined) return this.#exported(module, entry.from, entry.name, seen);
    const outside: Target[] = [];
    for (const specifier of name === "default" ? [] : module.head.stars) {
      const found = module.resolved.get(specifier);
      if (found?.kind === "local") {
        const targets = this.exportOf(this.get(found.file), name, seen);
        if (targets.length > 0 && targets.every(({ kind }) => kind !== "missing")) return targets;
      } else {
        outside.push(...this.#exported(module, specifier, name, seen));
      }
    }
    return outside.length > 0 ? outside : [{ kind: "missing", reason: `${module.file} does not export ${name}` }];
  }

  /** Names of all that a module exports, sorted. */
  exportNames(module: Module, seen: Set<Module> = new Set()): readonly string[] {
    if (seen.has(module)) return [];
    seen.add(module);
    const names = new Set(module.head.exports.keys());
    for (const specifier of module.head.stars) {
      const found = module.resolved.get(specifier);
      if (found?.kind !== "local") continue;
      for (const name of this.exportNames(this.get(found.file), seen)) if (name !== "default") names.add(name);
    }
    return [...names].sort();
  }

  #module(file: string): Promise<Module> {
    let module = this.#modules.get(file);
    if (module === undefined) {
      module = this.#read(file);
      this.#modules.set(file, module);
    }
    return module;
  }

  async #read(file: string): Promise<Module> {
    const stat = settledStat(file);
    const bytes = readFileSync(file);
    const mark = { digest: digestBytes(bytes), stat };
    if (!isCode(file)) {
      const scan = scanData(file, bytes);
      const module = new Module(file, mark, scan.head, () => scan);
      this.#loaded.set(file, module);
      return module;
    }
    const text = bytes.toString("utf8");
    const { program, head } = parseModule(file, text, this.#parser);
    const module = new Module(file, mark, head, (itself) => this.#scan(itself, text, program));
    for (const specifier of new Set([...head.loads, ...head.lazy])) {
      module.resolved.set(specifier, await this.#resolver.resolve(specifier, file, module.absent));
    }
    this.#loaded.set(file, module);
    return module;
  }

  #scan(module: Module, text: string, program: Syntax): ModuleScan {
    const funcNames = new Set<string>();
    for (const [local, imported] of module.head.imports) {
      const isSpace = imported.name === "*";
      const name = isSpace ? "func" : imported.name;
      if (this.#leadsTo(theFunc, module, { from: imported.from, name }, new Set())) {
        funcNames.add(isSpace ? `${local}.func` : local);
      }
    }
    const actors = new Map<string, boolean>();
    const isActor = (name: string): boolean => {
      const isOne = actors.get(name) ?? this.#isActor(module, name, new Set());
      actors.set(name, isOne);
      return isOne;
    };
    return scanModule(text, program, module.head, { isFunc: (name) => funcNames.has(name), isActor });
  }

  /** Whether a name of a module, or `space.member`, is an actor environment that is declared at the top of a module. */
  #isActor(module: Module, name: string, seen: Set<string>): boolean {
    const { instances, defaultName } = module.head;
    const origin = importOf(module, name);
    if (origin !== undefined) return this.#leadsTo(this.#anActor, module, origin, seen);
    const type = importOf(module, instances.get(name) ?? "");
    if (type !== undefined) return this.#leadsTo(theActorClass, module, type, new Set());
    return name === "default" && defaultName !== undefined && this.#isActor(module, defaultName, seen);
  }

  readonly #anActor: Sought = {
    inLibrary: undefined,
    isLocal: (module, name, seen) => this.#isActor(module, name, seen),
  };

  /** Whether a name of another module is what is sought, also by way of other local modules. */
  #leadsTo(sought: Sought, module: Module, { from, name }: Import, seen: Set<string>): boolean {
    const found = module.resolved.get(from);
    if (found?.kind === "package") {
      return name === sought.inLibrary && (from === "reprise" || from === "@reprise/runner");
    }
    if (found?.kind !== "local" || seen.has(`${found.file}\n${name}`)) return false;
    seen.add(`${found.file}\n${name}`);
    const target = this.get(found.file);
    const exported = target.head.exports.get(name);
    const entry = typeof exported === "string" ? target.head.imports.get(exported) : exported;
    if (entry !== undefined) return this.#leadsTo(sought, target, entry, seen);
    if (typeof exported === "string") return sought.isLocal(target, exported, seen);
    return target.head.stars.some((star) => this.#leadsTo(sought, target, { from: star, name }, seen));
  }
}

/** What names are looked for that lead to it. */
interface Sought {
  /** Its name in the library; undefined if it is not there. */
  readonly inLibrary: string | undefined;
  /** Whether a name that a module declares itself is it. */
  isLocal(module: Module, name: string, seen: Set<string>): boolean;
}

const theFunc: Sought = { inLibrary: "func", isLocal: () => false };
const theActorClass: Sought = { inLibrary: "ActorEnvironment", isLocal: () => false };

/** Where a name of a module, or `space.member`, is imported from. */
function importOf({ head }: Module, name: string): Import | undefined {
  const [local, member] = splitMember(name, head);
  const imported = head.imports.get(local);
  if (imported === undefined || (imported.name === "*") !== (member !== undefined)) return undefined;
  return { from: imported.from, name: member ?? imported.name };
}

/** `space.member` of a namespace import, in its two parts. */
function splitMember(ref: string, head: ModuleHead): readonly [string, string?] {
  const dot = ref.indexOf(".");
  if (dot < 0) return [ref];
  const space = ref.slice(0, dot);
  return head.imports.has(space) ? [space, ref.slice(dot + 1)] : [ref];
}
