import { identifierName, memberName, nodeIn, nodesIn, type Syntax, unwrap } from "./syntax.ts";

/** Methods of built-in objects that change the object they are called on. */
const changingMethods = new Set(
  "add append clear copyWithin delete fill pop push register reverse set shift sort splice unshift".split(" "),
);

/** Functions of `Object` and `Reflect` that change their first argument. */
const changingFunctions = new Set(
  "assign defineProperties defineProperty deleteProperty freeze set setPrototypeOf".split(" "),
);

/** Whether a call changes what it is called on, going by the name of the method. */
function isChangingMethod(name: string | undefined): boolean {
  return name !== undefined && changingMethods.has(name);
}

/**
 * The expression that a chain of members and calls starts from: `table` of `table.rows[0].push`, `a` of `a.b().c`.
 *
 * The last member on the way is given too, because `space.table.set` of a namespace import starts at `space.table`.
 */
export function chainRoot(node: Syntax): { readonly root: Syntax; readonly member: Syntax | undefined } {
  let root = unwrap(node);
  let member: Syntax | undefined;
  for (;;) {
    if (root.type === "MemberExpression") {
      member = root;
      root = unwrap(nodeIn(root, "object") ?? root);
    } else if (root.type === "CallExpression" && unwrap(nodeIn(root, "callee") ?? root).type === "MemberExpression") {
      root = unwrap(nodeIn(root, "callee") ?? root);
    } else {
      return { root, member };
    }
  }
}

/** What a call may change, as expressions: the object of its method, and objects handed to it. */
export interface CallEffects {
  readonly changes: readonly Syntax[];
  readonly passes: readonly Syntax[];
}

/**
 * What a call may change. A call whose value nobody takes is made for what it changes: its object and its arguments. A
 * call whose value is used counts only if its name is one of the known changing ones.
 *
 * @param discarded whether nobody takes the value of the call.
 */
export function callEffects(call: Syntax, discarded: boolean): CallEffects {
  const callee = unwrap(nodeIn(call, "callee") ?? call);
  const given = nodesIn(call, "arguments");
  const method = callee.type === "MemberExpression" ? memberName(callee) : undefined;
  const holder = identifierName(unwrap(nodeIn(callee, "object") ?? callee));
  if (method !== undefined && (holder === "Object" || holder === "Reflect")) {
    return { changes: changingFunctions.has(method) ? given.slice(0, 1) : [], passes: [] };
  }
  const changes = callee.type === "MemberExpression" && (discarded || isChangingMethod(method)) ? [callee] : [];
  return { changes, passes: discarded ? given.flatMap((argument) => handedOver(argument)) : [] };
}

/** The names inside an argument that the called function receives: itself, or inside of objects and arrays. */
function handedOver(argument: Syntax): readonly Syntax[] {
  const inner = unwrap(argument);
  switch (inner.type) {
    case "Identifier":
    case "MemberExpression":
      return [inner];
    case "SpreadElement":
      return handedOver(nodeIn(inner, "argument") ?? inner);
    case "ArrayExpression":
      return nodesIn(inner, "elements").flatMap((element) => handedOver(element));
    case "ObjectExpression":
      return nodesIn(inner, "properties").flatMap((property) => handedOver(nodeIn(property, "value") ?? property));
    default:
      return [];
  }
}

/** The expressions of a statement whose values nobody takes: `a()`, `await a()`, `b && a()`, `void a()`, `a(), b()`. */
export function discardedCalls(expression: Syntax): readonly Syntax[] {
  const inner = unwrap(expression);
  switch (inner.type) {
    case "CallExpression":
    case "NewExpression":
      return [inner];
    case "AwaitExpression":
    case "UnaryExpression":
      return discardedCalls(nodeIn(inner, "argument") ?? inner);
    case "LogicalExpression":
      return discardedCalls(nodeIn(inner, "right") ?? inner);
    case "ConditionalExpression":
      return [
        ...discardedCalls(nodeIn(inner, "consequent") ?? inner),
        ...discardedCalls(nodeIn(inner, "alternate") ?? inner),
      ];
    case "SequenceExpression":
      return nodesIn(inner, "expressions").flatMap((part) => discardedCalls(part));
    default:
      return [];
  }
}

/** The single targets of an assignment or of a loop's head: names and members. */
export function assignmentTargets(pattern: Syntax | undefined): readonly Syntax[] {
  if (pattern === undefined) return [];
  const inner = unwrap(pattern);
  switch (inner.type) {
    case "ObjectPattern":
      return nodesIn(inner, "properties").flatMap((part) =>
        assignmentTargets(nodeIn(part, "value") ?? nodeIn(part, "argument")),
      );
    case "ArrayPattern":
      return nodesIn(inner, "elements").flatMap((element) => assignmentTargets(element));
    case "AssignmentPattern":
      return assignmentTargets(nodeIn(inner, "left"));
    case "RestElement":
      return assignmentTargets(nodeIn(inner, "argument"));
    case "VariableDeclaration":
      return [];
    default:
      return [inner];
  }
}
