import { describe, expect, it } from "vitest";
import { Project } from "../testing/project.ts";
import type { RerunForecast, RerunNode } from "./rerun-forecast.ts";

const pipeline = `
import { appendFileSync } from "node:fs";
import { func } from "reprise";

const load = func("load", (size: number) => { appendFileSync("bodies.txt", "load\\n"); return Array.from({ length: size }, (_, n) => n); });
const each = func("each", (n: number) => n * 2);
const prepare = func("prepare", (all: number[]) => each.map(all));
const sum = func({ id: "sum", cache: true, run: (all: number[]) => all.reduce((a, b) => a + b, 0) });
const train = func("train", async (all: number[], rate: number) => (await sum(all).$value()) * rate);
const report = func({ id: "report", cache: true, run: (value: number) => "value " + value });
const check = func("check", (value: number) => { if (value > 0) throw new Error("too much"); return value; });
export const main = func("main", ({ size = 12 }: { size?: number }) => report(train(prepare(load(size)), 0.5)));
export const failing = func("failing", () => { const all = load(3); return [check(train(all, 2)), each.map(all)]; });
`;

/** All nodes by name; of runs of one name, the last. */
function byName({ root }: RerunForecast): Map<string, RerunNode> {
  const found = new Map<string, RerunNode>();
  const visit = (node: RerunNode): void => {
    found.set(node.name, node);
    for (const child of node.children) visit(child);
  };
  visit(root);
  return found;
}

async function idOf(project: Project, name: string): Promise<string> {
  const { runs } = (await project.json("show", "latest")) as { runs: { id: string; name: string }[] };
  return runs.find((run) => run.name === name)?.id ?? "";
}

async function forecast(project: Project, ...args: readonly string[]): Promise<RerunForecast> {
  return (await project.json("plan", "--rerun-from", ...args)) as RerunForecast;
}

describe("reprise plan --rerun-from", () => {
  it("tells what would execute, wait and be taken over, and why, without the file", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts:main", "-q");
    const [prepare, sum] = [await idOf(project, "prepare"), await idOf(project, "sum")];
    project.write("pipeline.ts", "this is no program");

    const planned = await forecast(project, prepare);
    expect(planned).toMatchObject({ runId: prepare, rootId: planned.root.runId, mode: "from" });
    const nodes = byName(planned);
    const actions = [...nodes].map(([name, { action, calledAnew }]) => [name, action, calledAnew]);
    expect(actions).toEqual([
      ["main", "wait", 0],
      ["load", "clone", 0],
      ["prepare", "reset", 12],
      ["train", "reset", 1],
      ["report", "reset", 0],
    ]);
    expect(nodes.get("prepare")?.reason).toBe("the re-run begins here");
    expect(nodes.get("train")?.reason).toBe(`it needs prepare#${prepare.slice(-8)}, which executes again`);
    expect([nodes.get("report")?.mayHit, nodes.get("train")?.mayHit]).toEqual([true, false]);
    expect(planned.total).toMatchObject({ execute: 3, wait: 1, calledAnew: 13, clone: 1 });

    const { stdout, code } = await project.run("plan", "--rerun-from", sum.slice(-8));
    expect(code).toBe(0);
    const id = "[0-9a-f]{8}";
    expect(stdout).toMatch(new RegExp(`^To re-run main ${id} of .* from sum#${id}:\n`));
    expect(stdout).toMatch(new RegExp(`\n◐ waits +main {2}${id} {2}train#${id}.* executes again\n`));
    expect(stdout).toMatch(new RegExp(`\n {2}✔ taken over prepare {2}${id} {2}with 12 runs below`));
    expect(stdout).toMatch(
      new RegExp(`\n {2}● executes +train .*its body waited for sum#${id}, which executes again\n`),
    );
    expect(stdout).toMatch(/\n {4}● executes +sum .*the re-run begins here, if it is called again\n/);
    expect(stdout).toMatch(/\n {2}● executes +report .*, unless the cache has its result\n/);
    expect(stdout).toMatch(
      /\n\n3 runs to execute, 1 waiting for those below, 14 taken over: about .* to execute; .* saved\.\n$/,
    );
    expect((await project.run("plan", "--rerun-from", sum, "--all")).stdout.match(/taken over each/g)).toHaveLength(13);
  });

  it("tells what continuing would execute", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts:failing", "-q");
    const nodes = byName(await forecast(project, "latest", "--continue"));
    expect([...nodes].map(([name, { action }]) => [name, action])).toEqual([
      ["failing", "wait"],
      ["load", "clone"],
      ["train", "clone"],
      ["sum", "clone"],
      ["check", "reset"],
      ["each.map", "clone"],
      ["each", "clone"],
    ]);
    expect(nodes.get("check")?.reason).toBe("it has not succeeded");
    // How long a body takes that has failed is not known; of whom it is, that is the whole time.
    expect((await forecast(project, "latest", "--continue")).total.isTimePartial).toBe(true);
    expect((await project.run("plan", "--rerun-from", "latest", "--continue")).stdout).toMatch(
      /\n1 run to execute, 1 waiting for those below, 6 taken over: (?:at least \S+ ms to execute; )?.* saved\.\n$/,
    );
    expect((await forecast(project, await idOf(project, "load"))).total.isTimePartial).toBe(true);

    await project.run("run", "pipeline.ts:main", "-q");
    const { stdout } = await project.run("plan", "--rerun-from", "latest", "--continue");
    expect(stdout).toMatch(/^To continue main .*:\n✔ taken over main .*\n\nNothing executes: 18 runs taken over/);
  });

  it("tells which funcs are written otherwise now, also of what is taken over", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts:main", "-q");
    const train = await idOf(project, "train");
    const codes = async (...args: readonly string[]) => {
      const nodes = byName(await forecast(project, train, ...args));
      return Object.fromEntries(
        ["main", "load", "prepare", "train", "report"].map((name) => [name, nodes.get(name)?.code]),
      );
    };
    const none = { main: null, load: null, prepare: null, train: null, report: null };
    const same = { main: "same", load: "same", prepare: "same", train: "same", report: "same" };
    expect(await codes()).toEqual(none);
    expect(await codes("--current")).toEqual(same);
    const edited = pipeline
      .replace("(_, n) => n)", "(_, n) => n + 1)")
      .replace('"value " + value', '"the value " + value')
      .replace('func("train"', 'func("train it"');
    // A file that runs by itself what it defines does not do so now.
    project.write(
      "pipeline.ts",
      `${edited}\nimport { LocalRunner } from "reprise";\nawait new LocalRunner().run(main({}));`,
    );
    expect(await codes("--current")).toEqual({ ...same, load: "changed", train: "gone", report: "changed" });
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: { length: 1 } });
    const { stdout } = await project.run("plan", "--rerun-from", train, "--current");
    expect(stdout).toMatch(/taken over load .* {2}its code changed since\n/);
    expect(stdout).toMatch(/executes +train .* {2}its func is not in the program any more\n/);
    expect(stdout).toMatch(/executes +report .*, unless the cache has its result {2}its code changed\n/);
    project.write("moved/steps.ts", pipeline);
    expect(await codes("--file", "moved/steps.ts")).toEqual(same);
  });

  it("refuses what makes no sense, and says what does", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts:failing", "-q");
    const told = async (code: number, ...args: readonly string[]) => {
      const finished = await project.run("plan", ...args);
      expect([finished.stdout, finished.code]).toEqual(["", code]);
      return finished.stderr;
    };
    const check = await idOf(project, "check");
    expect(await told(2)).toContain("plan: FILE is missing");
    expect(await told(2, "pipeline.ts:main", "--continue")).toContain("--rerun-from RUN --continue");
    expect(await told(2, "pipeline.ts", "--rerun-from", "latest")).toContain("pipeline.ts cannot be given beside");
    expect(await told(2, "--rerun-from", "latest", "--size=3")).toContain("--size cannot be given beside");
    expect(await told(2, "--rerun-from", "latest", "--input", "{}")).toContain("--input cannot be given beside");
    expect(await told(4, "--rerun-from", "0123abcd")).toContain("There is no run");
    expect(await told(2, "--rerun-from", check, "--continue")).toContain(check.slice(-8));
  });
});
