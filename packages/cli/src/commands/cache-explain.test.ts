import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FuncExplanation } from "../cache/explain-func.ts";
import { Project } from "../testing/project.ts";

const pipeline = `
import { func } from "reprise";
import { left } from "pads";
import { scale } from "./scale.ts";

const { LIMIT = "5" } = process.env;
const train = func({ id: "train", cache: { maxAge: "1h", ignore: ["note"] }, run: ({ lr, note }: { lr: number; note: string }) => {
  console.log(note);
  return left(String(scale(lr)));
} });
const fixed = func({ id: "fixed", cache: { version: "v7" }, run: () => 1 });
const dynamic = func({ id: "dynamic", cache: true, run: (name: string) => import(name) });
export const pipeline = func("main", () => [train({ lr: 1, note: "" }), fixed()]);
`;
const files = {
  "pipeline.ts": pipeline,
  "scale.ts":
    "const factor = 3;\n// Unrelated.\nexport const other = 1;\nexport function scale(n: number) {\n  return n * factor;\n}\n",
  "node_modules/pads/package.json": JSON.stringify({
    name: "pads",
    version: "1.2.3",
    type: "module",
    main: "index.js",
  }),
  "node_modules/pads/index.js": "export const left = (text) => text;",
};

async function explained(project: Project, target: string): Promise<FuncExplanation> {
  return (await project.json("cache", "explain", target)) as FuncExplanation;
}

describe("reprise cache explain", () => {
  it("shows the code that a key stands for, part by part, with packages and signature; nothing is made", async () => {
    using project = new Project(files);
    const found = await explained(project, "pipeline.ts:train");
    expect(found).toMatchObject({
      func: "train",
      cached: true,
      options: { maxAge: "1h", ignore: ["note"] },
      version: { kind: "auto", value: expect.stringMatching(/^[0-9a-f]{64}$/) },
      signature: { parameters: ["input"], input: null, output: null },
      problems: [],
      packages: { pads: "1.2.3" },
    });
    expect(found.closure.map(({ file, name }) => `${file} ${name}`).sort()).toEqual([
      "pipeline.ts train",
      "scale.ts factor",
      "scale.ts scale",
    ]);
    const { stdout } = await project.run("cache", "explain", "pipeline.ts:train");
    expect(stdout).toMatch(
      /^func "train" {2}pipeline\.ts:7\ncached\nversion +[0-9a-f]{64}, the digest of all code that it reaches\n/,
    );
    expect(stdout).toContain('options    maxAge: "1h", ignore: ["note"]');
    expect(stdout).toMatch(/Code, 3 parts\n[\s\S]*\n {2}func "train" itself +pipeline\.ts +[0-9a-f]{12}\n/);
    expect(stdout).toMatch(/\n {2}scale\(\) +scale\.ts/);
    expect(stdout).toContain("Packages\n  pads 1.2.3");
    const { stdout: whole } = await project.run("cache", "explain", "pipeline.ts:train", "--source");
    expect(whole).toContain("    return n * factor;");
    expect(existsSync(project.home)).toBe(false);
  });

  it("warns of what cannot be seen, with the place and what to do", async () => {
    using project = new Project(files);
    const { warnings } = await explained(project, "pipeline.ts:dynamic");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.place).toMatch(/pipeline\.ts:12$/);
    expect((await project.run("cache", "explain", "pipeline.ts:dynamic")).stdout).toMatch(
      /Not seen\n {2}.*pipeline\.ts:12 /,
    );
  });

  it("tells of given versions, of funcs that are not cached, and why there is no key", async () => {
    using project = new Project({
      ...files,
      "generated.ts":
        'import { func } from "reprise";\nconst make = (id: string, n: number) => func({ id, cache: true, run: () => n });\nexport const b = make("b", 1);',
    });
    expect(await explained(project, "pipeline.ts:fixed")).toMatchObject({
      version: { kind: "given", value: "v7" },
      closure: [],
    });
    expect((await project.run("cache", "explain", "pipeline.ts:fixed")).stdout).toContain(
      '"v7", given: changes of the code',
    );
    expect((await project.run("cache", "explain", "pipeline.ts")).stdout).toMatch(
      /^func "main".*\nnot cached: .*cache: true/,
    );
    const nowhere = await project.run("cache", "explain", "pipeline.ts:trian");
    expect(nowhere.stderr).toMatch(/define no func "trian"\. Did you mean "train"\?/);
    expect(nowhere.code).toBe(2);
    const captured = await explained(project, "generated.ts:b");
    expect(captured).toMatchObject({ version: null, problems: [expect.stringContaining('func "b"')] });
    expect((await project.run("cache", "explain", "generated.ts:b")).stdout).toMatch(/No key can be made\n.*func "b"/);
  });

  it("knows the file of a func that has run", async () => {
    using project = new Project(files);
    expect((await project.run("cache", "explain", "train")).stderr).toContain("Write FILE:func");
    await project.run("run", "pipeline.ts", "-q");
    for (const id of ["train", "main"]) expect(await explained(project, id)).toMatchObject({ func: id });
    await project.run("cache", "clear", "--all");
    expect(await explained(project, "train")).toMatchObject({ func: "train" });
  });
});
