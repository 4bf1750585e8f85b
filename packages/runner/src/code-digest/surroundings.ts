import type { Names } from "./names.ts";
import { identifierName, memberName, nodeIn, type Syntax, unwrap } from "./syntax.ts";

/** Names that functions and blocks bind, each with a number of its own. */
export type Scope = ReadonlyMap<string, number>;

/** Methods that are read without the environment: that decides where bodies execute, not what they give. */
const actorMethods = new Set(["func", "cache", "warmup"]);

/** What names mean at the place that is being read. */
export class Surroundings {
  readonly names: Names;
  readonly #outer: readonly Scope[];
  readonly #scopes: Scope[] = [];
  #count = 0;
  /** Functions around the place, within the piece that is read; 0 is what is evaluated when the piece is. */
  depth = 0;

  /** @param outer scopes of functions and blocks around the piece. */
  constructor(names: Names, outer: readonly Scope[]) {
    this.names = names;
    this.#outer = outer;
  }

  /** All scopes around the place, the innermost last. */
  get scopes(): readonly Scope[] {
    return [...this.#outer, ...this.#scopes];
  }

  enter(names: Iterable<string>): void {
    this.#scopes.push(new Map(Array.from(names, (name) => [name, (this.#count += 1)])));
  }

  leave(): void {
    this.#scopes.pop();
  }

  /** The number of a name that is bound within the piece. */
  local(name: string): number | undefined {
    for (let at = this.#scopes.length - 1; at >= 0; at -= 1) {
      const local = this.#scopes[at]?.get(name);
      if (local !== undefined) return local;
    }
    return undefined;
  }

  /** Whether a name is bound around the piece, but within the module's functions and blocks. */
  isCaptured(name: string): boolean {
    return this.local(name) === undefined && this.#outer.some((scope) => scope.has(name));
  }

  /** Whether a name is one of the module. */
  isOutside(name: string): boolean {
    return this.local(name) === undefined && !this.isCaptured(name) && this.names.has(name);
  }

  /** Whether a name is one of the language or of Node. */
  readonly isGlobal = (name: string): boolean =>
    this.local(name) === undefined && !this.isCaptured(name) && !this.names.has(name);

  /** The specifier that a name is imported from. */
  readonly moduleOf = (name: string): string | undefined =>
    this.isOutside(name) ? this.names.moduleOf(name) : undefined;

  /** The name by which the module knows what an expression stands for: `helper`, or `space.helper` of a namespace. */
  outsideName(expression: Syntax): string | undefined {
    const name = identifierName(expression);
    if (name !== undefined) return this.isOutside(name) ? name : undefined;
    if (expression.type !== "MemberExpression") return undefined;
    const space = identifierName(unwrap(nodeIn(expression, "object") ?? expression));
    const member = memberName(expression);
    if (space === undefined || member === undefined || !this.isOutside(space)) return undefined;
    return this.names.isSpace(space) ? `${space}.${member}` : undefined;
  }

  /** The method of an actor environment that is called; undefined for other calls. */
  actorMethod(call: Syntax): string | undefined {
    const callee = unwrap(nodeIn(call, "callee") ?? call);
    const method = callee.type === "MemberExpression" ? memberName(callee) : undefined;
    if (method === undefined || !actorMethods.has(method)) return undefined;
    const holder = this.outsideName(unwrap(nodeIn(callee, "object") ?? callee));
    return holder !== undefined && this.names.isActor(holder) ? method : undefined;
  }
}
