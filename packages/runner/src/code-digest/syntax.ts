/** A node of an ESTree syntax tree, as a walk over all kinds of nodes sees it. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Whether a field of a node holds a node. */
export function isSyntax(value: unknown): value is Syntax {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** The node in a field, or undefined. */
export function nodeIn(node: Syntax | undefined, field: string): Syntax | undefined {
  const value = node?.[field];
  return isSyntax(value) ? value : undefined;
}

/** The nodes in a list field; holes of arrays are left out. */
export function nodesIn(node: Syntax | undefined, field: string): readonly Syntax[] {
  const value = node?.[field];
  return Array.isArray(value) ? value.filter((entry) => isSyntax(entry)) : [];
}

/** All nodes directly inside a node. */
export function* childrenOf(node: Syntax): Iterable<Syntax> {
  for (const value of Object.values(node)) {
    if (isSyntax(value)) yield value;
    else if (Array.isArray(value)) for (const entry of value) if (isSyntax(entry)) yield entry;
  }
}

/** Name of an identifier, or undefined for any other node. */
export function identifierName(node: Syntax | undefined): string | undefined {
  return node?.type === "Identifier" ? (node["name"] as string) : undefined;
}

/** A text that is written down: a literal, or a template without holes. */
export function literalText(expression: Syntax | undefined): string | undefined {
  const node = expression === undefined ? undefined : unwrap(expression);
  if (node?.type === "Literal") return typeof node["value"] === "string" ? node["value"] : undefined;
  if (node?.type !== "TemplateLiteral" || nodesIn(node, "expressions").length > 0) return undefined;
  return (nodesIn(node, "quasis")[0]?.["value"] as { cooked?: string } | undefined)?.cooked;
}

/** The name of a property or member that is not computed: `a.b`, `a["b"]`, `{ b }`, `{ "b": 1 }`, `{ 1: 2 }`. */
export function keyName(key: Syntax | undefined, computed: boolean): string | undefined {
  if (key?.type === "Literal") {
    const { value } = key;
    if (typeof value === "string") return value;
    return typeof value === "number" && !computed ? String(value) : undefined;
  }
  return computed ? undefined : identifierName(key);
}

/** The name of the member that a member expression reads, if it is written down. */
export function memberName(node: Syntax): string | undefined {
  return keyName(nodeIn(node, "property"), node["computed"] === true);
}

const transparent = new Set([
  "ChainExpression",
  "ParenthesizedExpression",
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
]);

/** The expression inside type assertions and marks that only group. */
export function unwrap(node: Syntax): Syntax {
  let inner = node;
  while (transparent.has(inner.type)) inner = nodeIn(inner, "expression") ?? inner;
  return inner;
}

/** Whether a node is a function of any kind. */
export function isFunction(node: Syntax | undefined): boolean {
  return (
    node?.type === "FunctionDeclaration" ||
    node?.type === "FunctionExpression" ||
    node?.type === "ArrowFunctionExpression"
  );
}
