import { builtinName } from "./builtin-name.ts";
import { chainRoot } from "./effects.ts";
import { identifierName, literalText, memberName, nodeIn, nodesIn, type Syntax, unwrap } from "./syntax.ts";

/** Where an expression stands. */
export interface HazardContext {
  /** Whether it is evaluated when its module is loaded, not in a function. */
  readonly loading: boolean;
  /** Whether a name is one of the language or of Node, and not the module's own. */
  readonly isGlobal: (name: string) => boolean;
  /** The specifier that a name is imported from. */
  readonly moduleOf: (name: string) => string | undefined;
}

/** Modules of Node whose functions bring in values from outside the program. */
const outsideModules = new Set(
  "child_process dgram dns fs fs/promises http http2 https inspector net os process readline sqlite tls".split(" "),
);

/**
 * Why the digest of the code around an expression does not tell all, with what to do; undefined for most expressions.
 *
 * Values from outside that a body reads while it runs (files, clock, environment) are inputs that were not declared, as
 * in any cache; reported is what the code is made of.
 */
export function hazardOf(node: Syntax, context: HazardContext): string | undefined {
  switch (node.type) {
    case "ImportExpression":
      return literalText(nodeIn(node, "source")) === undefined
        ? "import() with a computed name loads code that cannot be seen; write the name as a text, or give a version"
        : undefined;
    case "CallExpression":
    case "NewExpression":
      return callHazard(node, context);
    case "MemberExpression":
      return context.loading ? processHazard(node, context) : undefined;
    case "AwaitExpression":
      return context.loading && !isKnownImport(nodeIn(node, "argument")) ? awaited : undefined;
    default:
      return undefined;
  }
}

const awaited =
  "a value awaited while the module loads is used; its code counts, what it brings from outside does not: " +
  "pass it as an input, or give a version";

function isKnownImport(node: Syntax | undefined): boolean {
  return node !== undefined && unwrap(node).type === "ImportExpression";
}

function callHazard(node: Syntax, context: HazardContext): string | undefined {
  const callee = unwrap(nodeIn(node, "callee") ?? node);
  const name = identifierName(callee);
  if (name !== undefined && context.isGlobal(name)) {
    if (name === "eval" || name === "Function") {
      return `${name === "eval" ? "eval()" : "new Function()"} makes code that cannot be seen; give a version`;
    }
    if (name === "Date" && context.loading && nodesIn(node, "arguments").length === 0) return outside("new Date()");
    if (name === "fetch" && context.loading) return outside("fetch()");
  }
  if (name === "require" && literalText(nodesIn(node, "arguments")[0]) === undefined) {
    return "require() with a computed name loads code that cannot be seen; write the name as a text, or give a version";
  }
  if (startsCode(callee, context)) {
    return "a worker or process runs a module that is not followed; give a version that changes with it";
  }
  return context.loading ? outsideCall(callee, context) : undefined;
}

/** `new Worker(file)` and `fork(file)`. */
function startsCode(callee: Syntax, { isGlobal, moduleOf }: HazardContext): boolean {
  const name = identifierName(callee) ?? (callee.type === "MemberExpression" ? memberName(callee) : undefined);
  if (name !== "Worker" && name !== "fork") return false;
  const holder = identifierName(chainRoot(callee).root);
  if (holder === undefined) return false;
  const module = builtinName(moduleOf(holder) ?? "");
  if (name === "Worker") return module === "node:worker_threads" || (holder === name && isGlobal(name));
  return module === "node:child_process" || module === "node:cluster";
}

/** Reading a file, the clock or chance at load time: the value becomes a constant of the program that code does not show. */
function outsideCall(callee: Syntax, context: HazardContext): string | undefined {
  const { root } = chainRoot(callee);
  const name = identifierName(root);
  if (name === undefined) return undefined;
  const module = context.moduleOf(name);
  const builtin = module === undefined ? undefined : builtinName(module);
  if (builtin !== undefined && outsideModules.has(builtin.slice("node:".length)))
    return outside(`${name}() of ${builtin}`);
  if (callee.type !== "MemberExpression" || !context.isGlobal(name)) return undefined;
  const method = `${name}.${memberName(callee) ?? ""}`;
  return ["Date.now", "Math.random", "performance.now", "crypto.randomUUID"].includes(method)
    ? outside(`${method}()`)
    : undefined;
}

function processHazard(node: Syntax, context: HazardContext): string | undefined {
  const member = memberName(node);
  const holder = identifierName(unwrap(nodeIn(node, "object") ?? node));
  if (member === undefined || (holder !== "process" && holder !== "globalThis")) return undefined;
  const isProcess =
    holder === "process" &&
    (context.isGlobal(holder) || builtinName(context.moduleOf(holder) ?? "") === "node:process");
  return isProcess && ["env", "argv", "execArgv", "cwd", "platform", "arch", "version", "pid"].includes(member)
    ? outside(`process.${member}`)
    : undefined;
}

function outside(what: string): string {
  return `${what} is read while the module loads; the digest sees this code, not the value: pass it as an input, or give a version`;
}
