import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LineageReport } from "../lineage/lineage.ts";
import { Project } from "../testing/project.ts";

const pipeline = `
import { func } from "reprise";
const load = func("load", (n: number) => ({ rows: Array.from({ length: n }, (_, at) => at), n }));
const each = func("each", (n: number) => n * 2);
const sum = func("sum", (all: number[]) => all.reduce((a, b) => a + b, 0));
export const pipeline = func("main", ({ rows = 20 }: { rows?: number }) => ({ total: sum(each.map(load(rows).rows)) }));
`;

let project: Project;
/** Short ids by name; of the elements of the map, the first. */
let ids: ReadonlyMap<string, string>;

async function lineage(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await project.run("lineage", ...args);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  return stdout;
}

beforeAll(async () => {
  project = new Project({ "pipeline.ts": pipeline });
  await project.run("run", "pipeline.ts", "-q");
  const { runs } = (await project.json("show", "latest")) as { runs: { id: string; name: string }[] };
  ids = new Map(runs.toReversed().map(({ id, name }) => [name, id.slice(-8)]));
});

afterAll(() => project[Symbol.dispose]());

describe("reprise lineage", () => {
  it("shows what a result was made of, a few of many runs, and what is left out", async () => {
    const text = await lineage("latest");
    expect(text).toMatch(/^artifact [0-9a-f]{12} {2}object, \d+ B\n {2}\{ total: 380 \}\n\nMade of\n {2}main \w{8}\n/);
    expect(text).toContain(
      `  ├─ result.total: sum ${ids.get("sum")}  380\n  │  └─ all: each.map ${ids.get("each.map")}  [ 0, 2,`,
    );
    expect(text).toContain(`[0] each ${ids.get("each")}  0\n`);
    expect(text).toMatch(/\n {2}│ {5}├─ items: \.rows of load \w{8} {2}\[ 0, 1, /);
    expect(text).toMatch(/\n {2}│ {5}└─ … 16 more\n/);
    expect(text).toContain("  └─ input (input): {}\n\nUsed by\n  Nothing got it.\n");
  });

  it("shows one direction, as far as it is asked to, of a run or of an artifact", async () => {
    const down = await lineage(ids.get("load") ?? "", "--down");
    expect(down).not.toContain("Made of");
    expect(down).toMatch(/\n {2}\.rows as \w+ of each\.map \w{8} {2}in \w{8} → \[ 0, 2, /);
    expect(down).toMatch(/as all of sum \w{8} → 380\n.*as \.total of the result of main \w{8} → \{ total: 380 \}\n/);
    const near = await lineage(ids.get("load") ?? "", "--down", "--depth=1");
    expect(near).not.toContain("sum");
    expect(near).toContain(`… 1 more; reprise lineage ${ids.get("each.map")}, or --depth\n`);
    const { artifact, up } = (await project.json("lineage", ids.get("sum") ?? "", "--up")) as LineageReport;
    expect(up?.[0]?.children[0]?.children.length).toBeGreaterThanOrEqual(20);
    const same = (await project.json("lineage", artifact?.id ?? "")) as LineageReport;
    expect(same).toMatchObject({
      runId: null,
      artifact,
      up: [{ run: { name: "sum" } }],
      down: [{ run: { name: "main" } }],
    });
  });

  it("refuses what is nothing, and a depth that is none", async () => {
    expect((await project.run("lineage", "0".repeat(64))).code).toBe(4);
    expect((await project.run("lineage", "latest", "--depth=0")).code).toBe(2);
    expect((await project.run("lineage")).code).toBe(2);
  });
});
