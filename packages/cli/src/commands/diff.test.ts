import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DiffReport } from "../diff/diff-runs.ts";
import { jsonLines, Project } from "../testing/project.ts";

const pipeline = (version = "v1") => `
import { func } from "reprise";
import { scale } from "./scale.ts";

const load = func("load", (n: number) => Array.from({ length: n }, (_, at) => at + 1));
const train = func({ id: "train", cache: true, run: (rows: number[]) => rows.map((row) => scale(row)) });
const score = func({ id: "score", cache: { version: "${version}" }, run: (rows: number[]) => Math.max(...rows) + 1 });
const label = func("label", (text: string) => text.trim());
export const pipeline = func("main", ({ rows = 3, name = "a" }: { rows?: number; name?: string }) => {
  const model = train(load(rows));
  return { model, score: score(model), label: label(name) };
});
`;
const scale = (factor: number) => `/** Scales. */\nexport function scale(n: number) {\n  return n * ${factor};\n}\n`;

let project: Project;
let base: string;

async function execute(...args: readonly string[]): Promise<string> {
  const { stdout } = await project.run("run", "pipeline.ts", "--json", ...args);
  return String(jsonLines(stdout).at(-1)?.["id"]).slice(-8);
}

beforeAll(async () => {
  project = new Project({ "pipeline.ts": pipeline(), "scale.ts": scale(2) });
  base = await execute();
});

afterAll(() => project[Symbol.dispose]());

describe("reprise diff", () => {
  it("shows the first difference with the lines of code that changed, and what came of it in order", async () => {
    project.write("scale.ts", scale(3));
    const { stdout, code } = await project.run("diff", base, await execute());
    project.write("scale.ts", scale(2));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^main \w{8} → \w{8}\n {2}A {2}✔ done .*\n {2}B {2}✔ done /);
    expect(stdout).toMatch(
      /\nFirst difference: main › train {2}\w{8} → \w{8}\n {2}code: scale\(\) changed {2}\(scale\.ts\)\n {6}@@/,
    );
    expect(stdout).toContain("\n      -  return n * 2;\n      +  return n * 3;\n");
    expect(stdout).toMatch(
      /\nRuns that differ, in order\n {2}main .*\n {4}train \w+, which it called, differs, and 1 more\n/,
    );
    expect(stdout).toMatch(
      /\n {2}main › train .*\(above\)\n {2}main › score .*\n {4}input rows comes from train \w+, which/,
    );
    expect(stdout).toMatch(/\n3 differ; 2 runs gave equal results\.\n$/);
  });

  it("tells it as JSON, from `latest` as well", async () => {
    await execute("--rows=4");
    const report = (await project.json("diff", base, "latest")) as DiffReport;
    expect(report).toMatchObject({ a: { name: "main" }, first: 0, equal: 1 });
    expect(report.runs[0]?.reasons).toMatchObject([
      { type: "input", differences: [{ text: "input rows: missing → 4" }] },
    ]);
    expect(report.runs.map(({ path }) => path.at(-1))).toEqual(["main", "load", "train", "score"]);
  });

  it("says which code changed of runs with equal results", async () => {
    project.write("pipeline.ts", pipeline("v2"));
    const { stdout } = await project.run("diff", base, await execute());
    expect(stdout).toContain("\nNo result differs.\n");
    expect(stdout).toMatch(/\n5 runs gave equal results, although the code changed of score\.\n$/);
    project.write("pipeline.ts", pipeline().replace("text.trim()", "text.trim().toUpperCase()"));
    const other = (await project.run("diff", base, await execute(), "--no-diff")).stdout;
    expect(other).toMatch(
      /First difference: main › label .*\n {2}code: func "label" itself changed .*\n {2}output: "a" → "A"/,
    );
    expect(other).not.toContain("@@");
    project.write("pipeline.ts", pipeline());
  });

  it("tells of funcs that are not cached in which files the kept programs differ", async () => {
    using other = new Project({
      "pipeline.ts": `
        import { func } from "reprise";
        import { scale } from "./lib/scale.ts";
        const plain = func("plain", (n: number) => scale(n));
        export const pipeline = func("main", () => plain(2));`,
      "lib/scale.ts": scale(2),
    });
    const run = () => other.start(["run", "pipeline.ts", "-q"], { env: { REPRISE_KEEP_CODE: "on" } }).finished;
    await run();
    const [first] = ((await other.json("ls")) as { pipelineRuns: { id: string }[] }).pipelineRuns;
    other.write("lib/scale.ts", scale(3));
    await run();
    const { stdout } = await other.run("diff", first?.id ?? "", "latest");
    expect(stdout).toMatch(/\n {2}program: [0-9a-f]{12} → [0-9a-f]{12}\n/);
    expect(stdout).toMatch(
      /First difference: main › plain .*\n {2}equal inputs and the same func.*\n {2}code: lib\/scale\.ts changed\n {6}@@/,
    );
    expect(stdout).toContain("\n      -  return n * 2;\n      +  return n * 3;\n");
  });

  it("refuses what is no run", async () => {
    expect((await project.run("diff", base, "deadbeefdeadbeef")).code).toBe(4);
    expect((await project.run("diff", base)).code).toBe(2);
    expect((await project.run("diff", base, base)).stdout).toContain("A and B are one run.");
  });
});
