import { identifierName, isSyntax, keyName, nodeIn, nodesIn, type Syntax } from "./syntax.ts";

/** Adds the names that a pattern binds: `a`, `{ a, ...b }`, `[a = 1]`. */
export function addPatternNames(pattern: Syntax | undefined, names: Set<string>): void {
  switch (pattern?.type) {
    case "Identifier":
      // A parameter named `this` is a type.
      if (pattern["name"] !== "this") names.add(pattern["name"] as string);
      break;
    case "ObjectPattern":
      for (const property of nodesIn(pattern, "properties")) {
        addPatternNames(property.type === "RestElement" ? property : nodeIn(property, "value"), names);
      }
      break;
    case "ArrayPattern":
      for (const element of nodesIn(pattern, "elements")) addPatternNames(element, names);
      break;
    case "AssignmentPattern":
      addPatternNames(nodeIn(pattern, "left"), names);
      break;
    case "RestElement":
      addPatternNames(nodeIn(pattern, "argument"), names);
      break;
    case "TSParameterProperty":
      addPatternNames(nodeIn(pattern, "parameter"), names);
      break;
    default:
  }
}

/** Adds the names that a declaration binds. */
export function addDeclaredNames(statement: Syntax, names: Set<string>): void {
  if (statement.type === "VariableDeclaration") {
    for (const declarator of nodesIn(statement, "declarations")) addPatternNames(nodeIn(declarator, "id"), names);
  } else if (declarations.has(statement.type)) {
    addPatternNames(nodeIn(statement, "id"), names);
  } else if (statement.type === "ExportNamedDeclaration") {
    const declaration = nodeIn(statement, "declaration");
    if (declaration !== undefined) addDeclaredNames(declaration, names);
  }
}

const declarations = new Set([
  "FunctionDeclaration",
  "ClassDeclaration",
  "TSEnumDeclaration",
  "TSModuleDeclaration",
  "TSImportEqualsDeclaration",
]);

/** Adds the names of `var` declarations anywhere in a statement, which belong to the function around it. */
export function addVarNames(node: Syntax, names: Set<string>): void {
  if (node.type === "VariableDeclaration") {
    if (node["kind"] === "var") addDeclaredNames(node, names);
    return;
  }
  // Only statements hold statements; a nested function keeps its own.
  if (!/(?:Statement|^SwitchCase|^CatchClause|^Program)$/.test(node.type) || node.type === "ExpressionStatement")
    return;
  for (const value of Object.values(node)) {
    if (isSyntax(value)) addVarNames(value, names);
    else if (Array.isArray(value)) for (const entry of value) if (isSyntax(entry)) addVarNames(entry, names);
  }
}

function addLexicalNames(statements: readonly Syntax[], names: Set<string>): void {
  for (const statement of statements) {
    if (statement.type !== "VariableDeclaration" || statement["kind"] !== "var") addDeclaredNames(statement, names);
  }
}

/** Kinds of nodes that may bind names for what is inside them; most nodes are of other kinds. */
const scopes = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "Program",
  "StaticBlock",
  "BlockStatement",
  "TSModuleBlock",
  "TSEnumBody",
  "SwitchStatement",
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "CatchClause",
  "ClassExpression",
]);

/** Names that a node binds for what is inside it, in order; undefined for a node that is no scope. */
export function scopeNames(node: Syntax): ReadonlySet<string> | undefined {
  if (!scopes.has(node.type)) return undefined;
  const names = new Set<string>();
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression": {
      if (node.type === "FunctionExpression") addPatternNames(nodeIn(node, "id"), names);
      if (node.type !== "ArrowFunctionExpression") names.add("arguments");
      for (const parameter of nodesIn(node, "params")) addPatternNames(parameter, names);
      const body = nodeIn(node, "body");
      if (body?.type === "BlockStatement") addVarNames(body, names);
      return names;
    }
    case "Program":
    case "StaticBlock":
      for (const statement of nodesIn(node, "body")) addVarNames(statement, names);
      addLexicalNames(nodesIn(node, "body"), names);
      return names;
    case "BlockStatement":
    case "TSModuleBlock":
      addLexicalNames(nodesIn(node, "body"), names);
      return names;
    case "TSEnumBody":
      for (const member of nodesIn(node, "members")) {
        const name = keyName(nodeIn(member, "id"), member["computed"] === true);
        if (name !== undefined) names.add(name);
      }
      return names;
    case "SwitchStatement":
      for (const part of nodesIn(node, "cases")) addLexicalNames(nodesIn(part, "consequent"), names);
      return names;
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement": {
      const head = nodeIn(node, node.type === "ForStatement" ? "init" : "left");
      if (head !== undefined) addLexicalNames([head], names);
      return names;
    }
    case "CatchClause":
      addPatternNames(nodeIn(node, "param"), names);
      return names;
    case "ClassExpression":
      if (identifierName(nodeIn(node, "id")) === undefined) return undefined;
      addPatternNames(nodeIn(node, "id"), names);
      return names;
    default:
      return undefined;
  }
}
