import { keyName, literalText, nodeIn, nodesIn, type Syntax, unwrap } from "./syntax.ts";

/** The definition of a func, as written. */
export interface FuncCall {
  readonly node: Syntax;
  /** Its id, if that is written as a text. */
  readonly id: string | undefined;
  /** Its body. */
  readonly run: Syntax | undefined;
  /** The expressions that decide its result: body, input schema, output schema; all arguments if they cannot be told. */
  readonly parts: readonly Syntax[];
}

/** Takes apart `func("id", body)` and `func({ id, input, output, run })`. */
export function funcCallOf(node: Syntax): FuncCall {
  const given = nodesIn(node, "arguments");
  const [first, second] = given;
  if (given.length === 2 && first !== undefined && second !== undefined && first.type !== "SpreadElement") {
    return { node, id: literalText(first), run: second, parts: [second] };
  }
  const options = first === undefined ? undefined : unwrap(first);
  if (given.length !== 1 || options?.type !== "ObjectExpression")
    return { node, id: undefined, run: undefined, parts: given };
  const fields = new Map<string, Syntax>();
  for (const property of nodesIn(options, "properties")) {
    const name = keyName(nodeIn(property, "key"), property["computed"] === true);
    const value = nodeIn(property, "value");
    // What is spread in may hold a body of its own.
    if (property.type !== "Property" || property["kind"] !== "init" || name === undefined || value === undefined) {
      return { node, id: literalText(fields.get("id")), run: undefined, parts: given };
    }
    fields.set(name, value);
  }
  const parts = ["run", "input", "output"].flatMap((name) => fields.get(name) ?? []);
  return { node, id: literalText(fields.get("id")), run: fields.get("run"), parts };
}

/** The options of `environment.cache(fn, options)` that decide what it gives. */
const keyOptions = ["key", "hash", "equals"];

/** The expressions of `environment.cache(fn, options)` that decide its results; all arguments if they cannot be told. */
export function cachedParts(node: Syntax): readonly Syntax[] {
  const given = nodesIn(node, "arguments");
  const [fn, second] = given;
  const options = second === undefined ? undefined : unwrap(second);
  if (fn === undefined || options?.type !== "ObjectExpression") return given;
  const fields = new Map<string, Syntax>();
  for (const property of nodesIn(options, "properties")) {
    const name =
      property.type === "Property" ? keyName(nodeIn(property, "key"), property["computed"] === true) : undefined;
    // What is spread in may hold a key.
    if (name === undefined) return given;
    fields.set(name, property);
  }
  return [fn, ...keyOptions.flatMap((name) => fields.get(name) ?? [])];
}
