import type { GraphUnit, Module, ModuleGraph, Target } from "./module-graph.ts";

/** What a piece of code reaches. */
export interface Closure {
  /** In the order in which they are reached: a number for each. */
  readonly numbers: ReadonlyMap<GraphUnit | Module | string, number>;
  readonly units: readonly GraphUnit[];
  /** Statements that change something that is reached, in the order in which they are evaluated. */
  readonly effects: readonly GraphUnit[];
  /** For each reached unit, space, or the start, what its references lead to. */
  readonly links: readonly (readonly number[])[];
  /** Folders of packages by name; undefined for what has no version. */
  readonly packages: ReadonlyMap<string, string | undefined>;
  readonly missing: readonly string[];
  /** Functions that nothing here calls but that assign variables which are used here. */
  readonly writers: readonly { readonly unit: GraphUnit; readonly name: string }[];
}

/** Finds what code reaches in a graph of modules. */
export class ClosureFinder {
  readonly #graph: ModuleGraph;
  readonly #targets = new Map<GraphUnit, ReadonlyMap<string, readonly Target[]>>();
  readonly #touched = new Map<GraphUnit, ReadonlySet<GraphUnit>>();
  readonly #orders = new Map<Module, readonly Module[]>();

  constructor(graph: ModuleGraph) {
    this.#graph = graph;
  }

  /**
   * The closure of references of a module.
   *
   * Statements that run while modules load and change what is reached belong to it: `table.set("x", 1)`. They are looked
   * for in the modules that `module` leads to; what else a program loads is not known here.
   */
  find(module: Module, refs: readonly string[]): Closure {
    const effects = new Set<GraphUnit>();
    const writers = new Map<GraphUnit, string>();
    for (;;) {
      const extra = this.#inOrder(module, [...effects, ...writers.keys()]);
      const walk = this.#walk(module, refs, extra);
      const before = effects.size + writers.size;
      for (const unit of this.#effectUnits(module)) {
        const isEffect = unit.reading.changesGlobals || overlaps(this.#touchedBy(unit), walk.reached);
        if (!effects.has(unit) && isEffect) effects.add(unit);
      }
      for (const [unit, name] of this.#writersOf(walk.reached)) {
        if (!walk.reached.has(unit) && !effects.has(unit)) writers.set(unit, name);
      }
      if (effects.size + writers.size === before) {
        const found = Array.from(writers, ([unit, name]) => ({ unit, name }));
        return { ...walk, units: [...walk.reached], effects: extra, writers: found };
      }
    }
  }

  #walk(module: Module, refs: readonly string[], effects: readonly GraphUnit[]) {
    const numbers = new Map<GraphUnit | Module | string, number>();
    const waiting: (() => void)[] = [];
    const links: number[][] = [];
    const reached = new Set<GraphUnit>();
    const packages = new Map<string, string | undefined>();
    const missing: string[] = [];
    const numberOf = (target: Target): number => {
      const key = keyOf(target);
      const known = numbers.get(key);
      if (known !== undefined) return known;
      const number = numbers.size + 1;
      numbers.set(key, number);
      if (target.kind === "package") packages.set(target.name, target.folder ?? packages.get(target.name));
      else if (target.kind === "missing") missing.push(target.reason);
      else if (target.kind === "unit") enter(target.unit);
      else waiting.push(() => links.push(this.#spaceTargets(target.module).map(numberOf)));
      return number;
    };
    const enter = (unit: GraphUnit): void => {
      reached.add(unit);
      waiting.push(() => links.push([...this.#targetsOf(unit).values()].flat().map(numberOf)));
    };
    const drain = (): void => {
      for (let at = 0; at < waiting.length; at += 1) waiting[at]?.();
      waiting.length = 0;
    };
    links.push(refs.flatMap((ref) => this.#graph.targetsOf(module, ref)).map(numberOf));
    drain();
    for (const unit of effects) {
      // 0 is nobody's number: what follows is an effect, not what a reference leads to.
      links.push([0, numberOf({ kind: "unit", unit })]);
      drain();
    }
    for (const { file } of new Set(Array.from(reached, (unit) => unit.module))) this.#addEffectImports(file, packages);
    return { numbers, links, reached, packages, missing };
  }

  /** `import "dotenv/config"`: the package counts wherever a module that loads it does. */
  #addEffectImports(file: string, packages: Map<string, string | undefined>): void {
    const { head, resolved } = this.#graph.get(file);
    for (const specifier of head.effects) {
      const found = resolved.get(specifier);
      if (found?.kind === "package" && found.folder !== undefined) packages.set(found.name, found.folder);
    }
  }

  #spaceTargets(module: Module): readonly Target[] {
    return this.#graph.exportNames(module).flatMap((name) => this.#graph.exportOf(module, name));
  }

  /** What each reference of a unit leads to. */
  #targetsOf(unit: GraphUnit): ReadonlyMap<string, readonly Target[]> {
    let targets = this.#targets.get(unit);
    if (targets === undefined) {
      targets = new Map(unit.reading.refs.map((ref) => [ref, this.#graph.targetsOf(unit.module, ref)]));
      this.#targets.set(unit, targets);
    }
    return targets;
  }

  /** Units that do something when they are evaluated, in the order of evaluation. */
  #effectUnits(module: Module): readonly GraphUnit[] {
    return this.#order(module).flatMap((each) => each.units.filter((unit) => !unit.isFunc && mayAct(unit)));
  }

  #order(module: Module): readonly Module[] {
    let order = this.#orders.get(module);
    if (order === undefined) {
      order = this.#graph.evaluationOrder(module);
      this.#orders.set(module, order);
    }
    return order;
  }

  #inOrder(module: Module, units: readonly GraphUnit[]): readonly GraphUnit[] {
    const order = this.#order(module);
    return units.toSorted((a, b) => order.indexOf(a.module) - order.indexOf(b.module) || a.at - b.at);
  }

  /** The units whose values evaluating a unit may change, also by way of the functions that it calls. */
  #touchedBy(unit: GraphUnit): ReadonlySet<GraphUnit> {
    const known = this.#touched.get(unit);
    if (known !== undefined) return known;
    const touched = new Set<GraphUnit>();
    this.#addTouched(unit, "loading", touched);
    if (unit.reading.calls) {
      for (const called of this.#mayCall(unit)) {
        this.#addTouched(called, "calling", touched);
        if (called !== unit) this.#addTouched(called, "loading", touched);
      }
    }
    touched.delete(unit);
    this.#touched.set(unit, touched);
    return touched;
  }

  #addTouched(unit: GraphUnit, when: "loading" | "calling", touched: Set<GraphUnit>): void {
    const { changes, passes } = unit.reading;
    for (const ref of changes[when]) {
      for (const changed of this.#unitsBehind(unit, ref)) if (!changed.isFunc) touched.add(changed);
    }
    for (const ref of passes[when]) {
      for (const given of this.#unitsBehind(unit, ref)) if (!given.isFunc && !given.isFunction) touched.add(given);
    }
  }

  #unitsBehind(unit: GraphUnit, ref: string): readonly GraphUnit[] {
    return this.#graph.targetsOf(unit.module, ref).flatMap((target) => {
      if (target.kind === "unit") return [target.unit];
      return target.kind === "space"
        ? this.#spaceTargets(target.module).flatMap((inner) => (inner.kind === "unit" ? [inner.unit] : []))
        : [];
    });
  }

  /** A unit and what it may call; the body of a func is called by a runner, not by who calls the func. */
  #mayCall(start: GraphUnit): ReadonlySet<GraphUnit> {
    const found = new Set([start]);
    for (const unit of found) {
      for (const target of [...this.#targetsOf(unit).values()].flat()) {
        if (target.kind === "unit" && !target.unit.isFunc) found.add(target.unit);
      }
    }
    return found;
  }

  /** Functions that assign variables of reached units. */
  *#writersOf(reached: ReadonlySet<GraphUnit>): Iterable<readonly [GraphUnit, string]> {
    for (const module of new Set(Array.from(reached, (unit) => unit.module))) {
      for (const unit of module.units) {
        for (const name of unit.reading.assigns) {
          const isUsed = module.declaring(name).some((declared) => declared !== unit && reached.has(declared));
          if (isUsed) yield [unit, name];
        }
      }
    }
  }
}

function keyOf(target: Target): GraphUnit | Module | string {
  if (target.kind === "unit") return target.unit;
  if (target.kind === "space") return target.module;
  return target.kind === "package" ? `package ${target.label}` : `missing ${target.reason}`;
}

/** Whether evaluating a unit may change anything besides the names that it declares. */
function mayAct({ reading }: GraphUnit): boolean {
  const { changes, passes, calls, changesGlobals } = reading;
  return calls || changesGlobals || changes.loading.length > 0 || passes.loading.length > 0;
}

function overlaps(touched: ReadonlySet<GraphUnit>, reached: ReadonlySet<GraphUnit>): boolean {
  for (const unit of touched) if (reached.has(unit)) return true;
  return false;
}
