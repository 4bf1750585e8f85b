import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Finished, jsonLines, Project } from "../testing/project.ts";

const pipeline = (factor: number) => `
import { appendFileSync, existsSync } from "node:fs";
import { func } from "reprise";
import { offset } from "./offset.ts";

const count = (name: string) => appendFileSync("bodies.txt", name + " ");
const load = func("load", (size: number) => { count("load"); return Array.from({ length: size }, (_, n) => n); });
const scale = func("scale", (all: number[]) => { count("scale"); return all.map((n) => n * ${factor} + offset); });
const check = func("check", (all: number[]) => {
  count("check");
  if (existsSync("broken.txt")) throw new Error("the file is there");
  return all;
});
const sum = func("sum", (all: number[]) => { count("sum"); return all.reduce((a, b) => a + b, 0); });
export const main = func("main", ({ size = 4 }: { size?: number }) => { count("main"); return sum(check(scale(load(size)))); });
`;

/** A func with a schema, and one without. */
const tuned = `
import { func } from "reprise";
const input = { "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) =>
  typeof (value as { rate?: unknown }).rate === "number"
    ? { value: value as object }
    : { issues: [{ message: "expected a number", path: ["rate"] }] } } };
export const tuned = func({ id: "tuned", input, run: (given) => given });
const inner = func("inner", (a: number) => a);
export const add = func("add", (a: number, b: number) => [inner(a), b]);
`;

interface Shown {
  readonly pipelineRun: {
    readonly id: string;
    readonly state: string;
    readonly rerun: object | null;
    readonly code: string | null;
  };
  readonly runs: readonly { readonly id: string; readonly name: string; readonly cache: { readonly status: string } }[];
}

/** A project whose programs are kept, with the files that a pipeline run needs. */
function projectOf(files: Readonly<Record<string, string>> = {}): Project {
  return new Project({ "pipeline.ts": pipeline(2), "offset.ts": "export const offset = 0;", ...files });
}

/** Of what is printed, space around it says nothing. */
async function reprise(project: Project, ...args: readonly string[]): Promise<Finished> {
  const finished = await project.start(args, { env: { REPRISE_KEEP_CODE: "on" } }).finished;
  return { ...finished, stdout: finished.stdout.trim() };
}

async function shown(project: Project, id = "latest"): Promise<Shown> {
  return (await project.json("show", id)) as Shown;
}

/** Bodies that have executed since this was last asked. */
function bodies(project: Project): string {
  const file = join(project.folder, "bodies.txt");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  writeFileSync(file, "");
  return text.trim();
}

describe("reprise rerun", () => {
  it("executes the code that was kept, whatever its files hold now, or that of now", async () => {
    using project = projectOf();
    expect((await reprise(project, "run", "pipeline.ts", "-q")).stdout).toBe("12");
    const first = await shown(project);
    bodies(project);
    project.write("pipeline.ts", pipeline(100));
    project.write("offset.ts", "export const offset = 1;");

    expect((await reprise(project, "plan", "--rerun-from", "latest")).stdout).toMatch(
      /\nFiles that changed since: (?:offset\.ts, pipeline\.ts|pipeline\.ts, offset\.ts)\.$/,
    );
    const stored = await reprise(project, "rerun", first.pipelineRun.id);
    // The file that was mended is not what executes: that is said.
    expect(stored.stderr).toMatch(
      /^Re-run main ([0-9a-f]{8}): code of \1, kept [\d :-]+\nnote: (?:pipeline|offset)\.ts and 1 more file have changed since, .*: reprise rerun \1 --current\n/,
    );
    expect([stored.stdout, stored.code]).toEqual(["12", 0]);
    expect(bodies(project)).toBe("main load scale check sum");
    const again = await shown(project);
    const rerun = { rootId: first.pipelineRun.id, runId: first.pipelineRun.id, mode: "from", code: "stored" };
    expect(again.pipelineRun).toMatchObject({ state: "COMPLETE", rerun, code: first.pipelineRun.code });
    expect(again.pipelineRun.id).not.toBe(first.pipelineRun.id);

    const current = await reprise(project, "rerun", first.pipelineRun.id, "--current");
    expect(current.stderr).toMatch(/^Re-run main [0-9a-f]{8}: current code of pipeline\.ts\n/);
    expect(current.stdout).toBe("604");
    expect((await shown(project)).pipelineRun.rerun).toEqual({ ...rerun, code: "current" });

    // Of a re-run with that code, that code is kept.
    project.write("pipeline.ts", "no program");
    expect((await reprise(project, "rerun", "latest", "-q")).stdout).toBe("604");
  });

  it("executes a run and what is downstream of it, and takes over the rest", async () => {
    using project = projectOf();
    await reprise(project, "run", "pipeline.ts", "-q", "--size=3");
    const { runs, pipelineRun } = await shown(project);
    bodies(project);
    const check = runs.find(({ name }) => name === "check")?.id ?? "";
    const { stdout, stderr, code } = await reprise(project, "rerun", check.slice(-8));
    expect([stdout, code]).toEqual(["6", 0]);
    expect(stderr).toContain(`Re-run main ${pipelineRun.id.slice(-8)} from check#${check.slice(-8)}: code of`);
    expect(bodies(project)).toBe("check sum");
    const statuses = (await shown(project)).runs.map(({ name, cache }) => `${name} ${cache.status}`);
    expect(statuses.toSorted()).toEqual(
      ["check DISABLED", "load CLONED", "main DISABLED", "scale CLONED", "sum DISABLED"].toSorted(),
    );

    const lines = jsonLines((await reprise(project, "rerun", check, "--json")).stdout);
    expect(lines.at(-1)).toMatchObject({ takenOver: 2, executed: 2 });
    expect(lines[0]).toMatchObject({ type: "note", text: expect.stringContaining("code of") });
    expect(lines.at(-1)).toMatchObject({ type: "result", state: "COMPLETE", value: 6 });
  });

  it("continues after a failure: only what did not succeed executes", async () => {
    using project = projectOf({ "broken.txt": "" });
    const failed = await reprise(project, "run", "pipeline.ts");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/\n {2}reprise rerun [0-9a-f]{8} --continue --current {2}# after an edit\n$/);
    expect((await project.run("show", "latest")).stdout).toMatch(/\nreprise rerun [0-9a-f]{8} --continue\n$/);
    const advice = /reprise (rerun [0-9a-f]{8} --continue)\n/.exec(failed.stderr)?.[1] ?? "";
    expect(bodies(project)).toBe("main load scale check");
    rmSync(join(project.folder, "broken.txt"));
    const { stdout, stderr, code } = await reprise(project, ...advice.split(" "));
    expect([stdout, code]).toEqual(["12", 0]);
    expect(stderr).toMatch(/^Re-run what did not succeed in main [0-9a-f]{8}: code of/);
    expect(bodies(project)).toBe("check sum");
    expect((await reprise(project, "rerun", "latest", "--continue", "-q")).stdout).toBe("12");
    expect(bodies(project)).toBe("");
  });

  it("executes although the files are gone, and finds a func that has moved where it is told to", async () => {
    using project = projectOf();
    await reprise(project, "run", "pipeline.ts", "-q");
    for (const name of ["pipeline.ts", "offset.ts"]) rmSync(join(project.folder, name));
    expect((await reprise(project, "rerun", "latest", "-q")).stdout).toBe("12");
    const gone = await reprise(project, "rerun", "latest", "--current");
    expect(gone.code).toBe(2);
    expect(gone.stderr).toMatch(/func "main" was in .*pipeline\.ts, which is gone.*--file FILE/);
    // Not exported, and with another name.
    const moved = pipeline(3).replace("export const main", "const pipeline").replace("./offset.ts", "./value.ts");
    project.write("moved/pipeline.ts", moved);
    project.write("moved/value.ts", "export const offset = 0;");
    const there = await reprise(project, "rerun", "latest", "--file", "moved/pipeline.ts");
    expect(there.stderr).toContain("current code of moved/pipeline.ts");
    expect(there.stdout).toBe("18");
  });

  it("changes the recorded input of a func with a schema, which checks it first", async () => {
    using project = projectOf({ "tuned.ts": tuned, "all.json": '{"rate":9}' });
    await reprise(project, "run", "tuned.ts:tuned", "-q", "--rate=0.1", "--name=first");
    const { id } = (await shown(project)).pipelineRun;
    const told = async (...args: readonly string[]) => {
      const lines = jsonLines((await reprise(project, "rerun", id, "--json", ...args)).stdout);
      return lines.at(-1)?.["value"] ?? lines.at(-1)?.["error"];
    };
    expect(await told("--input", "rate=3", "--input=note=a=b")).toEqual({ rate: 3, name: "first", note: "a=b" });
    expect(await told("--input=@all.json", "--input", "name=new")).toEqual({ rate: 9, name: "new" });
    expect(await told("--input", "rate=fast")).toMatchObject({ code: "INPUT_INVALID", exitCode: 2 });
    expect(await told("--input", "rate")).toMatchObject({ message: expect.stringContaining("--input rate=value") });
    expect(await told("--input", "{}", "--input", "{}")).toMatchObject({ message: expect.stringContaining("twice") });
    // What was refused has left nothing.
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: { length: 3 } });
  });

  it("changes recorded arguments, of a pipeline run alone", async () => {
    using project = projectOf({ "tuned.ts": tuned });
    await reprise(project, "run", "tuned.ts:add", "-q", "--a=1", "--b=2");
    const { pipelineRun, runs } = await shown(project);
    expect((await reprise(project, "rerun", "latest", "-q", "--input", "b=5")).stdout).toBe("[ 1, 5 ]");
    expect((await reprise(project, "rerun", "latest", "-q", "--input", "[7,8]")).stdout).toBe("[ 7, 8 ]");
    const told = async (...args: readonly string[]) => {
      const { code, stderr } = await reprise(project, "rerun", ...args);
      expect(code).toBe(2);
      return stderr;
    };
    const root = pipelineRun.id.slice(-8);
    expect(await told(root, "--input", "c=5")).toContain("Its parameters are a, b");
    expect(await told(root, "--input", "b=5", "--continue")).toContain("--input cannot be given with --continue");
    expect(await told(runs[1]?.id ?? "", "--input", "a=5")).toContain(`reprise rerun ${root} --input`);
  });

  it.each(["await start()", "setTimeout(start, 50)"])(
    "does not start what a script starts by itself: %s",
    async (how) => {
      // The pipeline run goes on until the script has tried.
      const script = `
      import { func, LocalRunner } from "reprise";
      import { setTimeout as sleep } from "node:timers/promises";
      const own = process.env["OWN_START"] === "1";
      let tried = false;
      const wait = func("wait", async () => { while (own && !tried) await sleep(5); await sleep(20); return "waited"; });
      export const main = func("main", () => wait());
      const start = async () => {
        await null;
        const running = new LocalRunner().run(main());
        tried = true;
        await running.finally(() => process.exit(9));
      };
      if (own) ${how};`;
      using project = projectOf({ "script.ts": script });
      await reprise(project, "run", "script.ts", "-q");
      const env = { REPRISE_KEEP_CODE: "on", OWN_START: "1" };
      for (const args of [[], ["--current"]]) {
        const { stdout, code } = await project.start(["rerun", "latest", "-q", ...args], { env }).finished;
        expect([stdout.trim(), code]).toEqual(["waited", 0]);
      }
      expect(await project.json("ls")).toMatchObject({ pipelineRuns: { length: 3 } });
    },
  );

  it("executes elements of a map that is the root itself", async () => {
    const own = `
      import { appendFileSync } from "node:fs";
      import { func, LocalRunner } from "reprise";
      const each = func("each", (n: number, by: number) => { appendFileSync("bodies.txt", n + " "); return n * by; });
      console.log(await new LocalRunner().run(each.map([[1, 2], [2, 2], [3, 2]], { concurrency: 2 })));`;
    using project = projectOf({ "own.ts": own });
    await reprise(project, "run", "own.ts");
    bodies(project);
    const { runs, pipelineRun } = await shown(project);
    const second = runs.filter(({ name }) => name === "each")[1]?.id ?? "";
    expect((await reprise(project, "rerun", second, "-q")).stdout).toBe("[ 2, 4, 6 ]");
    expect(bodies(project)).toBe("2");
    expect((await reprise(project, "rerun", pipelineRun.id, "-q")).stdout).toBe("[ 2, 4, 6 ]");
    expect(bodies(project)).toBe("1 2 3");
    const { code, stderr } = await reprise(project, "rerun", pipelineRun.id, "--input", "[[4, 2]]");
    expect([code, stderr]).toEqual([2, expect.stringContaining("--input cannot change the items of a map")]);
  });

  it("tells what is wrong, and what to do", async () => {
    using project = projectOf();
    await project.start(["run", "pipeline.ts", "-q"], { env: { REPRISE_KEEP_CODE: "off" } }).finished;
    const { runs } = await shown(project);
    const told = async (code: number, ...args: readonly string[]) => {
      const finished = await reprise(project, "rerun", ...args);
      expect([finished.stdout, finished.code]).toEqual(["", code]);
      return finished.stderr;
    };
    expect(await told(4, "latest")).toMatch(/was not kept.*reprise rerun [0-9a-f]{8} --current/);
    // What was asked for otherwise is still what is meant.
    const inner = runs[1]?.id.slice(-8) ?? "";
    expect(await told(4, inner)).toContain(`: reprise rerun ${inner} --current\n`);
    expect(await told(4, "latest", "--continue")).toMatch(/: reprise rerun [0-9a-f]{8} --continue --current\n/);
    expect(await told(4, "0123abcd")).toContain("There is no run");
    expect(await told(2)).toContain("RUN is missing");
    expect(await told(2, "latest", "--size=3")).toContain("changed with --input size=3.");
    expect(await told(2, "latest", "--current", "--concurrency=none")).toContain("rerun: --concurrency must be");
    expect(await told(2, runs[1]?.id ?? "", "--current", "--continue")).toMatch(
      new RegExp(`is a run in one: reprise rerun [0-9a-f]{8} --continue.* reprise rerun ${inner}\n`),
    );
    project.write("pipeline.ts", pipeline(2).replace('func("main"', 'func("other"'));
    expect(await told(2, "latest", "--current")).toMatch(/pipeline\.ts and what it imports define no func "main"/);
    project.write("pipeline.ts", pipeline(2).replace('func("scale"', 'func("scaled"'));
    const scale = runs.find(({ name }) => name === "scale")?.id ?? "";
    expect(await told(2, scale, "--current")).toMatch(/"scale".*pipeline\.ts:\d+/s);
    project.write("pipeline.ts", "throw new RangeError('at load');");
    expect(await told(2, "latest", "--current")).toContain("threw an error while it was loaded: at load");
  });
});
