import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { jsonLines, Project, type Started } from "../testing/project.ts";

const pipeline = (factor: number) => `
import { appendFileSync, existsSync } from "node:fs";
import { context, func } from "reprise";
import { setTimeout as sleep } from "node:timers/promises";

const count = (name: string) => appendFileSync("bodies.txt", name + " ");
const first = func("first", () => { count("first"); return 5; });
const long = func("long", async (n: number) => {
  count("long");
  console.log("long begins");
  while (!existsSync("go.txt")) await sleep(10, undefined, { signal: context().signal });
  return n * ${factor};
});
export const main = func("main", async () => { count("main"); return await long(await first().$value()).$value(); });
`;

interface Listed {
  readonly pipelineRuns: readonly {
    readonly id: string;
    readonly state: string;
    readonly code: string | null;
    readonly origin: { readonly pid: number };
  }[];
}

function start(project: Project, args: readonly string[], keep = "on"): Started {
  return project.start(args, { env: { REPRISE_KEEP_CODE: keep } });
}

async function only(project: Project): Promise<Listed["pipelineRuns"][number]> {
  const { pipelineRuns } = (await project.json("ls")) as Listed;
  expect(pipelineRuns).toHaveLength(1);
  return pipelineRuns[0] as Listed["pipelineRuns"][number];
}

function bodies(project: Project): string {
  return readFileSync(join(project.folder, "bodies.txt"), "utf8").trim();
}

/** Another process keeps the program while it runs. */
async function untilKept(project: Project): Promise<void> {
  while ((await only(project)).code === null) await sleep(50);
}

/** Runs the pipeline and kills its driver in the midst of it. Gives the command's last words. */
async function interrupt(project: Project, keep: "on" | "off"): Promise<string> {
  const { seen, finished } = start(project, ["run", "pipeline.ts"], keep);
  await seen("long begins");
  if (keep === "on") await untilKept(project);
  process.kill((await only(project)).origin.pid, "SIGKILL");
  const { code, stderr } = await finished;
  expect(code).toBe(1);
  return stderr;
}

describe("reprise resume", () => {
  it("goes on with a pipeline run whose driver was killed, with the code that was kept", async () => {
    using project = new Project({ "pipeline.ts": pipeline(2) });
    const told = await interrupt(project, "on");
    expect(told).toMatch(/signal SIGKILL.*\n! main interrupted\n/);
    const advice = /Resume it: reprise (resume [0-9a-f]{8})\n/.exec(told)?.[1] ?? "";
    const { id } = await only(project);
    project.write("pipeline.ts", pipeline(100));
    project.write("go.txt", "");

    const { code, stdout, stderr } = await start(project, advice.split(" ")).finished;
    expect(stderr).toMatch(/^Resume main [0-9a-f]{8}: code of [0-9a-f]{8}, kept /);
    expect([stdout.trimEnd().split("\n").at(-1), code]).toEqual(["10", 0]);
    expect(await only(project)).toMatchObject({ id, state: "COMPLETE", interrupted: false });
    expect(bodies(project)).toBe("main first long main long");
    const { runs } = (await project.json("show", id)) as {
      runs: { id: string; name: string; cache: { status: string } }[];
    };
    expect(runs.map(({ name, cache }) => [name, cache.status])).toEqual([
      ["main", "DISABLED"],
      ["first", "RESUMED"],
      ["long", "DISABLED"],
    ]);
    expect(stderr).toMatch(/\nfirst#\w{8}: RESUMED\n[^]*\n1 finished before with all below, 2 executed\n/);
    expect((await project.run("show", id)).stdout).toContain("\n1 finished before, 2 executed\n");
    const first = (await project.run("show", runs[1]?.id ?? "")).stdout;
    expect(first).toMatch(/\nstarted .*\n\nResult {2}RESUMED\n {2}finished before the interruption\n/);
    expect((await project.run("why", runs[1]?.id ?? "")).stdout).toContain(
      "Finished before its pipeline run was interrupted",
    );
  });

  it("takes today's code where none was kept, and says so; or where it is asked to", async () => {
    using project = new Project({ "pipeline.ts": pipeline(2) });
    await interrupt(project, "off");
    const { id } = await only(project);
    project.write("pipeline.ts", pipeline(100));
    project.write("go.txt", "");
    const lines = jsonLines((await start(project, ["resume", id, "--json"]).finished).stdout);
    expect(lines.filter(({ type }) => type === "note").map(({ text }) => text)).toEqual([
      expect.stringMatching(/: current code of pipeline\.ts$/),
      expect.stringMatching(/^note: .*was not kept/),
    ]);
    expect(lines.at(-1)).toMatchObject({ type: "result", id, state: "COMPLETE", value: 500 });
  });

  it("can be interrupted and resumed again", async () => {
    using project = new Project({ "pipeline.ts": pipeline(2) });
    await interrupt(project, "on");
    const { id } = await only(project);
    const again = start(project, ["resume", "latest"]);
    await again.seen("long begins");
    const pid = await driverPid(project, id);
    process.kill(pid, "SIGKILL");
    const { stderr, code } = await again.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/! main interrupted\n.*Resume it: /);
    project.write("go.txt", "");
    expect((await start(project, ["resume", id, "-q"]).finished).stdout).toContain("10\n");
    expect(bodies(project)).toBe("main first long main long main long");
  });

  it("is canceled by Ctrl-C as a run is", async () => {
    using project = new Project({ "pipeline.ts": pipeline(2) });
    await interrupt(project, "on");
    const again = start(project, ["resume", "latest"]);
    await again.seen("long begins");
    again.child.kill("SIGINT");
    expect((await again.finished).code).toBe(130);
    expect((await only(project)).state).toBe("CANCELED");
  });

  it("refuses what is driven, has ended, or is no pipeline run, and says what to do", async () => {
    using project = new Project({ "pipeline.ts": pipeline(2) });
    const running = start(project, ["run", "pipeline.ts", "-q"], "off");
    await running.seen("long begins");
    const told = async (code: number, ...args: readonly string[]) => {
      const finished = await start(project, ["resume", ...args]).finished;
      expect(finished.code).toBe(code);
      return finished.stderr;
    };
    const { id } = await only(project);
    const { pid } = (await only(project)).origin;
    expect(await told(2, "latest")).toContain(`still running, driven by process ${pid}.`);
    // There is no kept program yet either, but that is not what is wrong.
    const rerun = await start(project, ["rerun", "latest", "--json"]).finished;
    expect(jsonLines(rerun.stdout)).toMatchObject([{ error: { code: "RERUN_REFUSED", exitCode: 2 } }]);
    const { runs } = (await project.json("show", id)) as { runs: { id: string }[] };
    const nested = await told(2, runs[1]?.id ?? "");
    expect(nested).toContain(`reprise resume ${id.slice(-8)}`);
    project.write("go.txt", "");
    expect((await running.finished).code).toBe(0);
    expect(await told(2, id)).toMatch(/has ended: COMPLETE.*reprise rerun [0-9a-f]{8} --continue/);
    expect(await told(4, "0123abcd")).toContain("There is no run");
    expect(existsSync(join(project.folder, "bodies.txt"))).toBe(true);
    rmSync(join(project.folder, "go.txt"));
  });
});

/** The process that drives it now, as the event of its being taken over tells. */
async function driverPid(project: Project, id: string): Promise<number> {
  const { events } = (await project.json("show", id)) as { events: { kind: string; message: string }[] };
  return Number(/rocess (\d+)/.exec(events.find(({ kind }) => kind === "resume")?.message ?? "")?.[1]);
}
