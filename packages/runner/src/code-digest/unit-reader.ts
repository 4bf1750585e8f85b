import { digestBytes } from "@reprise/core";
import { busyParts, isConsoleCall } from "./console-calls.ts";
import { cachedParts, funcCallOf, type FuncCall } from "./func-call.ts";
import { emitted, type Names } from "./names.ts";
import { type Doings, Notes } from "./notes.ts";
import { scopeNames } from "./scope-names.ts";
import { type Scope, Surroundings } from "./surroundings.ts";
import {
  identifierName,
  isFunction,
  isSyntax,
  keyName,
  literalText,
  nodeIn,
  nodesIn,
  type Syntax,
  unwrap,
} from "./syntax.ts";

/** What one piece of code says: its normal form and what it needs from outside. */
export interface Reading extends Doings {
  /** Digest of the normal form, in which names from outside stand as positions in `refs`. */
  readonly hash: string;
  /**
   * What it needs of its module, in order of first use: a name, `space.member` of a namespace import, or
   * `import:specifier` for a module it loads itself.
   */
  readonly refs: readonly string[];
  /** Names of functions around it that it uses. */
  readonly captured: readonly string[];
}

/** A func that was met while reading. */
export interface MetFunc extends FuncCall {
  /** Reads an expression of the func's definition by itself, with what the functions around it bind. */
  read(expressions: readonly Syntax[]): Reading;
}

/** Fields that carry types, or say what other fields say. */
const skipped = new Set(
  (
    "type start end range loc raw typeAnnotation returnType typeParameters typeArguments superTypeArguments implements " +
    "declare abstract accessibility override readonly definite importKind exportKind expression"
  ).split(" "),
);
const onlyTypes = new Set(
  (
    "TSInterfaceDeclaration TSTypeAliasDeclaration TSDeclareFunction TSAbstractMethodDefinition TSIndexSignature " +
    "TSAbstractPropertyDefinition TSAbstractAccessorProperty TSNamespaceExportDeclaration EmptyStatement DebuggerStatement"
  ).split(" "),
);

/** Whether a statement or class member leaves nothing behind when types are taken away. */
export function isErased(node: Syntax): boolean {
  if (onlyTypes.has(node.type) || node["declare"] === true) return true;
  if (node.type === "MethodDefinition") return nodeIn(node, "value")?.type === "TSEmptyBodyFunctionExpression";
  if (node.type === "ExportNamedDeclaration") return node["exportKind"] === "type";
  if (node.type === "TSModuleDeclaration")
    return nodesIn(nodeIn(node, "body"), "body").every((inner) => isErased(inner));
  return node.type === "ImportDeclaration" && node["importKind"] === "type";
}

/** Reads pieces of one module. */
export class UnitReader {
  readonly #around: Surroundings;
  readonly #notes: Notes;
  readonly #met: MetFunc[] | undefined;
  readonly #out: string[] = [];
  readonly #refs = new Map<string, number>();
  readonly #captured = new Set<string>();

  /**
   * @param names what the names of the module stand for.
   * @param options.met receives the funcs that are met; default: they are not wanted.
   * @param options.outer scopes of functions around the piece.
   */
  constructor(names: Names, options: { readonly met?: MetFunc[]; readonly outer?: readonly Scope[] } = {}) {
    this.#around = new Surroundings(names, options.outer ?? []);
    this.#notes = new Notes(this.#around);
    this.#met = options.met;
  }

  /** Reads nodes one after another, as one piece. */
  read(...nodes: readonly Syntax[]): Reading {
    for (const node of nodes) this.#node(node);
    return this.#reading();
  }

  /** Reads one variable of a declaration. */
  readVariable(kind: string, declarator: Syntax): Reading {
    this.#out.push(kind, " ");
    return this.read(declarator);
  }

  #reading(): Reading {
    return {
      hash: digestBytes(Buffer.from(this.#out.join(""))),
      refs: [...this.#refs.keys()],
      captured: [...this.#captured],
      ...this.#notes.doings,
    };
  }

  #node(node: Syntax): void {
    const inner = node.type === "ChainExpression" ? node : unwrapTypes(node);
    this.#notes.observe(inner);
    const names = scopeNames(inner);
    if (names === undefined) {
      this.#emit(inner);
      return;
    }
    const deeper = isFunction(inner);
    this.#around.enter(names);
    if (deeper) this.#around.depth += 1;
    this.#emit(inner);
    if (deeper) this.#around.depth -= 1;
    this.#around.leave();
  }

  #emit(node: Syntax): void {
    switch (node.type) {
      case "Identifier":
      case "JSXIdentifier":
        this.#identifier(node);
        break;
      case "Literal":
        this.#out.push(literalForm(node));
        break;
      case "TemplateElement":
        this.#out.push(emitted((node["value"] as { cooked?: string; raw: string }).cooked ?? "", "`"));
        break;
      case "TaggedTemplateExpression":
        // The tag sees the text as it is written.
        for (const part of nodesIn(nodeIn(node, "quasi"), "quasis")) {
          this.#out.push(emitted((part["value"] as { raw: string }).raw, "raw"));
        }
        this.#fields(node);
        break;
      case "JSXText":
        this.#out.push(emitted(jsxText(node["value"] as string), "jsx"));
        break;
      case "ExpressionStatement":
        this.#expressionStatement(node);
        break;
      case "MemberExpression":
        this.#member(node);
        break;
      case "CallExpression":
        this.#call(node);
        break;
      case "ImportExpression": {
        const specifier = literalText(nodeIn(node, "source"));
        if (specifier === undefined) this.#fields(node);
        else this.#out.push("import", this.#ref(`import:${specifier}`));
        break;
      }
      default:
        this.#fields(node);
    }
  }

  /** The general form of a node: its type and, by name, its fields that say something. */
  #fields(node: Syntax): void {
    this.#out.push(node.type, "{");
    const named = node.type.startsWith("Function") || node.type.startsWith("Class");
    for (const field of Object.keys(node)) {
      const value = node[field];
      // Of an arrow function it says how the body is written, of other nodes it is what they are about.
      if (skipped.has(field) && !(field === "expression" && isSyntax(value))) continue;
      if (value === null || value === undefined || value === false || this.#isNothing(value)) continue;
      // An optional parameter is a type; an optional link of a chain is not.
      if (field === "optional" && node.type !== "MemberExpression" && node.type !== "CallExpression") continue;
      if (field === "shorthand" && keyName(nodeIn(node, "key"), false) !== "__proto__") continue;
      this.#out.push(field, "=");
      if (field === "id" && named && isSyntax(value)) this.#out.push(emitted(identifierName(value) ?? "", "name"));
      else if (isPlainName(node, field) && isSyntax(value)) this.#plainName(node, value);
      else this.#value(value);
      this.#out.push(";");
    }
    this.#out.push("}");
  }

  #value(value: unknown): void {
    if (isSyntax(value)) {
      this.#node(value);
    } else if (Array.isArray(value)) {
      this.#out.push("[");
      for (const entry of value) {
        if (!isSyntax(entry)) this.#out.push("hole");
        else if (this.#isLeftOut(entry)) continue;
        else this.#node(entry);
        this.#out.push(",");
      }
      this.#out.push("]");
    } else {
      this.#out.push(emitted(String(value), typeof value));
    }
  }

  /** Keys of objects and classes, names of members and labels: texts, not variables. */
  #plainName(node: Syntax, value: Syntax): void {
    const name = keyName(value, node["computed"] === true);
    if (name === undefined && value.type !== "Identifier" && value.type !== "JSXIdentifier") this.#node(value);
    else this.#out.push(emitted(name ?? (value["name"] as string), "key"));
  }

  #identifier(node: Syntax): void {
    const name = node["name"] as string;
    const local = this.#around.local(name);
    if (local !== undefined) this.#out.push(`%${local}`);
    else if (this.#around.isCaptured(name)) {
      this.#captured.add(name);
      this.#out.push(emitted(name, "captured"));
    } else if (this.#around.names.has(name)) this.#out.push(this.#ref(name));
    else this.#out.push(emitted(name, "global"));
  }

  #member(node: Syntax): void {
    const name = this.#around.outsideName(node);
    if (name?.includes(".") === true && node["optional"] !== true) this.#out.push(this.#ref(name));
    else this.#fields(node);
  }

  #expressionStatement(node: Syntax): void {
    const expression = nodeIn(node, "expression") ?? node;
    if (typeof node["directive"] === "string") {
      this.#out.push(emitted(node["directive"], "directive"));
    } else if (isConsoleCall(expression, this.#around.isGlobal)) {
      this.#out.push("logs[");
      for (const part of busyParts(expression, this.#around.isGlobal)) this.#node(part);
      this.#out.push("]");
    } else {
      this.#out.push("do ");
      this.#node(expression);
    }
  }

  #call(node: Syntax): void {
    const callee = unwrap(nodeIn(node, "callee") ?? node);
    const called = this.#around.outsideName(callee);
    const method = this.#around.actorMethod(node);
    if ((called !== undefined && this.#around.names.isFunc(called)) || method === "func") {
      this.#func(node);
      return;
    }
    if (method !== undefined) {
      this.#ofActor(method, method === "cache" ? cachedParts(node) : nodesIn(node, "arguments"));
      return;
    }
    const [first] = nodesIn(node, "arguments");
    const specifier = literalText(first);
    if (
      identifierName(callee) === "require" &&
      specifier !== undefined &&
      this.#around.local("require") === undefined
    ) {
      this.#out.push("require", this.#ref(`require:${specifier}`));
      return;
    }
    this.#fields(node);
  }

  /** Only what decides a func's result counts: its body and its schemas; not its id, retries, timeout and the like. */
  #func(node: Syntax): void {
    const call = funcCallOf(node);
    const outer = this.#around.scopes;
    this.#met?.push({
      ...call,
      read: (expressions) => new UnitReader(this.#around.names, { outer }).read(...expressions),
    });
    this.#out.push("func(");
    this.#around.depth += 1;
    for (const part of call.parts) {
      this.#node(part);
      this.#out.push(",");
    }
    this.#around.depth -= 1;
    this.#out.push(")");
  }

  /** Of a cached function counts what it gives and what its keys are; not how long it keeps that, nor the environment. */
  #ofActor(method: string, parts: readonly Syntax[]): void {
    this.#out.push(method, "(");
    for (const part of parts) {
      this.#node(part);
      this.#out.push(",");
    }
    this.#out.push(")");
  }

  /** Whether a list holds nothing that counts. */
  #isNothing(value: unknown): boolean {
    return Array.isArray(value) && value.every((entry) => isSyntax(entry) && this.#isLeftOut(entry));
  }

  /** Whether an entry of a list is a type, indentation or a log line. A parameter named `this` is a type. */
  #isLeftOut(entry: Syntax): boolean {
    return isErased(entry) || isBlankText(entry) || identifierName(entry) === "this" || this.#isQuietLog(entry);
  }

  #isQuietLog(node: Syntax): boolean {
    if (node.type !== "ExpressionStatement") return false;
    const expression = nodeIn(node, "expression") ?? node;
    return (
      isConsoleCall(expression, this.#around.isGlobal) && busyParts(expression, this.#around.isGlobal).length === 0
    );
  }

  #ref(name: string): string {
    let at = this.#refs.get(name);
    if (at === undefined) {
      at = this.#refs.size;
      this.#refs.set(name, at);
    }
    return `@${at}`;
  }
}

function unwrapTypes(node: Syntax): Syntax {
  let inner = node;
  while (inner.type.startsWith("TS") || inner.type === "ParenthesizedExpression") {
    const next = inner.type === "TSParameterProperty" ? undefined : nodeIn(inner, "expression");
    if (next === undefined) return inner;
    inner = next;
  }
  return inner;
}

function isPlainName(node: Syntax, field: string): boolean {
  if (field === "key") return true;
  if (field === "property")
    return node.type === "MemberExpression" || node.type === "MetaProperty" || node.type === "JSXMemberExpression";
  if (field === "meta" || field === "label") return true;
  if (field === "id") return node.type === "TSEnumMember";
  return field === "name" && (node.type === "JSXAttribute" || isTagName(nodeIn(node, "name")));
}

/** `<div>` is a text, `<Chart>` a variable. */
function isTagName(name: Syntax | undefined): boolean {
  return name?.type === "JSXIdentifier" && /^[a-z]|-/.test(name["name"] as string);
}

function literalForm(node: Syntax): string {
  const { value, regex, bigint } = node;
  if (regex !== undefined && regex !== null) {
    const { pattern, flags } = regex as { pattern: string; flags: string };
    return emitted(`/${pattern}/${flags}`, "regex");
  }
  if (typeof bigint === "string") return emitted(bigint, "bigint");
  return emitted(String(value), value === null ? "null" : typeof value);
}

/** Indentation between JSX elements. */
function isBlankText(node: Syntax): boolean {
  return node.type === "JSXText" && jsxText(node["value"] as string) === "";
}

/** What remains of JSX text: lines trimmed and joined, as the JSX rules say, so that indentation does not count. */
function jsxText(text: string): string {
  const lines = text.split(/\r?\n/);
  return lines
    .map((line, at) => {
      const start = at === 0 ? line : line.trimStart();
      return at === lines.length - 1 ? start : start.trimEnd();
    })
    .filter((line) => line !== "")
    .join(" ");
}
