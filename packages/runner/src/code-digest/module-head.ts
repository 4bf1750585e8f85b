import { extname } from "node:path";
import { assignmentTargets } from "./effects.ts";
import { childrenOf, identifierName, literalText, memberName, nodeIn, nodesIn, type Syntax, unwrap } from "./syntax.ts";
import { addDeclaredNames } from "./scope-names.ts";

/** A name of another module: `name` of the module that `from` leads to; `*` is all of it. */
export interface Import {
  readonly from: string;
  readonly name: string;
}

/** What a module takes from others and gives to others. */
export interface ModuleHead {
  readonly imports: ReadonlyMap<string, Import>;
  /** By exported name: a name of this module, or one of another. */
  readonly exports: ReadonlyMap<string, string | Import>;
  /** Modules whose exports are all exported again. */
  readonly stars: readonly string[];
  /** Modules that are loaded together with this one, in order. */
  readonly loads: readonly string[];
  /** Modules that are loaded for their effects alone. */
  readonly effects: readonly string[];
  /** Modules that it loads while it runs. */
  readonly lazy: readonly string[];
  /** Variables that hold a new object: how the module calls its class, `Name` or `space.Name`. */
  readonly instances: ReadonlyMap<string, string>;
  /** The name whose value is the default export: `a` of `export default a`. */
  readonly defaultName: string | undefined;
  /** Whether it is all one unit: a CommonJS module or data. */
  readonly isCommonJs: boolean;
}

/**
 * Reads the imports and exports of a module.
 *
 * @param program undefined for a file that is no code.
 * @param text what the program was parsed from.
 */
export function readHead(program: Syntax | undefined, file: string, text: string): ModuleHead {
  const reader = new HeadReader();
  for (const statement of nodesIn(program, "body")) reader.read(statement);
  const lazy = new Set<string>();
  // Most modules load nothing while they run, and need not be searched for it.
  if (program !== undefined && mayLoad.test(text)) addLazy(program, lazy);
  const ext = extname(file);
  const isModule = reader.isModule || ext === ".mjs" || ext === ".mts";
  const isCommonJs =
    ext === ".cjs" || ext === ".cts" || (!isModule && (program === undefined || namesCommonJs(program)));
  const { imports, exports, stars, loads, effects, instances, defaultName } = reader;
  for (const name of reader.variable) if (program !== undefined && isAssigned(program, name)) instances.delete(name);
  return { imports, exports, stars, loads: [...loads], effects, lazy: [...lazy], instances, defaultName, isCommonJs };
}

/** What `import("a")` and `require("a")` look like, or a name with an escape in it that may be `require`. */
const mayLoad = /\bimport\s*[(/.]|\brequire\b|\\u/;

class HeadReader {
  readonly imports = new Map<string, Import>();
  readonly exports = new Map<string, string | Import>();
  readonly stars: string[] = [];
  readonly loads = new Set<string>();
  readonly effects: string[] = [];
  readonly instances = new Map<string, string>();
  /** Those of the instances that may get another value. */
  readonly variable = new Set<string>();
  defaultName: string | undefined = undefined;
  isModule = false;

  read(statement: Syntax): void {
    switch (statement.type) {
      case "ImportDeclaration":
        this.#import(statement);
        break;
      case "TSImportEqualsDeclaration": {
        const reference = nodeIn(statement, "moduleReference");
        const from =
          reference?.type === "TSExternalModuleReference" ? literalText(nodeIn(reference, "expression")) : undefined;
        if (from === undefined) return;
        this.loads.add(from);
        this.imports.set(identifierName(nodeIn(statement, "id")) ?? "", { from, name: "*" });
        break;
      }
      case "ExportAllDeclaration":
        this.#exportAll(statement);
        break;
      case "ExportNamedDeclaration":
        this.#exportNamed(statement);
        break;
      case "ExportDefaultDeclaration":
      case "TSExportAssignment":
        this.isModule = true;
        this.exports.set("default", "default");
        this.#default(nodeIn(statement, "declaration") ?? nodeIn(statement, "expression"));
        break;
      case "VariableDeclaration":
        this.#variables(statement);
        break;
      default:
    }
  }

  #import(statement: Syntax): void {
    this.isModule = true;
    const from = literalText(nodeIn(statement, "source"));
    const specifiers = nodesIn(statement, "specifiers");
    if (from === undefined || statement["importKind"] === "type") return;
    const values = specifiers.filter((specifier) => specifier["importKind"] !== "type");
    // `import { type A } from "./a.ts"` loads the module in Node and not with other compilers; it is not meant to.
    if (specifiers.length > 0 && values.length === 0) return;
    this.loads.add(from);
    if (specifiers.length === 0) this.effects.push(from);
    for (const specifier of values) {
      const local = identifierName(nodeIn(specifier, "local"));
      if (local !== undefined) this.imports.set(local, { from, name: importedName(specifier) });
    }
  }

  #variables(declaration: Syntax): void {
    for (const declarator of nodesIn(declaration, "declarations")) {
      const name = identifierName(nodeIn(declarator, "id"));
      const type = constructedType(nodeIn(declarator, "init"));
      if (name === undefined || type === undefined) continue;
      this.instances.set(name, type);
      if (declaration["kind"] !== "const") this.variable.add(name);
    }
  }

  #default(value: Syntax | undefined): void {
    this.defaultName = identifierName(value === undefined ? undefined : unwrap(value));
    const type = constructedType(value);
    if (type !== undefined) this.instances.set("default", type);
  }

  #exportAll(statement: Syntax): void {
    this.isModule = true;
    const from = literalText(nodeIn(statement, "source"));
    if (from === undefined || statement["exportKind"] === "type") return;
    this.loads.add(from);
    const name = moduleName(nodeIn(statement, "exported"));
    if (name === undefined) this.stars.push(from);
    else this.exports.set(name, { from, name: "*" });
  }

  #exportNamed(statement: Syntax): void {
    this.isModule = true;
    if (statement["exportKind"] === "type") return;
    const declaration = nodeIn(statement, "declaration");
    if (declaration !== undefined && declaration["declare"] !== true) {
      const names = new Set<string>();
      addDeclaredNames(declaration, names);
      for (const name of names) this.exports.set(name, name);
      if (declaration.type === "VariableDeclaration") this.#variables(declaration);
    }
    const from = literalText(nodeIn(statement, "source"));
    const specifiers = nodesIn(statement, "specifiers").filter((specifier) => specifier["exportKind"] !== "type");
    if (from !== undefined && specifiers.length > 0) this.loads.add(from);
    for (const specifier of specifiers) {
      const local = moduleName(nodeIn(specifier, "local"));
      const exported = moduleName(nodeIn(specifier, "exported"));
      if (local !== undefined && exported !== undefined) {
        this.exports.set(exported, from === undefined ? local : { from, name: local });
      }
    }
  }
}

/** `Name` of `new Name()`, `space.Name` of `new space.Name()`. */
function constructedType(expression: Syntax | undefined): string | undefined {
  const value = expression === undefined ? undefined : unwrap(expression);
  if (value?.type !== "NewExpression") return undefined;
  const made = unwrap(nodeIn(value, "callee") ?? value);
  const name = identifierName(made);
  if (name !== undefined || made.type !== "MemberExpression") return name;
  const space = identifierName(unwrap(nodeIn(made, "object") ?? made));
  const member = memberName(made);
  return space === undefined || member === undefined ? undefined : `${space}.${member}`;
}

/** Whether a variable of a module, or one of its name, gets a value apart from its declaration. */
function isAssigned(node: Syntax, name: string): boolean {
  const targets = assigning.has(node.type) ? assignmentTargets(nodeIn(node, "left") ?? nodeIn(node, "argument")) : [];
  if (targets.some((target) => identifierName(target) === name)) return true;
  for (const child of childrenOf(node)) if (isAssigned(child, name)) return true;
  return false;
}

const assigning = new Set(["AssignmentExpression", "UpdateExpression", "ForInStatement", "ForOfStatement"]);

function importedName(specifier: Syntax): string {
  if (specifier.type === "ImportNamespaceSpecifier") return "*";
  if (specifier.type === "ImportDefaultSpecifier") return "default";
  return moduleName(nodeIn(specifier, "imported")) ?? "default";
}

function moduleName(node: Syntax | undefined): string | undefined {
  return identifierName(node) ?? literalText(node);
}

/** Adds modules that code asks for while it runs, by a name that is written down. */
function addLazy(node: Syntax, lazy: Set<string>): void {
  if (node.type === "ImportExpression") {
    const specifier = literalText(nodeIn(node, "source"));
    if (specifier !== undefined) lazy.add(specifier);
  } else if (node.type === "CallExpression" && identifierName(unwrap(nodeIn(node, "callee") ?? node)) === "require") {
    const specifier = literalText(nodesIn(node, "arguments")[0]);
    if (specifier !== undefined) lazy.add(specifier);
  }
  for (const child of childrenOf(node)) addLazy(child, lazy);
}

/** Whether a file without imports and exports speaks of what only CommonJS modules have. */
function namesCommonJs(node: Syntax): boolean {
  const name = identifierName(node);
  if (name === "module" || name === "exports" || name === "require") return true;
  for (const child of childrenOf(node)) if (namesCommonJs(child)) return true;
  return false;
}
