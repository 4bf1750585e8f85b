import { fileURLToPath } from "node:url";
import { build, type BuildOptions } from "esbuild";
import { describe, expect, it } from "vitest";
import { codeDigestPlugin } from "../code-digest/bundle-plugin.ts";
import { TestProject } from "./testing/kept-programs.ts";

const library = fileURLToPath(new URL("../index.ts", import.meta.url));

/** A program with something at its end that executes when it is loaded. */
function script(end: string): TestProject {
  return new TestProject({
    "pipeline.ts": `import { func, LocalRunner } from "reprise";
export const pipeline = func("pipeline", (n: number) => { console.log("body"); return n + 1; });
if (process.env["LOADED_BEFORE"] === "1") throw new Error("loaded again by something that should not");
${end}
`,
  });
}

describe("a program that starts a runner itself", () => {
  const home = `{ home: process.env["SCRIPT_HOME"] }`;
  it.each([
    [
      "and waits",
      `console.log("before"); console.log(await new LocalRunner(${home}).run(pipeline(1))); console.log("after");`,
    ],
    [
      "and exits when it is done, or has failed",
      `const main = async () => { await using runner = new LocalRunner(${home}); await runner.run(pipeline(1)); };
       main().then(() => process.exit(0), (error) => { console.log("failed", error); process.exit(1); });`,
    ],
    [
      "by a handle",
      `const handle = await new LocalRunner(${home}).submit(pipeline(1)); console.log("after", await handle.result());`,
    ],
  ])("%s executes nothing when it is loaded, and all its funcs are there", async (_, end) => {
    const project = script(end);
    // Where it ends the process, it is not asked what it did.
    const flags = ["--import", `data:text/javascript,${encodeURIComponent("process.exit = () => undefined")}`];
    const env = { SCRIPT_HOME: project.home };
    const { digest, printed } = await project.keep({ env, flags });
    expect(printed).toContain("body");
    project.remove();
    const loaded = await project.load(digest, { args: [5], env });
    expect(loaded).toMatchObject({ result: 6 });
    expect(loaded.printed.match(/body/g)).toHaveLength(1);
    expect(loaded.printed).not.toMatch(/after|failed/);
  });

  it("goes on defining funcs if it does not wait", async () => {
    const project = new TestProject({
      "pipeline.ts": `import { func, LocalRunner } from "reprise";
const early = func("early", () => 1);
void new LocalRunner({ home: process.env["SCRIPT_HOME"] }).run(early());
await new Promise((resolve) => setTimeout(resolve, 50));
export const pipeline = func("pipeline", () => early());
`,
    });
    const env = { SCRIPT_HOME: project.home };
    const { digest } = await project.keep({ env });
    expect(await project.load(digest, { args: [], env })).toMatchObject({ result: 1 });
  });

  it("fails to load with its own error, if it has one", async () => {
    const project = new TestProject({
      "pipeline.ts": `import { func } from "reprise";
export const pipeline = func("pipeline", () => 1);
if (process.env["PASSWORD"] === undefined) throw new Error("PASSWORD is not set");
`,
    });
    const { digest } = await project.keep({ env: { PASSWORD: "x" } });
    expect(await project.load(digest)).toMatchObject({
      code: "USAGE",
      message: expect.stringMatching(/pipeline\.ts that was kept as .* while it was loaded: PASSWORD is not set$/),
    });
  });
});

describe("a program that is a bundle already", () => {
  const files = {
    "source.ts": `import { func } from "reprise";
import { factor } from "./factor.ts";
export const pipeline = func("pipeline", (n: number) => double(n));
const double = func({ id: "double", cache: true, run: (n: number) => { console.log("doubling"); return n * factor; } });
`,
    "factor.ts": "export const factor = 2;",
  };

  const bundle = (project: TestProject, options: BuildOptions) =>
    build({
      absWorkingDir: project.folder,
      entryPoints: ["source.ts"],
      outfile: "pipeline.js",
      bundle: true,
      minifySyntax: true,
      platform: "node",
      format: "esm",
      target: "node22",
      logLevel: "silent",
      plugins: [codeDigestPlugin()],
      ...options,
    });

  it("keeps the digests of its sources", async () => {
    const project = new TestProject(files);
    await bundle(project, { packages: "external" });
    const sources = await project.keep({ entry: "source.ts", args: [3] });
    expect(sources.printed).toContain("doubling");
    const built = await project.keep({ entry: "pipeline.js", args: [3] });
    expect(built).toMatchObject({ result: 6, notes: [] });
    expect(built.printed).not.toContain("doubling");
    project.remove();
    for (const { digest } of [sources, built]) {
      expect(await project.load(digest, { args: [3] })).toMatchObject({ result: 6, cache: { double: "HIT" } });
    }
  });

  it("is not kept if it holds the library, for another copy of it cannot execute it", async () => {
    const project = new TestProject(files);
    const require = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
    await bundle(project, { alias: { reprise: library }, banner: { js: require } });
    expect(await project.keep({ entry: "pipeline.js" })).toMatchObject({
      code: "CODE_NOT_KEPT",
      message: expect.stringMatching(/holds a copy of reprise.*external/),
    });
  });
});

describe("where Node has no hooks for modules in the same thread", () => {
  it("a kept program finds the library that executes all the same", async () => {
    const project = new TestProject({
      "pipeline.ts": `import { func } from "reprise"; export const pipeline = func("pipeline", (n: number) => n + 1);`,
    });
    const { digest } = await project.keep();
    project.remove();
    const env = { NO_REGISTER_HOOKS: "1", NODE_NO_WARNINGS: "1" };
    expect(await project.load(digest, { args: [1], env })).toMatchObject({ result: 2 });
  });
});
