import { openHome } from "@reprise/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DiffReport } from "../diff/diff-runs.ts";
import { type Finished, Project } from "../testing/project.ts";
import type { WhyReport } from "../why/why-run.ts";

const pipeline = (limit: number, added = "") => `
import { func } from "reprise";

const load = func("load", (n: number) => Array.from({ length: n }, (_, at) => at));
const part = func("part", (n: number) => n * 2);
const split = func("split", async (rows: number[]) => [await part(rows.length).$value(), part(1)]);
const check = func("check", (rows: number[], parts: number[]) => {
  if (rows.length > ${limit}) throw new RangeError("more than ${limit}");
  return rows.length + parts.length;
});
const total = func("total", (count: number, parts: number[]) => count + parts.length${added});
export const pipeline = func("main", () => {
  const rows = load(3);
  const parts = split(rows);
  return total(check(rows, parts), parts);
});
`;

interface ShownRun {
  readonly id: string;
  readonly name: string;
  readonly cache: { readonly status: string; readonly originRunId: string | null };
}

let project: Project;
/** The failed original, what goes on from it with other code, and a re-run of that from its last run. */
let original: string;
let continued: string;
let rerun: string;
let continuing: Finished;

const idOf = ({ stderr }: Finished) => /reprise show ([0-9a-f]{8})/.exec(stderr)?.[1] ?? "";

const shown = new Map<string, readonly ShownRun[]>();

async function runsOf(id: string): Promise<readonly ShownRun[]> {
  const runs = shown.get(id) ?? ((await project.json("show", id)) as { runs: readonly ShownRun[] }).runs;
  shown.set(id, runs);
  return runs;
}

async function named(id: string, name: string): Promise<ShownRun> {
  const run = (await runsOf(id)).find((one) => one.name === name);
  if (run === undefined) throw new Error(`no run is named ${name}`);
  return run;
}

async function words(id: string, name: string): Promise<readonly string[]> {
  return ((await project.json("why", (await named(id, name)).id)) as WhyReport).words;
}

beforeAll(async () => {
  project = new Project({ "pipeline.ts": pipeline(2) });
  original = idOf(await project.run("run", "pipeline.ts", "--plain"));
  project.write("pipeline.ts", pipeline(5));
  continuing = await project.run("rerun", original, "--continue", "--current", "--plain");
  continued = idOf(continuing);
  project.write("pipeline.ts", pipeline(5, " + 100"));
  const { id } = await named(continued, "total");
  rerun = idOf(await project.run("rerun", id, "--current", "--plain"));
});

afterAll(() => project[Symbol.dispose]());

describe("a re-run", () => {
  it("tells while it executes what it takes over, and in sum at its end", () => {
    expect(continuing.stderr).toMatch(/\nload#\w{8}: CLONED from \w{8}/);
    expect(continuing.stderr).toMatch(/\nsplit#\w{8}: CLONED from \w{8}/);
    expect(continuing.stderr).toMatch(/✔ main complete in .*\n2 taken over with all below, 2 executed\n/);
  });

  it("is marked by ls", async () => {
    const { stdout } = await project.run("ls");
    expect(stdout).toMatch(new RegExp(`\\n${continued} +✔ complete +main \\(continues ${original}\\) `));
    expect(stdout).toMatch(new RegExp(`\\n${rerun} +✔ complete +main \\(re-run of ${continued}\\) `));
    expect(stdout).toMatch(new RegExp(`\\n${original} +✖ failed +main {2,}`));
  });

  it("is shown with what it was run from, with which code, and what it executed", async () => {
    const story = (await project.run("show", continued)).stdout;
    const diff = `reprise diff ${original} ${continued}`;
    expect(story).toContain(`\nre-run of what had not succeeded in ${original}, with the current code; ${diff}\n`);
    expect(story).toContain("\n4 taken over, 2 executed\n");
    expect(story).toMatch(/─ ✔ load {2}CLONED from \w{8} .*\w{8}\n/);
    expect(story).toMatch(/─ ✔ check .*\w{8} {2}code changed\n/);
    expect(story).toMatch(/─ ✔ total .*\w{8}\n/);
    const last = (await project.run("show", rerun)).stdout;
    const total = (await named(continued, "total")).id.slice(-8);
    expect(last).toContain(`\nre-run of ${continued} from total ${total}, with the current code; reprise diff`);
    expect(last).toContain("\n5 taken over, 1 executed\n");
  });

  it("shows of one run from whom it was taken over, or that its code changed", async () => {
    const { id, cache } = await named(continued, "load");
    const origin = (await named(original, "load")).id;
    expect(cache).toMatchObject({ status: "CLONED", originRunId: origin });
    const { stdout } = await project.run("show", id);
    expect(stdout).toMatch(/✔ done {2}main › load .*\ntaken over \d{4}-/);
    expect(stdout).toMatch(
      new RegExp(
        `\nResult {2}CLONED from .*\n {2}taken over from load ${origin.slice(-8)}, .*\n {2}what it wrote: reprise`,
      ),
    );
    const check = (await project.run("show", (await named(continued, "check")).id)).stdout;
    expect(check).toContain(`\ncode changed since ${original}\n`);
    expect((await project.run("show", (await named(continued, "total")).id)).stdout).not.toContain("code changed");
  });

  it("is explained by why: what was taken over, what executed, and on what that rests", async () => {
    const head = `This is a re-run of what had not succeeded in ${original}, with the current code.`;
    const [check, total] = [await named(continued, "check"), await named(continued, "total")];
    const label = ({ name, id }: ShownRun) => `${name} ${id.slice(-8)}`;
    expect((await words(continued, "load")).slice(0, 2)).toEqual([
      head,
      "It was taken over: nothing that it depends on changes.",
    ]);
    expect((await words(continued, "check"))[1]).toBe("It had to execute: it has not succeeded.");
    expect((await words(continued, "total"))[1]).toBe(
      `It had to execute: it needs ${label(check)}, which executes again.`,
    );
    expect((await words(continued, "main"))[1]).toMatch(/^What its body had given was taken over, and it waited for/);
    expect((await words(rerun, "total")).slice(0, 2)).toEqual([
      `This is a re-run of ${continued} from ${label(total)}, with the current code.`,
      "It had to execute: the re-run begins here.",
    ]);
    const cloned = (await project.json("why", (await named(rerun, "load")).id)) as WhyReport;
    expect(cloned).toMatchObject({
      status: "CLONED",
      origin: { runId: (await named(original, "load")).id, exists: true },
    });
  });

  it("is compared with its original: what was taken over is equal, what was failed or changed is told", async () => {
    const first = (await project.json("diff", original, continued)) as DiffReport;
    expect(first.runs.map(({ path, reasons: [reason] }) => [path.at(-1), reason?.type])).toEqual([
      ["main", "nested"],
      ["check", "code"],
      ["total", "upstream"],
    ]);
    expect(first).toMatchObject({ first: 1, equal: 4 });
    const second = (await project.json("diff", continued, rerun)) as DiffReport;
    expect(second).toMatchObject({ equal: 5, runs: [{ reasons: [{ type: "nested" }] }, { path: ["main", "total"] }] });
  });

  it("says when what it was run from is gone", async () => {
    const { createdAt } = ((await project.json("show", continued)) as { run: { createdAt: number } }).run;
    {
      await using home = await openHome({ path: project.home });
      await home.backend.prune({ endedBefore: createdAt, unusedBefore: 0, dryRun: false });
    }
    const { id } = await named(continued, "load");
    expect((await project.run("show", id)).stdout).toMatch(
      /taken over from run \w{8} \(deleted since, and its logs with it\)/,
    );
    expect(await words(continued, "load")).toContain(
      `Of ${original} nothing is recorded any more that says why this run was executed or not.`,
    );
    expect((await project.run("show", continued)).stdout).toContain(
      `\nre-run of what had not succeeded in ${original}`,
    );
  });
});
