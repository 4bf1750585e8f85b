import { openHome } from "@reprise/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Finished, jsonLines, Project } from "../testing/project.ts";

const pipeline = `
import { func } from "reprise";

export const load = func({ id: "load", cache: { version: "1" }, run: async (n: number) => {
  console.log("loading " + n);
  await new Promise((resolve) => setTimeout(resolve, 30));
  return n;
} });
const item = func({ id: "item", cache: { version: "1" }, run: (n: number) => n });
export const main = func("main", () => ({ one: load(1), items: item.map(Array.from({ length: 12 }, (_, n) => n)) }));
export const plain = func("plain", () => 1);
`;

interface ShownRun {
  readonly id: string;
  readonly name: string;
  readonly funcId: string;
  readonly cache: { readonly status: string; readonly originRunId: string | null; readonly saved: number | null };
}

/** `reprise run`, with what its last line of JSON or its advice says of the pipeline run. */
const idOf = ({ stderr }: Finished) => /reprise show ([0-9a-f]{8})/.exec(stderr)?.[1] ?? "";

let project: Project;
let first: Finished;
let second: Finished;

async function loadOf(pipelineRun: string): Promise<ShownRun> {
  const { runs } = (await project.json("show", pipelineRun)) as { runs: readonly ShownRun[] };
  return runs.find(({ funcId }) => funcId === "load") as ShownRun;
}

beforeAll(async () => {
  project = new Project({ "pipeline.ts": pipeline });
  await project.run("run", "pipeline.ts:plain");
  first = await project.run("run", "pipeline.ts:main", "--plain");
  second = await project.run("run", "pipeline.ts:main", "--plain");
});

afterAll(() => project[Symbol.dispose]());

describe("reused results", () => {
  it("are told while the pipeline runs, and in sum at its end", () => {
    expect(first.stderr).toMatch(/load#\w+: started \(MISS\)/);
    expect(first.stderr).not.toContain("reused");
    expect(second.stderr).toMatch(/load#\w+: HIT from [0-9a-f]{8} \(saved [\d.]+ m?s\)\n/);
    expect(second.stderr).not.toMatch(/load#\w+: (?:started|done)/);
    expect(second.stderr).toMatch(/✔ main complete in .*\n13 results reused, [\d.]+ m?s saved\n/);
  });

  it("are told in the JSON of a run, with the events", async () => {
    const lines = jsonLines((await project.run("run", "pipeline.ts:main", "--json")).stdout);
    const { hits, saved } = lines.at(-1) ?? {};
    expect(hits).toBe(13);
    expect(saved).toBeGreaterThanOrEqual(20);
    const ends = lines.filter(({ type, state, funcId }) => type === "run" && state === "RESOLVED" && funcId === "load");
    expect(ends).toMatchObject([{ cache: { status: "HIT", originRunId: (await loadOf(idOf(first))).id } }]);
  });

  it("are counted by ls", async () => {
    const { stdout } = await project.run("ls", "--func=main");
    const [titles, ...rows] = stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^id +state +pipeline +started +duration +runs +cache$/);
    expect(rows.find((row) => row.startsWith(idOf(second)))).toMatch(/ 13 HIT \(saved [\d.]+ m?s\)$/);
    expect(rows.find((row) => row.startsWith(idOf(first)))).not.toContain("HIT");
    expect((await project.run("ls", "--func=plain")).stdout).not.toContain("cache");
    const { pipelineRuns } = (await project.json("ls")) as { pipelineRuns: { hits: number; saved: number }[] };
    expect(pipelineRuns.slice(-2)).toMatchObject([
      { hits: 0, saved: 0 },
      { hits: 0, saved: 0 },
    ]);
    expect(pipelineRuns.at(-3)?.saved).toBeGreaterThanOrEqual(20);
  });

  it("are marked in the tree of show", async () => {
    const computed = await loadOf(idOf(first));
    const tree = (await project.run("show", idOf(second))).stdout;
    expect(tree).toMatch(/\n13 results reused, /);
    expect(tree).toMatch(new RegExp(`✔ load {2}HIT from ${computed.id.slice(-8)} \\(saved [\\d.]+ m?s\\)`));
    expect(tree).toMatch(/item ×12: 12 done .* 12 HIT/);
    expect((await project.run("show", idOf(first))).stdout).toMatch(/✔ load .*s {2}MISS/);
    expect(computed.cache).toMatchObject({ status: "MISS", originRunId: null, saved: null });
  });

  it("say whose they are and where the logs of that run are, and later that it was deleted", async () => {
    const [computed, reused] = [await loadOf(idOf(first)), await loadOf(idOf(second))];
    const origin = computed.id.slice(-8);
    const before = (await project.run("show", reused.id)).stdout;
    expect(before).toMatch(new RegExp(`Cache {2}HIT from ${origin} .*\n {2}result of load ${origin}, \\d`));
    expect(before).toContain(`reprise logs ${origin}`);
    expect(before).toMatch(/\nreused \d/);
    expect((await project.run("logs", origin)).stdout).toContain("loading 1");
    expect((await project.run("logs", reused.id)).stderr).toContain(`reprise logs ${origin}`);
    expect(await project.json("show", reused.id)).toMatchObject({ originRunExists: true });
    expect(await project.json("show", computed.id)).toMatchObject({ originRunExists: null });

    const limit = (await project.json("show", idOf(second))) as { run: { createdAt: number } };
    {
      await using home = await openHome({ path: project.home });
      await home.backend.prune({ endedBefore: limit.run.createdAt, unusedBefore: 0, dryRun: false });
    }
    const after = await project.run("show", reused.id);
    expect(after.code).toBe(0);
    expect(after.stdout).toContain(`result of run ${origin} (origin deleted, and its logs with it)`);
    expect(await project.json("show", reused.id)).toMatchObject({
      originRunExists: false,
      output: { typeName: "number" },
    });
  });
});
