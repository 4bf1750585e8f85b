import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Files } from "../code-digest/testing/programs.ts";
import { TestProject } from "./testing/kept-programs.ts";

/** A package in node_modules. */
function installed(name: string, manifest: object, files: Files, root = ""): Files {
  const all: Files = { "package.json": JSON.stringify({ name, version: "1.0.0", ...manifest }), ...files };
  return Object.fromEntries(Object.entries(all).map(([path, text]) => [`${root}node_modules/${name}/${path}`, text]));
}

/** A program whose func "pipeline" gives the value of an expression. */
function program(head: string, value: string): Files {
  return {
    "pipeline.ts": `import { func } from "reprise";\n${head}\nexport const pipeline = func("pipeline", () => ${value});\n`,
  };
}

/** Keeps the program, executes it, removes all of its files, and executes what was kept: both results and the notes. */
async function beforeAndAfter(project: TestProject) {
  const { digest, notes, result, message } = await project.keep({ args: [] });
  if (digest === undefined) throw new Error(message);
  project.remove();
  return { notes, results: [result, (await project.load(digest, { args: [] })).result] };
}

describe("packages that a program uses", () => {
  it("are part of what is kept: ES modules, CommonJS, and both at once", async () => {
    const project = new TestProject({
      ...installed(
        "pure",
        { type: "module", exports: { import: "./index.js" } },
        { "index.js": `export const kind = "esm";` },
      ),
      ...installed(
        "old",
        { main: "./lib/main" },
        {
          "lib/main.js": `"use strict";\nconst { sep } = require("path");\nmodule.exports = { kind: require("./kind"), sep, isStrict: (function () { return this === undefined; })() };`,
          "lib/kind.js": `module.exports = "cjs";`,
        },
      ),
      ...installed(
        "both",
        {
          exports: { module: "./for-bundlers.js", import: "./index.mjs", require: "./index.cjs" },
          module: "./for-bundlers.js",
        },
        {
          "index.mjs": `export default "import";`,
          "index.cjs": `module.exports = "require";`,
          "for-bundlers.js": "throw 1",
        },
      ),
      ...installed("user-of-both", {}, { "index.js": `exports.found = require("both");` }),
      ...program(
        `import { kind } from "pure"; import old from "old"; import both from "both"; import { found } from "user-of-both";`,
        "[kind, old, both, found]",
      ),
    });
    const expected = ["esm", { kind: "cjs", sep: "/", isStrict: true }, "import", "require"];
    expect(await beforeAndAfter(project)).toEqual({ notes: [], results: [expected, expected] });
  });

  it.each([`{ "type": "module" }`, `{}`])(
    "of CommonJS are imported as Node imports them, in a project %s",
    async (manifest) => {
      const project = new TestProject({
        "package.json": manifest,
        ...installed(
          "compiled",
          {},
          {
            "index.js": `Object.defineProperty(exports, "__esModule", { value: true }); exports.default = () => 1; exports.named = 2;`,
          },
        ),
        ...program(
          `import compiled, { named } from "compiled"; import * as space from "compiled";`,
          "[typeof compiled, compiled.default(), named, space.named, space.default === compiled]",
        ),
      });
      const { results } = await beforeAndAfter(project);
      expect(results[0]).toEqual(["object", 1, 2, 2, true]);
      expect(results[1]).toEqual(results[0]);
    },
  );

  it("stay where they are if they have native parts, and are found there in their version", async () => {
    const native = `module.exports = { version: require("./package.json").version, has: require("fs").existsSync(__dirname + "/build/x.node") };`;
    const project = new TestProject({
      ...installed("native", { gypfile: true, version: "1.0.0" }, { "index.js": native, "build/x.node": "\0" }),
      // Another version of it, of a package that is bundled.
      ...installed("user", {}, { "index.js": `exports.inner = require("native");` }),
      ...installed("native", { gypfile: true, version: "2.0.0" }, { "index.js": native }, "node_modules/user/"),
      ...program(`import native from "native"; import { inner } from "user";`, "[native, inner]"),
    });
    const { digest, notes, result } = await project.keep({ args: [] });
    expect(notes).toEqual(["package native is taken from the project: it has native parts"]);
    expect(result).toEqual([
      { version: "1.0.0", has: true },
      { version: "2.0.0", has: false },
    ]);
    project.write({ "pipeline.ts": "", "node_modules/user/index.js": "" });
    expect((await project.load(digest, { args: [] })).result).toEqual(result);

    renameSync(project.path("node_modules"), project.path("elsewhere"));
    const gone = await project.load(digest, { args: [] });
    expect(gone).toMatchObject({ code: "CODE_NOT_KEPT", message: expect.stringMatching(/native.*has native parts/s) });
  });

  it.each([
    ["a field of its package.json", { binary: {} }, {}],
    ["what it depends on", { dependencies: { bindings: "1" } }, {}],
    ["packages of platforms", { optionalDependencies: { "@native/core-linux-x64-gnu": "1" } }, {}],
    ["a build file", {}, { "binding.gyp": "{}" }],
    ["prebuilt parts", {}, { "prebuilds/linux-x64/node.napi.node": "\0" }],
  ])("count as native by %s", async (_, manifest, files) => {
    const project = new TestProject({
      ...installed("native", manifest, { "index.js": "module.exports = 1;", ...files }),
      ...program(`import native from "native";`, "native"),
    });
    expect((await project.keep()).notes).toEqual(["package native is taken from the project: it has native parts"]);
  });

  it("stay where they are if no bundler can hold them", async () => {
    const project = new TestProject({
      ...installed(
        "strange",
        {},
        { "index.js": `module.exports = 1; function never() { return require("./view.vue"); }`, "view.vue": "<a>" },
      ),
      ...installed("fine", {}, { "index.js": `module.exports = require("strange") + 1;` }),
      ...program(`import fine from "fine";`, "fine"),
    });
    const { digest, notes, result } = await project.keep({ args: [] });
    expect(notes).toEqual([
      expect.stringMatching(/^package strange is taken from the project: it cannot be bundled \(.*vue/),
    ]);
    expect(result).toBe(2);
    project.write({ "pipeline.ts": "", "node_modules/fine/index.js": "" });
    expect((await project.load(digest, { args: [] })).result).toBe(2);
  });

  it("may lack what they can do without", async () => {
    const project = new TestProject({
      ...installed(
        "optional",
        {},
        {
          "index.js": `let found; try { found = require("not-installed"); } catch (error) { found = error.code; }\nmodule.exports = found;`,
        },
      ),
      ...program(
        `import found from "optional"; const lazy = await import("also-not-installed" as string).catch((error: { code: string }) => error.code);`,
        "[found, lazy]",
      ),
    });
    const expected = ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"];
    expect((await beforeAndAfter(project)).results).toEqual([expected, expected]);
  });

  it("of a workspace are part of what is kept, with their funcs", async () => {
    const project = new TestProject({
      "packages/steps/package.json": `{ "name": "steps", "version": "1.0.0", "type": "module", "exports": "./index.ts", "sideEffects": false }`,
      "packages/steps/index.ts": `import { func } from "reprise"; export const step = func("step", (n: number) => n + 1);`,
      ...program(`import { step } from "steps";`, "step(1)"),
    });
    mkdirSync(project.path("node_modules"), { recursive: true });
    symlinkSync(project.path("packages/steps"), project.path("node_modules/steps"));
    expect(await beforeAndAfter(project)).toEqual({ notes: [], results: [2, 2] });
  });
});
