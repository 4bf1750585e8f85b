import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { TestProject } from "./testing/kept-programs.ts";

describe("a program that is kept", () => {
  it("says of every module where its source is, so that files beside it are found", async () => {
    const project = new TestProject({
      "pipeline.ts": `#!/usr/bin/env node
import { func } from "reprise"; const ö = "ünïcödé, import.meta.url";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { here, read } from "./steps/here.ts";
import old from "./steps/old.cjs";
const require = createRequire(import.meta.url);
const __dirname = "mine";
const local = (__filename: string) => [__filename, __dirname];
export const pipeline = func("pipeline", () => [
  import.meta.url, import.meta.dirname, import.meta.filename, import.meta.resolve("./data.txt"), import.meta.main, ö,
  import.meta.resolve("node:fs"), import.meta.resolve("fs"), import.meta.resolve("reprise"), local("also mine"),
  readFileSync(new URL("data.txt", import.meta.url), "utf8"), require("./data.json"), typeof require.resolve, here, read(), old,
]);
`,
      "data.txt": "outer",
      "data.json": `{ "a": 1 }`,
      "steps/data.txt": "inner",
      "steps/here.ts": `import { readFileSync } from "node:fs";
import { join } from "node:path";
export const read = () => readFileSync(join(where.dirname, "data.txt"), "utf8");
const where = import.meta;
export const here = Object.entries({ ...where }).filter(([, value]) => typeof value === "string");
`,
      "steps/old.cjs": `"use strict" // strict
module.exports = [__dirname, __filename, require("fs").readFileSync(__dirname + "/data.txt", "utf8"), (function () { return this === undefined; })()];`,
    });
    const { digest, notes, result } = await project.keep({ args: [] });
    expect(notes).toEqual(["what pipeline.ts takes by createRequire is not held"]);
    expect((result as unknown[])[0]).toBe(`file://${project.path("pipeline.ts")}`);
    project.write({ "pipeline.ts": "", "steps/here.ts": "", "steps/old.cjs": "" });
    const loaded = (await project.load(digest, { args: [] })).result as unknown[];
    // The library is the one that executes.
    expect(loaded.map((value, at) => (at === 8 ? 0 : value))).toEqual(
      (result as unknown[]).map((value, at) => (at === 8 ? 0 : value)),
    );
  });

  it("imports by a computed name from where its source is, or what the name can become if it begins with a path", async () => {
    const project = new TestProject({
      "pipeline.ts": `import { func } from "reprise";
const ü = "ü"; const name = "./plugins/a.ts"; const pick = "b";
export const pipeline = func("pipeline", async () => {
  const [a, b, c, d] = await Promise.all([import(name), import(\`./plugins/\${pick}.ts\`), import("./plugins/c.ts"), import("node:path")]);
  return [a.value, b.value, c.value, d.sep, ü];
});
`,
      "plugins/a.ts": `export const value = "a";`,
      "plugins/b.ts": `export const value = "b";`,
      "plugins/c.ts": `export const value = "c";`,
    });
    const { digest, notes, result } = await project.keep({ args: [] });
    expect(result).toEqual(["a", "b", "c", "/", "ü"]);
    expect(notes).toEqual(["what pipeline.ts imports by a computed name is not held"]);
    project.write({
      "pipeline.ts": "",
      "plugins/a.ts": `export const value = "a of now";`,
      "plugins/b.ts": "",
      "plugins/c.ts": "",
    });
    expect((await project.load(digest, { args: [] })).result).toEqual(["a of now", "b", "c", "/", "ü"]);
  });

  it("may be CommonJS", async () => {
    const project = new TestProject({
      "package.json": `{ "name": "old" }`,
      "pipeline.cjs": `const { func } = require("reprise");
const { double } = require("./double");
const main = require.main === module ? 1 : 0;
exports.pipeline = func("pipeline", (n) => double(n + main));
`,
      "double.js": `const { func } = require("reprise");\nexports.double = func("double", (n) => n * 2);\n`,
    });
    const { digest, notes, result, message } = await project.keep({ entry: "pipeline.cjs", args: [2] });
    expect([notes, result, message]).toEqual([[], 4, undefined]);
    project.remove();
    expect(await project.load(digest, { args: [2] })).toMatchObject({ result: 4 });
  });

  it("shows stacks of its sources", async () => {
    const project = new TestProject({
      "pipeline.ts": `import { func } from "reprise";
import { fail } from "./fail.ts";

export const pipeline = func("pipeline", (why: string) => {
  return fail(why);
});
`,
      "fail.ts": `interface Why {
  readonly why: string;
}
export function fail(why: Why["why"]): never {
  throw new RangeError(why);
}
`,
    });
    const { digest } = await project.keep();
    project.remove();
    const { stack } = await project.load(digest, { args: ["because"] });
    expect(stack).toMatch(/^RangeError: because\n/);
    expect(stack).toContain(`${project.path("fail.ts")}:5:9`);
    expect(stack).toContain(`${project.path("pipeline.ts")}:5:10`);
  });

  it("holds what is imported by the URL of its file", async () => {
    const project = new TestProject({ "part.ts": "export const part: string = 'part';\n" });
    const url = JSON.stringify(pathToFileURL(project.path("part.ts")).href);
    project.write({
      "pipeline.ts": `import { func } from "reprise";
import { part } from ${url};
export const pipeline = func("pipeline", async () => [part, (await import(${url})).part]);
`,
    });
    const { digest, notes, result } = await project.keep({ args: [] });
    expect([notes, result]).toEqual([[], ["part", "part"]]);
    project.remove();
    expect((await project.load(digest, { args: [] })).result).toEqual(["part", "part"]);
  });

  it("holds JSON and texts", async () => {
    const project = new TestProject({
      "pipeline.ts": `import { func } from "reprise";
import settings from "./settings.json" with { type: "json" };
export const pipeline = func("pipeline", async () => [settings.n, (await import("./lazy.json", { with: { type: "json" } })).default]);
`,
      "settings.json": `{ "n": 1 }`,
      "lazy.json": `[2]`,
      "texts.ts": `import { func } from "reprise"; import sql from "./query.sql"; export const pipeline = func("pipeline", () => sql);`,
      "query.sql": "select 1",
      "text-loader.mjs": `import { registerHooks } from "node:module"; import { readFileSync } from "node:fs";
registerHooks({ load: (url, context, next) => url.endsWith(".sql")
  ? { format: "module", shortCircuit: true, source: "export default " + JSON.stringify(readFileSync(new URL(url), "utf8")) } : next(url, context) });`,
    });
    const json = await project.keep({ args: [] });
    const texts = await project.keep({
      entry: "texts.ts",
      args: [],
      flags: ["--import", project.path("text-loader.mjs")],
    });
    expect([json.result, texts.result]).toEqual([[1, [2]], "select 1"]);
    project.remove();
    expect((await project.load(json.digest, { args: [] })).result).toEqual([1, [2]]);
    expect((await project.load(texts.digest, { args: [] })).result).toBe("select 1");
  });

  it("follows the paths of tsconfig.json, as programs under tsx do", async () => {
    const project = new TestProject({
      "tsconfig.json": `{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }`,
      "pipeline.ts": `import { func } from "reprise";
import { Level, Row } from "~/rows";
export const pipeline = func("pipeline", (row: Row) => Level[row.level]);
`,
      "lib/rows.ts": "export interface Row { level: Level }\nexport enum Level { low, high }\n",
    });
    const flags = ["--import", import.meta.resolve("tsx")];
    const env = { TSX_TSCONFIG_PATH: project.path("tsconfig.json") };
    const { digest, notes, result } = await project.keep({ args: [{ level: 1 }], flags, env });
    expect([notes, result]).toEqual([[], "high"]);
    project.remove();
    expect((await project.load(digest, { args: [{ level: 0 }] })).result).toBe("low");
  });

  it("evaluates every module that Node evaluates, though nothing of it is used", async () => {
    const project = new TestProject({
      "package.json": `{ "type": "module", "sideEffects": false }`,
      "pipeline.ts": `import { func } from "reprise";
import { unused } from "./first.ts";
import "./second.ts";
declare global { var seen: string[] | undefined }
export const pipeline = func("pipeline", () => globalThis.seen ?? []);
`,
      "first.ts": `(globalThis.seen ??= []).push("first"); export const unused = 1;`,
      "second.ts": `(globalThis.seen ??= []).push("second");`,
    });
    const { digest, result } = await project.keep({ args: [] });
    expect(result).toEqual(["first", "second"]);
    project.remove();
    expect((await project.load(digest, { args: [] })).result).toEqual(result);
  });

  it("keeps the fields of classes as Node defines them, whatever tsconfig.json says to compilers", async () => {
    const project = new TestProject({
      "tsconfig.json": `{ "compilerOptions": { "target": "ES2020", "useDefineForClassFields": false } }`,
      "pipeline.ts": `import { func } from "reprise";
class Base { value: string | undefined = "base"; }
class Derived extends Base { override value: string | undefined; }
export const pipeline = func("pipeline", () => [new Derived().value ?? "none", Derived.name]);
`,
    });
    const { digest, result } = await project.keep({ args: [] });
    expect(result).toEqual(["none", "Derived"]);
    expect((await project.load(digest, { args: [] })).result).toEqual(result);
  });
});
