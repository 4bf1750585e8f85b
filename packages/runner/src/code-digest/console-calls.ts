import { childrenOf, identifierName, memberName, nodeIn, nodesIn, type Syntax, unwrap } from "./syntax.ts";

/** Whether an expression is a call of a method of the global `console`. */
export function isConsoleCall(expression: Syntax, isGlobal: (name: string) => boolean): boolean {
  const call = unwrap(expression);
  if (call.type !== "CallExpression") return false;
  let callee = unwrap(nodeIn(call, "callee") ?? call);
  if (callee.type !== "MemberExpression") return false;
  callee = unwrap(nodeIn(callee, "object") ?? callee);
  return identifierName(callee) === "console" && isGlobal("console");
}

/** Methods that log lines use to make text, and that change nothing. */
const quietMethods = new Set(
  (
    "at concat endsWith entries every filter find flat flatMap get has includes indexOf join keys length map padEnd " +
    "padStart reduce repeat replace replaceAll round slice some split startsWith substring toArray toFixed toISOString " +
    "toJSON toLocaleString toLowerCase toPrecision toReversed toSorted toSpliced toString toUpperCase trim trimEnd " +
    "trimStart valueOf values"
  ).split(" "),
);
const quietGlobals = new Set(
  "Array BigInt Boolean Date Intl JSON Map Math Number Object Set String Symbol performance process structuredClone".split(
    " ",
  ),
);
const effects = new Set([
  "AssignmentExpression",
  "AwaitExpression",
  "ImportExpression",
  "TaggedTemplateExpression",
  "UpdateExpression",
  "YieldExpression",
]);

/**
 * The parts of a log line's arguments that do more than make text: `next()` of `console.log("item", next())`. The line
 * itself does not decide a result, these may.
 */
export function busyParts(call: Syntax, isGlobal: (name: string) => boolean): readonly Syntax[] {
  const found: Syntax[] = [];
  const look = (node: Syntax): void => {
    if (effects.has(node.type) || (node.type === "UnaryExpression" && node["operator"] === "delete")) {
      found.push(node);
    } else if ((node.type === "CallExpression" || node.type === "NewExpression") && !isQuiet(node, isGlobal)) {
      found.push(node);
    } else {
      for (const child of childrenOf(node)) look(child);
    }
  };
  for (const argument of nodesIn(unwrap(call), "arguments")) look(argument);
  return found;
}

function isQuiet(call: Syntax, isGlobal: (name: string) => boolean): boolean {
  const callee = unwrap(nodeIn(call, "callee") ?? call);
  const name = identifierName(callee);
  if (name !== undefined) return quietGlobals.has(name) && isGlobal(name);
  if (callee.type !== "MemberExpression") return false;
  const holder = identifierName(unwrap(nodeIn(callee, "object") ?? callee));
  if (holder === "Object") return ["keys", "values", "entries", "fromEntries"].includes(memberName(callee) ?? "");
  if (holder !== undefined && quietGlobals.has(holder) && isGlobal(holder)) return true;
  return quietMethods.has(memberName(callee) ?? "");
}
