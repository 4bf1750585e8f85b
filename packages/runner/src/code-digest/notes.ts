import { isConsoleCall } from "./console-calls.ts";
import { assignmentTargets, callEffects, chainRoot, discardedCalls } from "./effects.ts";
import { hazardOf } from "./hazards.ts";
import type { Surroundings } from "./surroundings.ts";
import { identifierName, memberName, nodeIn, type Syntax, unwrap } from "./syntax.ts";

/** Something that the digest cannot see, at a position of the module's text. */
export interface Hazard {
  readonly at: number;
  readonly message: string;
}

/** Outside names, apart by when something happens to them: when a piece is evaluated, or in functions inside. */
export interface NamesByTime {
  readonly loading: readonly string[];
  readonly calling: readonly string[];
}

/** What a piece of code does besides having a value. */
export interface Doings {
  /** Outside names whose objects it may change. */
  readonly changes: NamesByTime;
  /** Outside names that it hands to calls made for their effect. */
  readonly passes: NamesByTime;
  /** Names of its module that functions inside assign anew. */
  readonly assigns: readonly string[];
  /** Whether evaluating it calls something. */
  readonly calls: boolean;
  /** Whether evaluating it changes an object of the language or the process. */
  readonly changesGlobals: boolean;
  readonly hazards: readonly Hazard[];
}

/** Notes what code does, node by node. */
export class Notes {
  readonly #around: Surroundings;
  readonly #hazards: Hazard[] = [];
  readonly #assigns = new Set<string>();
  readonly #changes = { loading: new Set<string>(), calling: new Set<string>() };
  readonly #passes = { loading: new Set<string>(), calling: new Set<string>() };
  #calls = false;
  #changesGlobals = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get doings(): Doings {
    const lists = ({ loading, calling }: { loading: Set<string>; calling: Set<string> }) => ({
      loading: [...loading],
      calling: [...calling],
    });
    return {
      changes: lists(this.#changes),
      passes: lists(this.#passes),
      assigns: [...this.#assigns],
      calls: this.#calls,
      changesGlobals: this.#changesGlobals,
      hazards: this.#hazards,
    };
  }

  /** Notes what a node does besides having a value. */
  observe(node: Syntax): void {
    const loading = this.#around.depth === 0;
    const hazard = hazardOf(node, { loading, isGlobal: this.#around.isGlobal, moduleOf: this.#around.moduleOf });
    if (hazard !== undefined) this.#hazards.push({ at: node.start, message: hazard });
    switch (node.type) {
      case "CallExpression":
      case "NewExpression":
      case "TaggedTemplateExpression":
        // An environment keeps what it is given, and calls none of it here.
        if (loading && this.#around.actorMethod(node) === undefined) this.#calls = true;
        if (node.type === "CallExpression") this.#noteCall(node, false);
        break;
      case "ExpressionStatement":
        for (const call of discardedCalls(nodeIn(node, "expression") ?? node)) this.#noteCall(call, true);
        break;
      case "AssignmentExpression":
      case "ForInStatement":
      case "ForOfStatement":
        for (const target of assignmentTargets(nodeIn(node, "left"))) this.#noteAssignment(target);
        break;
      case "UpdateExpression":
        for (const target of assignmentTargets(nodeIn(node, "argument"))) this.#noteAssignment(target);
        break;
      case "UnaryExpression":
        if (node["operator"] === "delete") this.#noteAssignment(unwrap(nodeIn(node, "argument") ?? node));
        break;
      default:
    }
  }

  #noteCall(call: Syntax, discarded: boolean): void {
    const expression = nodeIn(call, "callee");
    if (expression === undefined || isConsoleCall(call, this.#around.isGlobal)) return;
    if (this.#around.actorMethod(call) !== undefined) return;
    const { changes, passes } = callEffects(call, discarded);
    for (const changed of changes) this.#note(this.#changes, changed, isObjectFunction(call));
    for (const passed of passes) this.#note(this.#passes, passed, false);
  }

  #noteAssignment(target: Syntax): void {
    const name = identifierName(target);
    if (name !== undefined && this.#around.depth > 0 && this.#around.isOutside(name)) {
      this.#assigns.add(name);
    }
    this.#note(this.#changes, target, true);
  }

  #note(into: { loading: Set<string>; calling: Set<string> }, expression: Syntax, globalsToo: boolean): void {
    const { root, member } = chainRoot(expression);
    const name = identifierName(root);
    if (name === undefined || this.#around.local(name) !== undefined || this.#around.isCaptured(name)) return;
    const outside =
      (member === undefined ? undefined : this.#around.outsideName(member)) ?? this.#around.outsideName(root);
    if (outside !== undefined) (this.#around.depth === 0 ? into.loading : into.calling).add(outside);
    else if (globalsToo && this.#around.depth === 0 && !isOwnGlobal(name, member)) this.#changesGlobals = true;
  }
}

/** A CommonJS module's exports are its own; how the process ends is nobody's result. */
function isOwnGlobal(name: string, member: Syntax | undefined): boolean {
  if (name === "exports" || name === "module") return true;
  return name === "process" && member !== undefined && memberName(member) === "exitCode";
}

function isObjectFunction(call: Syntax): boolean {
  const callee = unwrap(nodeIn(call, "callee") ?? call);
  const holder = identifierName(unwrap(nodeIn(callee, "object") ?? callee));
  return holder === "Object" || holder === "Reflect";
}
