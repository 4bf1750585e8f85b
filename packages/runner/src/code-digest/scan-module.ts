import type * as oxc from "oxc-parser";
import { extname } from "node:path";
import { digestBytes, RepriseError } from "@reprise/core";
import { emitted, type Names } from "./names.ts";
import { readHead, type ModuleHead } from "./module-head.ts";
import { addDeclaredNames, addPatternNames, addVarNames } from "./scope-names.ts";
import { Surroundings } from "./surroundings.ts";
import { identifierName, isFunction, nodeIn, nodesIn, type Syntax, unwrap } from "./syntax.ts";
import { isErased, type MetFunc, type Reading, UnitReader } from "./unit-reader.ts";

/** A statement at the top of a module, or one variable of one. */
export interface Unit {
  /** Names that it declares; `default` for an unnamed default export. */
  readonly names: readonly string[];
  readonly reading: Reading;
  /** Whether it is a function, also one of an actor's cache, which calls may be handed without changing it. */
  readonly isFunction: boolean;
  /** Whether it is the definition of a func. */
  readonly isFunc: boolean;
  readonly line: number;
  readonly source: string;
}

/** The definition of a func in a module. */
export interface FuncSite {
  readonly id: string | undefined;
  readonly line: number;
  readonly column: number;
  /** Body and schemas. */
  readonly reading: Reading;
  /** The body alone; undefined if it cannot be told from the other arguments. */
  readonly body: Reading | undefined;
  /** Whether the body is given by name: `func("a", helper)`, `func("a", helpers.a)`. */
  readonly isNamed: boolean;
  /** Names of the body's parameters as they are written; undefined for a body that is given by name. */
  readonly parameters: readonly string[] | undefined;
  readonly source: string;
}

/** A module as far as digests need it. */
export interface ModuleScan {
  readonly head: ModuleHead;
  readonly units: readonly Unit[];
  readonly sites: readonly FuncSite[];
  /** Line of a position in its text. */
  lineOf(at: number): number;
}

export type Parser = typeof oxc.parseSync;

const languages: Record<string, NonNullable<oxc.ParserOptions["lang"]>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "jsx",
  ".mjs": "jsx",
  ".cjs": "jsx",
  ".jsx": "jsx",
};

/** Whether a file holds code that can be read. */
export function isCode(file: string): boolean {
  return extname(file) in languages;
}

/**
 * Reads the code of a module.
 *
 * @throws RepriseError `FUNC_DEFINITION` with the place of a syntax error.
 */
export function parseModule(file: string, text: string, parseSync: Parser): { program: Syntax; head: ModuleHead } {
  const lang = languages[extname(file)] ?? "ts";
  const { program, errors } = parseSync(file, text, { lang, astType: "ts", preserveParens: false, range: false });
  const error = errors.find(({ severity }) => (severity as string) === "Error");
  if (error !== undefined && program.body.length === 0) {
    const at = error.labels[0]?.start ?? 0;
    throw new RepriseError("FUNC_DEFINITION", `${file}:${lineFinder(text)(at)}: ${error.message}`);
  }
  const syntax = program as unknown as Syntax;
  return { program: syntax, head: readHead(syntax, file, text) };
}

/**
 * Takes a module apart into units and funcs.
 *
 * @param known what names of the module, or `space.member`, are of the library.
 */
export function scanModule(
  text: string,
  program: Syntax,
  head: ModuleHead,
  known: Pick<Names, "isFunc" | "isActor">,
): ModuleScan {
  const lineOf = lineFinder(text);
  const names = namesOf(program, head, known);
  const top = new Surroundings(names, []);
  const met: MetFunc[] = [];
  const units: Unit[] = [];
  const add = (
    node: Syntax,
    declared: ReadonlySet<string>,
    read: (reader: UnitReader) => Reading,
    value?: Syntax,
  ): void => {
    const before = met.length;
    const reading = read(new UnitReader(names, { met }));
    const inner = value === undefined ? node : unwrap(value);
    units.push({
      names: [...declared],
      reading,
      isFunction: isFunction(inner) || top.actorMethod(inner) === "cache",
      isFunc: met.slice(before).some((found) => found.node === inner),
      line: lineOf(node.start),
      source: text.slice(node.start, node.end),
    });
  };
  if (head.isCommonJs) {
    add(program, new Set(), (reader) => reader.read(program));
  } else {
    for (const statement of nodesIn(program, "body")) readStatement(statement, add);
  }
  return { head, units, sites: met.map((found) => siteOf(found, text, lineOf)), lineOf };
}

function readStatement(
  statement: Syntax,
  add: (node: Syntax, declared: ReadonlySet<string>, read: (reader: UnitReader) => Reading, value?: Syntax) => void,
): void {
  if (isErased(statement) || statement.type === "ImportDeclaration" || statement.type === "ExportAllDeclaration")
    return;
  if (statement.type === "ExportDefaultDeclaration" || statement.type === "TSExportAssignment") {
    const value = nodeIn(statement, "declaration") ?? nodeIn(statement, "expression") ?? statement;
    if (isErased(value)) return;
    const names = new Set(["default"]);
    addDeclaredNames(value, names);
    add(value, names, (reader) => reader.read(value), value);
    return;
  }
  const isExport = statement.type === "ExportNamedDeclaration";
  const declaration = isExport ? nodeIn(statement, "declaration") : statement;
  if (declaration === undefined || isErased(declaration) || isRequire(declaration)) return;
  if (declaration.type === "VariableDeclaration") {
    for (const declarator of nodesIn(declaration, "declarations")) {
      const names = new Set<string>();
      addPatternNames(nodeIn(declarator, "id"), names);
      add(
        declarator,
        names,
        (reader) => reader.readVariable(String(declaration["kind"]), declarator),
        nodeIn(declarator, "init"),
      );
    }
    return;
  }
  const names = new Set<string>();
  addDeclaredNames(declaration, names);
  addVarNames(declaration, names);
  add(declaration, names, (reader) => reader.read(declaration));
}

function isRequire(declaration: Syntax): boolean {
  return (
    declaration.type === "TSImportEqualsDeclaration" &&
    nodeIn(declaration, "moduleReference")?.type === "TSExternalModuleReference"
  );
}

function namesOf(program: Syntax, head: ModuleHead, known: Pick<Names, "isFunc" | "isActor">): Names {
  const declared = new Set<string>();
  if (!head.isCommonJs) {
    for (const statement of nodesIn(program, "body")) {
      if (isErased(statement)) continue;
      addDeclaredNames(statement, declared);
      addVarNames(statement, declared);
      if (statement.type === "ExportDefaultDeclaration") {
        const value = nodeIn(statement, "declaration");
        if (value !== undefined) addDeclaredNames(value, declared);
      }
    }
  }
  return {
    has: (name) => declared.has(name) || head.imports.has(name),
    isSpace: (name) => head.imports.get(name)?.name === "*",
    ...known,
    moduleOf: (name) => head.imports.get(name)?.from,
  };
}

function siteOf(found: MetFunc, text: string, lineOf: (at: number) => number): FuncSite {
  const { node, id, run, parts } = found;
  // Node names the place of a method's call by the method.
  const callee = nodeIn(node, "callee");
  const start = (callee?.type === "MemberExpression" ? nodeIn(callee, "property") : undefined)?.start ?? node.start;
  const body = run === undefined ? undefined : unwrap(run);
  return {
    id: id?.normalize("NFC"),
    line: lineOf(start),
    column: start - text.lastIndexOf("\n", start - 1),
    reading: found.read(parts),
    body: body === undefined ? undefined : found.read([body]),
    isNamed: body?.type === "Identifier" || body?.type === "MemberExpression",
    parameters: writtenParameters(body),
    source: text.slice(node.start, node.end),
  };
}

/** As `parameterNames` reads them from a function's text. */
function writtenParameters(body: Syntax | undefined): readonly string[] | undefined {
  if (body?.type !== "ArrowFunctionExpression" && body?.type !== "FunctionExpression") return undefined;
  return nodesIn(body, "params").map((parameter, at) => {
    const dots = parameter.type === "RestElement" ? "..." : "";
    const target = nodeIn(parameter, "argument") ?? nodeIn(parameter, "left") ?? parameter;
    return `${dots}${identifierName(target) ?? (at === 0 ? "input" : `argument ${at + 1}`)}`;
  });
}

/** A file that is no code, as one unit: data, which counts by its value or its bytes. */
export function scanData(file: string, bytes: Buffer): ModuleScan {
  const isJson = extname(file) === ".json";
  let content = bytes.toString("latin1");
  if (isJson) {
    try {
      content = JSON.stringify(JSON.parse(bytes.toString("utf8")));
    } catch {
      // Not valid: then its bytes count, and loading it fails on its own account.
    }
  }
  const none = { loading: [], calling: [] };
  const reading: Reading = {
    hash: digestBytes(Buffer.from(emitted(content, isJson ? "json" : "file"))),
    refs: [],
    changes: none,
    passes: none,
    assigns: [],
    calls: false,
    changesGlobals: false,
    captured: [],
    hazards: [],
  };
  const source = isJson ? bytes.toString("utf8").slice(0, 20_000) : `${bytes.length} bytes`;
  const unit: Unit = { names: [], reading, isFunction: false, isFunc: false, line: 1, source };
  return { head: readHead(undefined, file, ""), units: [unit], sites: [], lineOf: () => 1 };
}

/** Finds the line of a position, 1 for the first. */
function lineFinder(text: string): (at: number) => number {
  const ends: number[] = [];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) ends.push(at);
  return (at) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
