import { describe, expect, it } from "vitest";
import { jsonLines, Project } from "../testing/project.ts";
import type { WhyReport } from "../why/why-run.ts";

const pipeline = (body = "") => `
import { func } from "reprise";
import { version } from "counter";
import { scale } from "./scale.ts";

const train = func({ id: "train", cache: true, run: ({ lr, rows }: { lr: number; rows: number[] }) => {
  ${body}
  return rows.map((row) => scale(row) * lr + version);
}});
export const pipeline = func("main", ({ lr = 0.1, rows = [1, 2] }: { lr?: number; rows?: number[] }) => train({ lr, rows }));
`;
const scale = (factor: number) => `/** Scales. */\nexport function scale(n: number) {\n  return n * ${factor};\n}\n`;

function counter(project: Project, version: string): void {
  project.write(
    "node_modules/counter/package.json",
    JSON.stringify({ name: "counter", version, type: "module", main: "index.js" }),
  );
  project.write("node_modules/counter/index.js", "export const version = 1;");
}

/** Executes the pipeline; gives the ids of its runs by func, that of a map's elements without the group's. */
async function execute(project: Project, ...args: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await project.run("run", "pipeline.ts", "--json", ...args);
  const runs = jsonLines(stdout).filter(({ type }) => type === "run");
  return new Map(runs.map(({ funcId, name, kind, id }) => [String(kind === "map" ? name : funcId), String(id)]));
}

/** Executes the pipeline and explains the run of a func in it. */
async function whyAfter(project: Project, func: string, ...args: readonly string[]): Promise<WhyReport> {
  return whyRun(project, (await execute(project, ...args)).get(func));
}

async function whyRun(project: Project, id = "nothing"): Promise<WhyReport> {
  return (await project.json("why", id)) as WhyReport;
}

function texts({ differences }: WhyReport): string[] {
  return differences.map(({ text }) => text);
}

describe("reprise why", () => {
  it("names what differs from the nearest earlier result: code with its diff, packages, inputs with the path", async () => {
    using project = new Project({ "pipeline.ts": pipeline(), "scale.ts": scale(2) });
    counter(project, "1.0.0");
    const first = await whyAfter(project, "train");
    expect(first).toMatchObject({ status: "MISS", against: null, differences: [] });
    expect(first.words.join(" ")).toContain('No earlier result of func "train" is visible');

    expect(texts(await whyAfter(project, "train", "--lr=0.2"))).toEqual(["input lr: 0.1 → 0.2"]);

    project.write("scale.ts", scale(3));
    const changed = await whyAfter(project, "train");
    expect(changed).toMatchObject({ status: "MISS", against: { runId: first.run.id, exists: true } });
    expect(texts(changed)).toEqual(["code: scale() changed  (scale.ts)"]);
    expect(changed.differences[0]?.diff).toEqual([
      "@@ -1,3 +1,3 @@",
      " function scale(n: number) {",
      "-  return n * 2;",
      "+  return n * 3;",
      " }",
    ]);
  });

  it("shows the diff of the code, unless it is asked not to", async () => {
    using project = new Project({ "pipeline.ts": pipeline(), "scale.ts": scale(2) });
    counter(project, "1.0.0");
    await execute(project);
    counter(project, "1.1.0");
    project.write("pipeline.ts", pipeline("rows = rows.slice(1);"));
    const more = await whyAfter(project, "train", "--rows=[1,5]");
    expect(texts(more)).toEqual([
      'code: func "train" itself changed  (pipeline.ts)',
      "package counter: 1.0.0 → 1.1.0",
      "input rows[1]: 2 → 5",
    ]);
    const { stdout } = await project.run("why", more.run.id);
    expect(stdout).toMatch(/^train [0-9a-f]{8} {2}MISS\nExecuted: .*\nThe nearest earlier result is that of run/);
    expect(stdout).toMatch(
      /\n {2}code: func "train" itself changed {2}\(pipeline\.ts\)\n {6}@@[\s\S]*\n {6}\+ {2}rows = /,
    );
    expect(stdout).toContain("\n  input rows[1]: 2 → 5\n");
    expect((await project.run("why", more.run.id, "--no-diff")).stdout).not.toContain("@@");
  });

  it("compares a run that failed, too", async () => {
    using project = new Project({ "pipeline.ts": pipeline(), "scale.ts": scale(2) });
    counter(project, "1.0.0");
    await project.run("run", "pipeline.ts", "-q");
    project.write("scale.ts", scale(2).replace("return", 'if (n > 0) throw new Error("no");\n  return'));
    const failed = await whyAfter(project, "train");
    expect(failed).toMatchObject({ status: "MISS", run: { state: "FAILED" } });
    expect(texts(failed)).toEqual(["code: scale() changed  (scale.ts)"]);
  });

  it("tells of a reused result who computed it, also when that run is gone", async () => {
    using project = new Project({ "pipeline.ts": pipeline(), "scale.ts": scale(2) });
    counter(project, "1.0.0");
    const first = await whyAfter(project, "train");
    const hit = await whyAfter(project, "train");
    expect(hit).toMatchObject({ status: "HIT", origin: { runId: first.run.id, exists: true }, differences: [] });
    expect((await project.run("why", hit.run.id)).stdout).toMatch(
      /Reused: run [0-9a-f]{8} had computed it [\s\S]*reprise logs [0-9a-f]{8}/,
    );
    const [root] = ((await project.json("ls")) as { pipelineRuns: { id: string }[] }).pipelineRuns.slice(1);
    await project.run("gc", "--older-than", "1ms");
    const again = await whyAfter(project, "train");
    expect(again).toMatchObject({ status: "HIT", origin: { runId: first.run.id, exists: false } });
    expect(again.words.join(" ")).toContain("has been deleted since");
    expect(root?.id).toBe(first.run.rootId);
  });

  it("says why a run was not cached", async () => {
    using project = new Project({
      "pipeline.ts": `
        import { func } from "reprise";
        const plain = func("plain", () => 1);
        const kept = func({ id: "kept", cache: { version: "v1" }, run: () => 2 });
        const off = func({ id: "off", cache: { version: "v1" }, run: () => 2 });
        const keyless = func({ id: "keyless", cache: { version: "v1", key: () => { throw new Error("no key today"); } }, run: (n: number) => n });
        const each = func({ id: "each", cache: { version: "v1" }, run: (n: number) => n });
        export const pipeline = func("main", () => [plain(), kept(), keyless(1), off().$set({ cache: false }), each.map([1, 2, 2])]);`,
    });
    const runs = await execute(project);
    const words = async (name: string) => (await whyRun(project, runs.get(name))).words.join(" ");
    expect(await words("plain")).toContain('func "plain" has no option `cache`');
    expect(await words("keyless")).toContain("no key today");
    expect(await words("off")).toContain("$set({ cache: false })");
    expect(await words("each.map")).toMatch(/A group of 3 runs, each cached by itself: 2 MISS, 1 HIT/);
    expect((await whyAfter(project, "kept", "--cache=off")).words.join(" ")).toContain("the runner's cache was off");
    expect(await whyAfter(project, "kept", "--cache=refresh")).toMatchObject({ status: "REFRESHED" });
  });

  it("says how old an earlier result was that was too old", async () => {
    using project = new Project({
      "pipeline.ts": `
        import { func } from "reprise";
        export const pipeline = func({ id: "main", cache: { version: "v1", maxAge: 1 }, run: () => 1 });`,
    });
    await execute(project);
    const expired = await whyAfter(project, "main");
    expect(expired.status).toBe("EXPIRED");
    expect(expired.words).toEqual([
      expect.stringMatching(/^Executed, because the earlier result was .* old, .* more than maxAge allows\.$/),
    ]);
  });

  it("refuses what is no run", async () => {
    using project = new Project();
    expect((await project.run("why", "latest")).code).toBe(4);
    expect((await project.run("why")).code).toBe(2);
  });
});
