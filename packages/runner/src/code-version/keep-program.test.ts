import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openHome } from "@reprise/store";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { keepProgram, keepsProgram } from "./keep-program.ts";
import { TestProject } from "./testing/kept-programs.ts";

const files = {
  "pipeline.ts": `import { func } from "reprise";
import { double } from "./steps/double.ts";

/** Doubles a number, in a greeting. */
export const pipeline = func("pipeline", (n: number) => greet(double(n)));
const greet = func("greet", (n: number): string => \`Hello, \${n}!\`);
`,
  "steps/double.ts": `import { func } from "reprise";
import { type Row, factor } from "../settings.ts";
const row: Row = { factor };
export const double = func({ id: "double", cache: true, run: (n: number): number => { console.log("doubling"); return n * row.factor; } });
`,
  "settings.ts": `export interface Row { readonly factor: number }\nexport const factor = 2;\n`,
};

/** With it, whatever starts the bundler fails. */
const noBundler = { ESBUILD_BINARY_PATH: "/bin/false" };

describe("a program that is kept", () => {
  it("executes as it was when its files have changed, and when they are gone", async () => {
    const project = new TestProject(files);
    const { digest, notes, result } = await project.keep({ args: [4] });
    expect([notes, result]).toEqual([[], "Hello, 8!"]);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);

    project.write({ "settings.ts": "export const factor = 3;", "pipeline.ts": "syntax error(" });
    expect(await project.load(digest, { args: [5] })).toMatchObject({ result: "Hello, 10!" });
    project.remove();
    expect(await project.load(digest, { args: [6] })).toMatchObject({ result: "Hello, 12!" });
  });

  it("finds in the cache what its sources have computed", async () => {
    const project = new TestProject(files);
    const { digest, printed } = await project.keep({ args: [4] });
    expect(printed).toContain("doubling");
    project.remove();
    const loaded = await project.load(digest, { args: [4] });
    expect(loaded).toMatchObject({ result: "Hello, 8!", cache: { double: "HIT" } });
    expect(loaded.printed).not.toContain("doubling");
  });

  it("says of its funcs what their sources said", async () => {
    const project = new TestProject(files);
    const { digest } = await project.keep();
    project.remove();
    const { funcs } = await project.load(digest);
    expect(funcs.map(({ record }) => [record.id, record.file, record.line])).toEqual([
      ["double", project.path("steps/double.ts"), 4],
      ["pipeline", project.path("pipeline.ts"), 5],
      ["greet", project.path("pipeline.ts"), 6],
    ]);
    for (const { place, record } of funcs) expect(place).toMatchObject({ file: record.file, line: record.line });
    expect(funcs[1]?.record).toMatchObject({
      description: "Doubles a number, in a greeting.",
      source: "(n: number) => greet(double(n))",
    });
  });

  it("is made once as long as nothing changes", async () => {
    const project = new TestProject(files);
    const first = await project.keep();
    const again = await project.keep({ env: noBundler });
    expect([again.digest, again.notes]).toEqual([first.digest, first.notes]);

    project.write({ "settings.ts": "export const factor = 3;" });
    expect(await project.keep({ env: noBundler })).toMatchObject({ code: "CODE_NOT_KEPT" });
    const changed = await project.keep({ args: [4] });
    expect(changed).toMatchObject({ result: "Hello, 12!" });
    expect(changed.digest).not.toBe(first.digest);
    // The same program again is the same module again.
    project.write({ "settings.ts": files["settings.ts"] });
    expect((await project.keep()).digest).toBe(first.digest);
    expect(readdirSync(join(project.home, "code")).filter((name) => name.length === 64)).toHaveLength(2);
  });

  it("is made again if it is not there any more, or not whole", async () => {
    const project = new TestProject(files);
    const { digest = "" } = await project.keep();
    writeFileSync(join(project.home, "code", digest, "program.mjs"), "short");
    expect((await project.keep()).digest).toBe(digest);
    expect(await project.load(digest, { args: [4] })).toMatchObject({ result: "Hello, 8!" });
  });

  it("is made again if what its imports lead to changes, though no file of it does", async () => {
    const project = new TestProject({
      "package.json": `{ "type": "module", "imports": { "#settings": "./one.ts" } }`,
      "pipeline.ts": `import { func } from "reprise"; import { n } from "#settings"; export const pipeline = func("pipeline", () => n);`,
      "one.ts": "export const n = 1;",
      "two.ts": "export const n = 2;",
    });
    const first = await project.keep({ args: [] });
    project.write({ "package.json": `{ "type": "module", "imports": { "#settings": "./two.ts" } }` });
    const second = await project.keep({ args: [] });
    expect([first.result, second.result]).toEqual([1, 2]);
    expect((await project.load(first.digest, { args: [] })).result).toBe(1);
    expect((await project.load(second.digest, { args: [] })).result).toBe(2);
  });

  it("is refused when it was damaged", async () => {
    const project = new TestProject(files);
    const { digest = "" } = await project.keep();
    const file = join(project.home, "code", digest, "program.mjs");
    writeFileSync(file, readFileSync(file, "utf8").replace("Hello", "Hallo"));
    await expect(project.load(digest, { args: [1] })).rejects.toThrow(/CODE_NOT_KEPT/);
  });
});

describe("what cannot be kept", () => {
  it("is a program whose files were written after it was loaded, for they do not tell what executes", async () => {
    const project = new TestProject(files);
    await using home = await openHome({ path: project.home });
    const keeping = keepProgram(home, project.path("pipeline.ts"), { loadedAt: Date.now() - 60_000 });
    await expect(keeping).rejects.toMatchObject({
      code: "CODE_NOT_KEPT",
      message: expect.stringMatching(/\.ts was written after this process had started/),
    });
    expect(await home.code.list()).toEqual([]);
  });

  it.each([
    ["a file that is not there", "gone.ts", /gone\.ts.*ENOENT/],
    ["a syntax error", "broken.ts", /broken\.ts:2: /],
    ["an import that leads nowhere", "lost.ts", /lost\.ts:1: Could not resolve ".\/nowhere.ts"/],
  ])("is %s, and the error says why", async (_, entry, message) => {
    const project = new TestProject({
      "broken.ts": "const a = 1;\nconst b = (;\n",
      "lost.ts": `import "./nowhere.ts";`,
    });
    await using home = await openHome({ path: project.home });
    const keeping = keepProgram(home, project.path(entry), { loadedAt: Date.now() + 60_000 });
    await expect(keeping).rejects.toMatchObject({ code: "CODE_NOT_KEPT", message: expect.stringMatching(message) });
  });
});

describe("the setting KEEP_CODE", () => {
  it("turns keeping off; the environment goes before it; files of tests are no programs", async () => {
    await using home = await openHome({ path: temporaryFolder() });
    const { REPRISE_KEEP_CODE: before } = process.env;
    try {
      delete process.env["REPRISE_KEEP_CODE"];
      expect(await keepsProgram(home, "/p/pipeline.ts")).toBe(true);
      expect(await keepsProgram(home, "/p/pipeline.test.ts")).toBe(false);
      await expect(home.settings.set("KEEP_CODE", "no")).rejects.toThrow(/`on` or `off`/);
      await home.settings.set("KEEP_CODE", "off");
      expect(await keepsProgram(home, "/p/pipeline.ts")).toBe(false);
      process.env["REPRISE_KEEP_CODE"] = "on";
      expect(await keepsProgram(home, "/p/pipeline.ts")).toBe(true);
    } finally {
      process.env["REPRISE_KEEP_CODE"] = before;
    }
  });
});
