import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "@reprise/core";
import { func, type Future, LocalRunner } from "@reprise/runner";
import { type Home, openHomeForReading } from "@reprise/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { painter } from "../terminal/paint.ts";
import { type LineageOptions, type LineageReport, readLineage } from "./lineage.ts";
import { lineageLines } from "./lineage-lines.ts";
import type { LineageNode } from "./trace.ts";

const load = func("load", (name: string) => ({ rows: [1, 2, name.length], name }));
const train = func({
  id: "train",
  cache: { version: "v1" },
  run: (rows: readonly number[], lr: number) => ({ model: rows.map((row) => row * lr), lr }),
});
const score = func("score", (parts: { model: readonly number[]; bias: number }) => parts.model.length + parts.bias);
const double = func("double", (n: number) => n * 2);
const sum = func("sum", (numbers: readonly number[]) => numbers.reduce((all, n) => all + n, 0));
const careful = func("careful", async (n: number) => (await double(n).$value()) + 1);
const main = func("main", ({ name }: { name: string }) => {
  const { model, lr } = train(load(name).rows, 0.5);
  return { score: score({ model, bias: lr }), sum: sum(double.map([10, 20])), careful: careful(30) };
});
const passing = func("passing", (n: number) => double(n));
const chained = func("chained", (n: number) => sum([passing(n)]));
const chain = func("chain", (n: number) => {
  let at = double(n);
  for (let step = 0; step < 20; step++) at = double(at);
  return at;
});
const failing = func("failing", (n: number): number => {
  throw new RangeError(`no ${n}`);
});
const broken = func("broken", () => failing(double(4)));

const path = mkdtempSync(join(tmpdir(), "reprise-lineage-"));
const limits = { up: true, down: true, depth: 10, steps: 200, width: 50 };
let home: Home;
let runs: ReadonlyMap<string, readonly Run[]>;
let rootId: string;

async function execute(root: Future<unknown>, rerunFrom?: string): Promise<string> {
  await using runner = new LocalRunner({ home: path, forwardOutput: false, handleSignals: false, rerunFrom });
  const handle = await runner.submit(root);
  await handle.result().catch(() => undefined);
  return handle.id;
}

async function runsOf(id: string): Promise<ReadonlyMap<string, readonly Run[]>> {
  return Map.groupBy(await home.backend.listRuns(id), ({ name }) => name);
}

function run(name: string, of = runs): Run {
  const [first] = of.get(name) ?? [];
  if (first === undefined) throw new Error(`no run is named ${name}`);
  return first;
}

function ofRun(name: string, options: Partial<LineageOptions> = {}): Promise<LineageReport> {
  return readLineage(home, { runId: run(name).id }, { ...limits, ...options });
}

function ofArtifact(artifactId: string | null | undefined): Promise<LineageReport> {
  return readLineage(home, { artifactId: artifactId ?? "" }, limits);
}

/** The artifact of an argument. */
async function argument(name: string, { id } = run("train")): Promise<string | undefined> {
  const edges = await home.backend.edgesOf(id);
  return edges.find((edge) => edge.name === name && edge.artifactId !== null)?.artifactId ?? undefined;
}

/** A tree as nested lists of texts. */
type Told = readonly [string, ...Told[]] | string;

function told({ link, run: of, children, isRepeated, left }: LineageNode): Told {
  const { type, ...about } = link;
  const words = Object.values(about).filter((value) => value !== "" && value !== false);
  const text = [type, ...words, of?.name, isRepeated ? "(above)" : "", left > 0 ? `+${left}` : ""];
  const line = text.filter((part) => part !== undefined && part !== "").join(" ");
  return children.length === 0 ? line : [line, ...children.map(told)];
}

beforeAll(async () => {
  home = await openHomeForReading({ path });
  rootId = await execute(main({ name: "abc" }));
  runs = await runsOf(rootId);
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  rmSync(path, { recursive: true, force: true });
});

describe("lineage upstream", () => {
  it("leads through results, arguments and their parts to the input of the root, and tells everything once", async () => {
    const { up, artifact } = await ofRun("main", { down: false });
    expect(artifact).toMatchObject({ id: run("main").output, typeName: "object" });
    const caller = "caller main (above)";
    expect(up?.map(told)).toEqual([
      [
        "made main",
        [
          "result .score score",
          [
            "composite parts",
            ["place .model .model train", ["argument rows .rows load", "value name", caller], "value lr", caller],
            "place .bias .lr train (above)",
          ],
          caller,
        ],
        [
          "result .sum sum",
          [
            "argument numbers double.map",
            caller,
            ["element 0 double", "value n", "caller double.map (above)"],
            ["element 1 double", "value n", "caller double.map (above)"],
          ],
        ],
        ["result .careful careful", "value n", ["waited double", "value n", "caller careful (above)"], caller],
        "value input true",
      ],
    ]);
  });

  it("goes on from the body that gave a value", async () => {
    const { up, down } = await ofRun("load", { down: false });
    expect(up?.map(told)).toEqual([["made load", "value name", ["caller main", "value input true"]]]);
    expect(down).toBe(null);
  });

  it("leads from a reused result to the run that computed it", async () => {
    const again = await runsOf(await execute(main({ name: "abc" })));
    const reused = run("train", again);
    const { up } = await readLineage(home, { runId: reused.id }, limits);
    expect(up).toMatchObject([{ run: { id: reused.id, status: "HIT" }, computedBy: { id: run("train").id, rootId } }]);
    expect(up?.[0]?.children[0]).toMatchObject({ run: { id: run("load").id } });
  });

  it("leads from what a re-run took over to the run that computed it, and goes on there", async () => {
    const firstId = await execute(chained(5));
    const first = await runsOf(firstId);
    const again = await runsOf(await execute(chained(5), run("sum", first).id));
    const { up } = await readLineage(home, { runId: run("chained", again).id }, limits);
    expect(up?.[0]?.children[0]).toMatchObject({ run: { name: "sum", status: "DISABLED" }, computedBy: null });
    expect(up?.[0]?.children[0]?.children[0]?.children[0]).toMatchObject({
      run: { id: run("passing", again).id, status: "CLONED" },
      computedBy: { id: run("passing", first).id, rootId: firstId },
      children: [{ run: { id: run("double", first).id } }, {}, { link: { type: "caller" }, run: { id: firstId } }],
    });
  });

  it("finds who computed an artifact, once, of what part of a result it is, and who gave it", async () => {
    const own = await runsOf(await execute(main({ name: "of a length of its own" })));
    const { id: trained, output } = run("train", own);
    expect((await ofArtifact(output)).up).toMatchObject([{ link: { type: "made" }, run: { id: trained } }]);
    expect((await ofArtifact(await argument("rows", run("train", own)))).up).toMatchObject([
      { link: { type: "part", sourcePath: ".rows" }, run: { id: run("load", own).id } },
    ]);
    expect((await ofArtifact(await argument("input", run("main", own)))).up).toMatchObject([
      { link: { type: "value", name: "input", isInput: true }, run: { id: run("main", own).id } },
    ]);
    // The same number in every pipeline run of this file.
    expect((await ofArtifact(await argument("lr"))).up?.slice(0, 2).map(told)).toEqual([
      "value lr train",
      ["caller main", "value input true"],
    ]);
    const id = await execute(passing(21));
    const doubled = run("double", await runsOf(id));
    const { up } = await ofArtifact(doubled.output);
    expect(up).toMatchObject([{ run: { id: doubled.id, name: "double" } }]);
    expect(up).toHaveLength(1);
  });

  it("tells of a run without a result what it got", async () => {
    const failed = await runsOf(await execute(broken()));
    const report = await readLineage(home, { runId: run("failing", failed).id }, limits);
    expect(report).toMatchObject({ artifact: null, down: [] });
    expect(report.up?.map(told)).toMatchObject([["made failing", ["argument n double", "value n", "caller broken"]]]);
  });
});

describe("lineage downstream", () => {
  it("leads through uses and results to the root", async () => {
    const { up, down } = await ofRun("load", { up: false });
    expect(up).toBe(null);
    expect(down?.slice(0, 1).map(told)).toEqual([
      [
        "use rows .rows train",
        ["use parts .model .model score", "result .score main"],
        ["use parts .bias .lr score (above)"].join(""),
      ],
    ]);
  });

  it("leads from elements to their group, and to a body that waited", async () => {
    const [waited] = await Promise.all(
      (runs.get("double") ?? [])
        .filter(({ awaited }) => awaited)
        .map(({ id }) => readLineage(home, { runId: id }, limits)),
    );
    expect(waited?.down?.map(told)).toEqual([["waited careful", "result .careful main"]]);
    const element = (runs.get("double") ?? []).find(({ awaited }) => !awaited);
    const { down } = await readLineage(home, { runId: element?.id ?? "" }, limits);
    expect(down?.map(told)).toEqual([["element 0 double.map", ["use numbers sum", "result .sum main"]]]);
  });

  it("tells who else has the result of a run, and of an artifact everything that got it", async () => {
    await execute(main({ name: "abc" }));
    const { down } = await ofRun("train", { up: false });
    const reused = down?.filter(({ link: { type } }) => type === "reused") ?? [];
    expect(reused.length).toBeGreaterThan(0);
    for (const { run: other, computedBy } of reused) {
      expect(other).toMatchObject({ status: "HIT", name: "train" });
      expect(computedBy?.id).toBe(run("train").id);
    }
    const users = (await ofArtifact(await argument("rows"))).down ?? [];
    expect(users.map(({ link: { type }, run: user }) => `${type} ${user?.name}`)).toEqual(users.map(() => "use train"));
    expect(users.length).toBe(reused.length + 1);
  });
});

describe("lineage", () => {
  it("ends at the depth and at the number of steps that were given, and says how much it leaves out", async () => {
    const of = { runId: await execute(chain(1)) };
    const depthOf = (nodes: readonly LineageNode[] | null): number =>
      Math.max(0, ...(nodes ?? []).map(({ children }) => 1 + depthOf(children)));
    const short = await readLineage(home, of, { ...limits, depth: 4 });
    expect(depthOf(short.up)).toBe(4);
    expect(JSON.stringify(short.up)).toContain('"left":1');
    expect(depthOf((await readLineage(home, of, { ...limits, depth: 100 })).up)).toBeGreaterThan(20);
    expect(depthOf((await readLineage(home, of, { ...limits, depth: 100, steps: 8 })).up)).toBeLessThan(10);
    const narrow = await ofRun("main", { width: 2 });
    expect(narrow.up?.[0]).toMatchObject({ left: 2, children: [{}, {}] });
  });

  it("is shown as a tree, with values and states", async () => {
    const output = {
      paint: painter(false),
      colored: false,
      width: 120,
      lines: () => undefined,
      json: () => undefined,
    };
    const lines = await lineageLines(home, await ofRun("main"), output);
    const id = (name: string) => run(name).id.slice(-8);
    expect(lines[0]).toMatch(/^artifact [0-9a-f]{12} {2}object, \d+ B$/);
    expect(lines).toContain("Made of");
    expect(lines).toContain(`  ├─ result.score: score ${id("score")}  3.5`);
    expect(lines).toContain(`  │  │  ├─ .model: .model of train ${id("train")}`);
    expect(lines).toContain(`  │  │  │  ├─ rows: .rows of load ${id("load")}  [ 1, 2, 3 ]`);
    expect(lines).toContain(`  │  │  └─ .bias: .lr of train ${id("train")}  (above)`);
    expect(lines).toContain("  └─ input (input): { name: 'abc' }");
    expect(lines.slice(-3)).toEqual(["", "Used by", "  Nothing got it."]);
    const down = await lineageLines(home, await ofRun("score", { up: false }), output);
    expect(down.at(-1)).toMatch(new RegExp(`^ {2}as \\.score of the result of main ${id("main")} → \\{ careful: 61, `));
  });
});
