import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { computeCodeDigests } from "./bundle-plugin.ts";

/** Digest of the func `f` of a module, which is read and not run. */
async function digestOf(code: string, name = "pipeline.ts"): Promise<string> {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, `import { func } from "reprise";\n${code}`);
  const found = (await computeCodeDigests(file)).get("f");
  if (found?.digest === undefined) throw new Error(`${code}: ${found?.reason ?? "no func"}`);
  return found.digest;
}

const body = (code: string): string => `export const f = func("f", (a, b) => { ${code} });`;

/** Pieces of code that do one thing, in two ways of writing it. */
const same: Record<string, readonly [string, string]> = {
  "an overload": [
    `function g(a) { return a; } ${body("g(a)")}`,
    `function g(a: 1): 1; function g(a) { return a; } ${body("g(a)")}`,
  ],
  "an ambient declaration": [body("return a"), `declare const x: 1; declare module "y" {} ${body("return a")}`],
  "a namespace of types": [body("return a"), `namespace N { export type A = 1 } ${body("return a")}`],
  "modifiers of members": [
    `class A { x = 1; m() { return 1; } } ${body("return new A()")}`,
    `abstract class A<T> implements B { private readonly x: number = 1; declare y: 1; abstract z: 2; public m(this: A): 1 { return 1; } } ${body("return new A<1>()")}`,
  ],
  "a `this` parameter": [
    `function g(a) { return this; } ${body("g(a)")}`,
    `function g(this: Date, a) { return this; } ${body("g(a)")}`,
  ],
  "type arguments": [body("return new Map()"), body("return new Map<string, number>()")],
  "an old assertion": [body("return a"), body("return <number>a")],
  "an optional parameter": [`export const f = func("f", (a) => a)`, `export const f = func("f", (a?: number) => a)`],
  "a number in another form": [body("return [255, 1000, 1, 10n]"), body("return [0xff, 1_000, 1.0, 0xAn]")],
  "a method in quotes": [body("return { a: 1, 1: 2 }"), body(`return { "a": 1, "1": 2 }`)],
  "a shorthand": [body("return { a }"), body("return { a: a }")],
  "a template in other characters": [body("return `\\n`"), body("return `\n`")],
  "names of parameters and functions inside": [
    body("const g = (x) => x + b; return g(a)"),
    body("const h = (y) => y + b; return h(a)"),
  ],
  "a name inside like one outside": [
    `const x = 1; const g = (x) => x; ${body("return g(x)")}`,
    `const x = 1; const g = (y) => y; ${body("return g(x)")}`,
  ],
  "a name that hides another inside": [
    body("let x = 1; { let x = 2; return x; }"),
    body("let x = 1; { let y = 2; return y; }"),
  ],
  "a name at the top": [`const x = 1; ${body("return x")}`, `const y = 1; ${body("return y")}`],
  "two declarations for one": [
    `const x = 1, y = 2; ${body("return x + y")}`,
    `const x = 1; const y = 2; ${body("return x + y")}`,
  ],
  "an export": [`const x = 1; ${body("return x")}`, `export const x = 1; ${body("return x")}`],
  "a log line in a branch": [body("if (a) { return b; }"), body("if (a) { console.info(`b ${b}`); return b; }")],
  "a log line at the top": [`const x = []; ${body("return x")}`, `const x = []; console.log(x); ${body("return x")}`],
  "an unrelated enum": [body("return a"), `enum E { A, B } ${body("return a")}`],
  "an unrelated class": [body("return a"), `class A extends Map { static { A.x = 1; } } ${body("return a")}`],
};

/** Pieces of code that do different things. */
const different: Record<string, readonly [string, string]> = {
  "an enum's value": [`enum E { A = 1 } ${body("return E.A")}`, `enum E { A = 2 } ${body("return E.A")}`],
  "an enum's name": [`enum E { A, B } ${body("return E.A")}`, `enum E { B, A } ${body("return E.A")}`],
  "an enum's computed value": [
    `enum E { A = 1, B = A << 1 } ${body("return E.B")}`,
    `enum E { A = 1, B = A << 2 } ${body("return E.B")}`,
  ],
  "a constant of an enum": [
    `const x = 1; enum E { A = x } ${body("return E.A")}`,
    `const x = 2; enum E { A = x } ${body("return E.A")}`,
  ],
  "a namespace": [
    `namespace N { export const x = 1 } ${body("return N.x")}`,
    `namespace N { export const x = 2 } ${body("return N.x")}`,
  ],
  "a second part of a namespace": [
    `namespace N { export const x = 1 } namespace N { export const y = 1 } ${body("return N")}`,
    `namespace N { export const x = 1 } namespace N { export const y = 2 } ${body("return N")}`,
  ],
  "a parameter property": [
    `class A { constructor(private x) {} } ${body("return new A(1)")}`,
    `class A { constructor(x) {} } ${body("return new A(1)")}`,
  ],
  "a decorator": [
    `const d = (x) => x; @d class A {} ${body("return new A()")}`,
    `const d = (x) => x; class A {} ${body("return new A()")}`,
  ],
  "what a decorator does": [
    `const d = () => 1; class A { @d m() {} } ${body("return new A()")}`,
    `const d = () => 2; class A { @d m() {} } ${body("return new A()")}`,
  ],
  "a static member": [`class A { static m() {} } ${body("return A")}`, `class A { m() {} } ${body("return A")}`],
  "a getter": [
    `class A { get m() { return 1; } } ${body("return A")}`,
    `class A { m() { return 1; } } ${body("return A")}`,
  ],
  "a private member": [`class A { #m = 1; } ${body("return A")}`, `class A { m = 1; } ${body("return A")}`],
  "a static block": [
    `class A { static { A.x = 1; } } ${body("return A")}`,
    `class A { static { A.x = 2; } } ${body("return A")}`,
  ],
  "the name of a class": [`class A {} ${body("return new A()")}`, `class B {} ${body("return new B()")}`],
  "a generator": [
    `function g() { return 1; } ${body("return g()")}`,
    `function* g() { return 1; } ${body("return g()")}`,
  ],
  "a name that means another": [
    body("let x = 1; { let y = 2; return x; }"),
    body("let x = 1; { let x = 2; return x; }"),
  ],
  "a name that hides one at the top": [
    `const x = 1; ${body("return x")}`,
    `const x = 1; export const f = func("f", (a, x) => { return x })`,
  ],
  "which of two": [body("const x = 1, y = 2; return x"), body("const x = 1, y = 2; return y")],
  "a parameter by position": [`export const f = func("f", (a, b) => a)`, `export const f = func("f", (a, b) => b)`],
  "a hole": [body("return [, 1]"), body("return [undefined, 1]")],
  "`__proto__` in short": [
    body("const __proto__ = a; return { __proto__ }"),
    body("const __proto__ = a; return { __proto__: __proto__ }"),
  ],
  "a text and a number": [body("return 1"), body(`return "1"`)],
  "null and its name": [body("return null"), body(`return "null"`)],
  "minus zero": [body("return 0"), body("return -0")],
  "a tag's raw text": [body("return String.raw`\\n`"), body("return String.raw`\n`")],
  "a label": [body("x: for (;;) { y: for (;;) break x; }"), body("x: for (;;) { y: for (;;) break y; }")],
  "var for let in a loop": [
    body("for (let i = 0; i < 3; i++) b(() => i)"),
    body("for (var i = 0; i < 3; i++) b(() => i)"),
  ],
  "a default inside a pattern": [body("const { x = 1 } = a; return x"), body("const { x = 2 } = a; return x")],
  "a key inside a pattern": [body("const { x } = a; return x"), body("const { y: x } = a; return x")],
  "an optional call": [body("return a?.()"), body("return a()")],
  "the end of a chain": [body("return (a?.b).c"), body("return a?.b.c")],
  "what another member of a log line does": [body("console.log(b); return a"), body("console.log(b.pop()); return a")],
  "a log line that is a value": [body("return a"), body("return a, console.log(a)")],
  "a console of one's own": [body("const console = b; console.log(1)"), body("const console = b; console.log(2)")],
  "a variable in a block at the top": [
    `if (true) { var x = 1 } ${body("return x")}`,
    `if (true) { var x = 2 } ${body("return x")}`,
  ],
  "an assignment at the top": [`let x = 1; x = 2; ${body("return x")}`, `let x = 1; x = 3; ${body("return x")}`],
  "a loop at the top": [
    `const x = new Map(); for (const k of ["a"]) x.set(k, 1); ${body("return x")}`,
    `const x = new Map(); for (const k of ["b"]) x.set(k, 1); ${body("return x")}`,
  ],
  "an object handed to a call": [
    `const x = {}; Object.assign(x, { y: 1 }); ${body("return x")}`,
    `const x = {}; Object.assign(x, { y: 2 }); ${body("return x")}`,
  ],
  "a value that a changing call gives": [
    `const x = []; const n = x.push(1); ${body("return x")}`,
    `const x = []; const n = x.push(2); ${body("return x")}`,
  ],
  "a deep change by way of two functions": [
    `const x = {}; const set = (v) => { x.y = v; }; function go() { set(1); } go(); ${body("return x")}`,
    `const x = {}; const set = (v) => { x.y = v; }; function go() { set(2); } go(); ${body("return x")}`,
  ],
  "which helper a helper uses, both being used": [
    `const x = () => 1; const y = () => 2; const g = () => x(); ${body("return [g(), x(), y()]")}`,
    `const x = () => 1; const y = () => 2; const g = () => y(); ${body("return [g(), x(), y()]")}`,
  ],
  "an object handed to a constructor": [
    `class A { constructor(x, n) { x.push(n); } } const x = []; new A(x, 1); ${body("return x")}`,
    `class A { constructor(x, n) { x.push(n); } } const x = []; new A(x, 2); ${body("return x")}`,
  ],
  "a destructured change": [`let x = 1; [x] = [2]; ${body("return x")}`, `let x = 1; [x] = [3]; ${body("return x")}`],
  "a prototype of the language": [
    `Array.prototype.last = () => 1; ${body("return [].last()")}`,
    `Array.prototype.last = () => 2; ${body("return [].last()")}`,
  ],
  "a child in an object": [
    `const steps = { a: func("a", () => 1) }; ${body("return steps.a()")}`,
    `const steps = { a: func("a", () => 2) }; ${body("return steps.a()")}`,
  ],
  "options that cannot be told apart": [
    `const o = { retry: 1 }; export const f = func({ ...o, id: "f", run: () => 1 })`.replace(
      `...o, id: "f"`,
      `id: "f", ...o`,
    ),
    `const o = { retry: 1 }; export const f = func({ ...o, id: "f", run: () => 2 })`.replace(
      `...o, id: "f"`,
      `id: "f", ...o`,
    ),
  ],
  "a template's hole": [body("return `${a}b`"), body("return `${b}b`")],
  "import.meta": [body("return import.meta.url"), body("return import.meta.dirname")],
  "new.target": [
    `function g() { return new.target; } ${body("g()")}`,
    `function g() { return target; } ${body("g()")}`,
  ],
};

describe("one code in two ways", () => {
  it.each(Object.entries(same))("does not count %s", async (_, [one, other]) => {
    expect(await digestOf(other)).toBe(await digestOf(one));
  });
});

describe("two codes", () => {
  it.each(Object.entries(different))("counts %s", async (_, [one, other]) => {
    expect(await digestOf(other)).not.toBe(await digestOf(one));
  });
});

describe("JSX", () => {
  const jsx = (code: string): Promise<string> =>
    digestOf(`const Chart = (p) => p; export const f = func("f", (a) => ${code});`, "pipeline.tsx");

  it("counts text, attributes and components, not the layout", async () => {
    const base = await jsx(`<p id="x"><Chart of={a} /> two words</p>`);
    expect(await jsx(`(\n  <p id='x'>\n    <Chart of={a} /> two words\n  </p>\n)`)).toBe(base);
    const others = [
      `<p id="x"><Chart of={a} /> two  words</p>`,
      `<p id="y"><Chart of={a} /> two words</p>`,
      `<p id="x"><Chart to={a} /> two words</p>`,
      `<p id="x"><chart of={a} /> two words</p>`,
      `<b id="x"><Chart of={a} /> two words</b>`,
    ];
    const digests = await Promise.all(others.map((code) => jsx(code)));
    expect(new Set([base, ...digests]).size).toBe(others.length + 1);
  });

  it("counts the component", async () => {
    const code = (chart: string): string => `const Chart = ${chart}; export const f = func("f", (a) => <Chart />);`;
    expect(await digestOf(code("() => 1"), "pipeline.tsx")).not.toBe(await digestOf(code("() => 2"), "pipeline.tsx"));
  });
});
