import { describe, expect, it } from "vitest";
import { digestPrograms, type Files } from "./testing/programs.ts";

const pipeline = `import { func } from "reprise";
import { scale } from "./helpers.ts";

/** Adds. */
export const add = func("add", (a: number, b: number = 2) => {
  console.log("adding", a, b.toFixed(2));
  const sum = a + b;
  return { sum: scale(sum), 'label': "it's " + \`\${a}  plus\`, rest: [3, 4], found: /a+/g.test("aa") };
});

export const unrelated = func("unrelated", async (text: string) => {
  const first = await Promise.resolve(text ?? "");
  return (({ a: undefined } as { a?: { b: { c: number } } }).a?.b)!.c ?? first;
});
`;
const helpers = `export function scale(value: number): number {
  return value * factor;
}

const factor = 3;
`;
const base: Files = { "pipeline.ts": pipeline, "helpers.ts": helpers };

/** A program in which a text of one file is replaced. */
function edit(file: "pipeline.ts" | "helpers.ts", from: string, to: string): Files {
  const text = base[file] as string;
  if (!text.includes(from)) throw new Error(`there is no ${from}`);
  return { ...base, [file]: text.replace(from, () => to) };
}

const inPipeline = (from: string, to: string): Files => edit("pipeline.ts", from, to);
/** `add` without a default value, which forbids directives, and with another first statement. */
const firstIn = (statement: string): Files => ({
  ...base,
  "pipeline.ts": pipeline.replace("b: number = 2", "b: number").replace("console.log", `${statement}\n  console.log`),
});

/** `add` defined by an object. */
const longForm = (options: string): Files => ({
  ...base,
  "pipeline.ts": pipeline
    .replace(`func("add", (a`, `func({ id: "add", ${options}, run: (a`)
    .replace("};\n});\n\nexport const unrelated", "};\n}});\n\nexport const unrelated"),
});

const inHelpers = (from: string, to: string): Files => edit("helpers.ts", from, to);

describe("edits without effect", () => {
  const edits: Record<string, Files> = {
    "a comment": inPipeline("const sum", "// the sum\n  const sum"),
    "a JSDoc comment": inPipeline("Adds.", "Adds two numbers."),
    "white space": inPipeline("a + b;", "a  +\n    b ;"),
    "moved lines": inPipeline("import { func }", "\n\n\n\nimport { func }"),
    "Windows line ends": { ...base, "pipeline.ts": pipeline.replaceAll("\n", "\r\n") },
    "a trailing comma": inPipeline("[3, 4]", "[3, 4,]"),
    "no semicolons": { ...base, "pipeline.ts": pipeline.replaceAll(";\n", "\n") },
    "an empty statement": inPipeline("const sum", ";;const sum"),
    "double for single quotes": inPipeline("'label'", `"label"`),
    "an escape for a character": inPipeline(`"it's "`, `'it\\'s '`),
    "a key without quotes": inPipeline("'label'", "label"),
    "redundant parentheses": inPipeline("a + b;", "((a) + (b));"),
    "3.0 for 3": inPipeline("[3, 4]", "[3.0, 0x4]"),
    "an `as`": inPipeline("a + b;", "(a + b) as number;"),
    "a `!`": inPipeline("scale(sum)", "scale(sum!)"),
    "a `satisfies`": inPipeline("scale(sum)", "scale(sum satisfies number)"),
    "a type annotation": inPipeline("const sum =", "const sum: number ="),
    "a return type": inPipeline("b: number = 2) =>", "b: number = 2): unknown =>"),
    "a type and an interface": inPipeline(
      "export const add",
      "type Sum = number;\ninterface Box { sum: Sum }\nexport const add",
    ),
    "an import of types": inPipeline(
      `from "./helpers.ts";`,
      `from "./helpers.ts";\nimport type { Future } from "reprise";`,
    ),
    "another log line": inPipeline(`"adding", a, b.toFixed(2)`, `"it is", { a }, JSON.stringify([b])`),
    "a log line less": inPipeline(`console.log("adding", a, b.toFixed(2));`, ""),
    "a warning and a debugger": inPipeline("const sum", `console.warn("sum");\n  debugger;\n  const sum`),
    "the name of a local variable": inPipeline(
      "const sum = a + b;\n  return { sum: scale(sum)",
      "const total = a + b;\n  return { sum: scale(total)",
    ),
    "an alias of an import": {
      ...base,
      "pipeline.ts": pipeline.replace("{ scale }", "{ scale as times }").replace("scale(sum)", "times(sum)"),
    },
    "the id of the func": inPipeline(`func("add"`, `func("sum of two"`),
    "the long form, with options": longForm(`retry: { retries: 3 }, timeout: "5m", tags: ["a"]`),
    "another func of the module": inPipeline("?? first", "?? first + 1"),
    "a new function in the module": inPipeline(
      "export const add",
      "export function extra(sum: number) {\n  return sum;\n}\nexport const add",
    ),
    "a type in the helper": inHelpers("value: number", "value: 1 | 2"),
    "a comment in the helper": inHelpers("return", "// scaled\n  return"),
    "a new function beside the helper": inHelpers("const factor", "export const other = () => 4;\nconst factor"),
    "the order of declarations": {
      ...base,
      "helpers.ts": `const factor = 3;\nexport function scale(value: number): number {\n  return value * factor;\n}\n`,
    },
    "a call of the pipeline": {
      ...base,
      "pipeline.ts": `${pipeline}\nif (process.argv[2] === "run") console.log(add(1, 2));\nvoid [add(3)];\n`,
    },
  };

  it("keep the digest", async () => {
    const { base: before, ...after } = await digestPrograms({ base, ...edits });
    expect(before?.["add"]?.digest).toMatch(/^[0-9a-f]{64}$/);
    for (const [name, report] of Object.entries(after)) {
      const { digest, reason } = report[name === "the id of the func" ? "sum of two" : "add"] ?? {};
      expect([name, reason, digest]).toEqual([name, undefined, before?.["add"]?.digest]);
    }
  });
});

describe("edits with effect", () => {
  const ofAdd: Record<string, Files> = {
    "a literal": inPipeline("[3, 4]", "[3, 5]"),
    "an operator": inPipeline("a + b;", "a - b;"),
    "the order of operands": inPipeline("a + b;", "b + a;"),
    "parentheses that group": inPipeline("const sum = a + b;", "const sum = a + b * (a + 1);"),
    "parentheses that do not": inPipeline("const sum = a + b;", "const sum = a + b * a + 1;"),
    "template text": inPipeline("  plus", " plus"),
    "a default value": inPipeline("b: number = 2", "b: number = 3"),
    "no default value": inPipeline("b: number = 2", "b: number"),
    "flags of a regular expression": inPipeline("/a+/g", "/a+/gi"),
    "a regular expression": inPipeline("/a+/g", "/a*/g"),
    "let for const": inPipeline("const sum", "let sum"),
    "a key": inPipeline("rest:", "others:"),
    "the order of keys": inPipeline('rest: [3, 4], found: /a+/g.test("aa")', 'found: /a+/g.test("aa"), rest: [3, 4]'),
    "a directive": firstIn("'use strict';"),
    "a text in parentheses, which is no directive": firstIn("('use strict');"),
    async: inPipeline(`func("add", (a`, `func("add", async (a`),
    "a call in a log line": inPipeline(`"adding", a`, `"adding", scale(a)`),
    "an awaited log line": inPipeline(`"adding", a`, `"adding", (a = 5)`),
    "a helper": inHelpers("value * factor", "value + factor"),
    "a constant of a helper": inHelpers("factor = 3", "factor = 4"),
    "let for const in a module": inHelpers("const factor", "let factor"),
    "another helper": inPipeline("scale(sum)", "Math.round(sum)"),
    "an output schema": longForm(
      `output: { "~standard": { version: 1, vendor: "x", validate: (value) => ({ value }) } }`,
    ),
  };
  const ofUnrelated: Record<string, Files> = {
    await: inPipeline("await Promise", "Promise"),
    "async less": {
      ...base,
      "pipeline.ts": pipeline.replace(`"unrelated", async (`, `"unrelated", (`).replace("await Promise", "Promise"),
    },
    "|| for ??": inPipeline(`text ?? ""`, `text || ""`),
    "a chain without parentheses": inPipeline(
      `(({ a: undefined } as { a?: { b: { c: number } } }).a?.b)!.c`,
      `({ a: undefined } as { a?: { b: { c: number } } }).a?.b!.c`,
    ),
    "return and a line break": inPipeline("return (({", "return;\n  (({"),
    "no optional link": inPipeline(".a?.b", ".a!.b"),
  };

  it("change the digest of what they belong to, each to another one", async () => {
    const { base: before, ...after } = await digestPrograms({ base, ...ofAdd, ...ofUnrelated });
    const seen = new Map<string | undefined, string>();
    for (const [name, report] of Object.entries(after)) {
      const [changed, same] = name in ofAdd ? (["add", "unrelated"] as const) : (["unrelated", "add"] as const);
      const { digest, reason } = report[changed] ?? {};
      expect([name, reason, typeof digest, seen.get(digest)]).toEqual([name, undefined, "string", undefined]);
      expect([name, digest]).not.toEqual([name, before?.[changed]?.digest]);
      expect([name, report[same]?.digest]).toEqual([name, before?.[same]?.digest]);
      seen.set(digest, name);
    }
  });
});
