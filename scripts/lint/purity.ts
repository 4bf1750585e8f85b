// A lint plugin with the one purity rule that no built-in rule can express: `new Date()` and `Date()` read the clock,
// while `new Date(value)` only converts what it was given, so the name itself cannot be forbidden.

interface CallNode {
  readonly callee: { readonly type: string; readonly name?: string };
  readonly arguments: readonly unknown[];
}

interface RuleContext {
  report(problem: { readonly node: CallNode; readonly message: string }): void;
}

const message = "packages/core is pure: it does not read the clock. Take the time as an argument.";

const noClock = {
  create(context: RuleContext) {
    const isDate = (node: CallNode) => node.callee.type === "Identifier" && node.callee.name === "Date";
    return {
      NewExpression(node: CallNode) {
        if (isDate(node) && node.arguments.length === 0) context.report({ node, message });
      },
      // Called without `new`, Date ignores its arguments and tells the time.
      CallExpression(node: CallNode) {
        if (isDate(node)) context.report({ node, message });
      },
    };
  },
};

export default { meta: { name: "purity" }, rules: { "no-clock": noClock } };
