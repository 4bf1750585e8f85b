import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { func, type Future, LocalRunner } from "@reprise/runner";
import { type Home, openHomeForReading } from "@reprise/store";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DiffedRun, type DiffReport, diffRuns } from "./diff-runs.ts";

/** What bodies do besides what their inputs say: it stands for changed code of functions that they use. */
let world: { load: number; fail: string; calls: number };

const load = func("load", (path: string) => ({ rows: [1, 2, world.load], path }));
const train = func("train", (rows: readonly number[], lr: number) => {
  if (world.fail === "train") throw new RangeError("diverged");
  return { model: rows.map((row) => row * lr), lr };
});
const add = func("add", (a: number, b: number) => a + b);
const one = func("one", (n: number) => n + 1);
const outer = func("outer", (n: number) => ({ left: one(n), right: one(n * 10 + world.load) }));
const sums = func("sums", (numbers: readonly number[]) => numbers.reduce((all, n) => all + n, 0));

const main = func("main", ({ lr = 1, names = ["a"] }: { lr?: number; names?: readonly string[] }) => {
  const models = names.map((name) => train(load(name).rows, lr).model);
  return { models, fixed: add(1, 2) };
});
const group = func("group", (numbers: readonly number[]) => sums(one.map(numbers)));
const nested = func("nested", () => ({ a: outer(1), b: one(7) }));
const waiting = func("waiting", async () => {
  const { rows } = await load("x").$value();
  return rows[2] === 3 ? add(1, 1) : [add(2, rows[2] ?? 0), one(5)];
});
const calls = func("calls", () => Array.from({ length: world.calls }, (_, at) => one(at)));
const elsewhere = func("elsewhere", (n: number) => one(n));
const named = func("named", () => [1, 2].map((n) => one(n + world.load).$set({ name: `number ${n * world.calls}` })));
const kept = func({
  id: "kept",
  cache: { version: "v1", key: (n: number) => n },
  run: (n: number) => [one(n), world.load],
});
const reusing = func("reusing", (n: number) => kept(n));
const flaky = func({
  id: "flaky",
  retry: { retries: 1 },
  run: async () => {
    const found = await one(world.calls).$value();
    if (world.fail === "flaky") {
      world.fail = "";
      throw new Error("once");
    }
    return found;
  },
});
const after = func("after", () => {
  const first = train([1], 1);
  return [one(4), add(first.lr, 1)];
});

const path = mkdtempSync(join(tmpdir(), "reprise-diff-"));
let home: Home;

async function execute(root: Future<unknown>): Promise<string> {
  await using runner = new LocalRunner({ home: path, forwardOutput: false, handleSignals: false });
  const handle = await runner.submit(root);
  await handle.result().catch(() => undefined);
  return handle.id;
}

async function compare(before: string, later: string, all = true): Promise<DiffReport> {
  return diffRuns(home, [before, later], { all });
}

/** Why runs differ, by their path. */
function reasons({ runs }: DiffReport): Record<string, readonly string[]> {
  return Object.fromEntries(
    runs.map((run) => [run.path.join("/"), run.reasons.map(({ type }) => (type === "only" ? onlyWord(run) : type))]),
  );
}

function onlyWord({ a }: DiffedRun): string {
  return a === null ? "only in B" : "only in A";
}

function first({ runs, first: at }: DiffReport): DiffedRun | undefined {
  return at === null ? undefined : runs[at];
}

function texts(run: DiffedRun | undefined): string[] {
  return [...(run?.reasons.flatMap(({ differences }) => differences) ?? []), ...(run?.output ?? [])].map(
    ({ text }) => text,
  );
}

beforeAll(async () => {
  home = await openHomeForReading({ path });
});

beforeEach(() => {
  world = { load: 3, fail: "", calls: 2 };
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  rmSync(path, { recursive: true, force: true });
});

describe("a diff", () => {
  it("counts equal results, and is empty for a run and itself", async () => {
    const [a, b] = [await execute(main({})), await execute(main({}))];
    expect(await compare(a, b)).toMatchObject({ runs: [], first: null, equal: 4, equalWithOtherCode: {} });
    expect(await compare(a, a)).toMatchObject({ runs: [], first: null, equal: 4 });
  });

  it("names the input that differs, and what comes of it", async () => {
    const [a, b] = [await execute(main({ lr: 1 })), await execute(main({ lr: 2 }))];
    const report = await compare(a, b);
    expect(reasons(report)).toEqual({ main: ["input"], "main/train": ["input"] });
    expect(first(report)).toMatchObject({ path: ["main"], isCause: true });
    expect(texts(first(report))).toContain("input lr: 1 → 2");
    expect(report.runs[1]).toMatchObject({ isCause: false, output: [{ text: "output lr: 1 → 2" }, {}, {}, {}] });
    expect(report.equal).toBe(2);
  });

  it("blames the first run that nothing else explains, and names it where its result went", async () => {
    const a = await execute(main({}));
    world.load = 4;
    const b = await execute(main({}));
    const report = await compare(a, b);
    expect(reasons(report)).toEqual({
      main: ["nested"],
      "main/load": ["nondeterministic"],
      "main/train": ["upstream"],
    });
    const found = first(report);
    expect(found?.path).toEqual(["main", "load"]);
    expect(found?.reasons[0]?.text).toContain("code that it uses changed, or it is not deterministic");
    expect(texts(found)).toEqual(["output rows[2]: 3 → 4"]);
    const [upstream] = report.runs[2]?.reasons ?? [];
    expect(upstream).toMatchObject({
      text: `input rows comes from load ${found?.b?.id.slice(-8)}.rows, which gave another value`,
      runs: [{ a: found?.a?.id, b: found?.b?.id, name: "load" }],
    });
    expect(upstream?.differences.map(({ text }) => text)).toEqual(["input rows[2]: 3 → 4"]);
    expect(report.runs[0]?.reasons[0]?.text).toMatch(/^load \w+, which it called, differs, and 1 more$/);
  });

  it("follows what is nested to the run in which it begins", async () => {
    const a = await execute(nested());
    world.load = 5;
    const report = await compare(a, await execute(nested()));
    expect(reasons(report)).toEqual({
      nested: ["nested"],
      "nested/outer": ["nested"],
      "nested/outer/one": ["input"],
    });
    expect(first(report)?.path).toEqual(["nested", "outer", "one"]);
    expect(first(report)?.reasons[0]?.text).toMatch(/outer \w+, which called it, has equal inputs/);
    expect(report.equal).toBe(2);
  });

  it("tells how a run ended, and what became of those that needed it", async () => {
    const a = await execute(after());
    world.fail = "train";
    const report = await compare(a, await execute(after()));
    const found = first(report);
    expect(found).toMatchObject({
      path: ["after", "train"],
      reasons: [{ type: "outcome" }],
      a: { state: "RESOLVED", failure: null },
      b: { state: "FAILED", output: null, failure: "RangeError: diverged" },
    });
    expect(reasons(report)).toMatchObject({ after: ["nested"], "after/add": ["upstream"] });
    expect(report.runs.find(({ path: [, name] }) => name === "add")).toMatchObject({
      isCause: false,
      reasons: [{ text: expect.stringMatching(/^input a comes from train \w+\.lr, which ended otherwise$/) }],
    });
  });

  it("tells of calls that were made on one side only, whom the caller had waited for, and what is below them", async () => {
    const a = await execute(waiting());
    world.load = 8;
    const report = await compare(a, await execute(waiting()));
    expect(reasons(report)).toEqual({
      waiting: ["nested"],
      "waiting/load": ["nondeterministic"],
      "waiting/add": ["input", "input"],
      "waiting/one": ["only in B"],
    });
    const told = report.runs.map(({ reasons: [reason], isCause }) => [reason?.text, isCause]);
    expect(told[2]).toEqual([expect.stringMatching(/^input a differs: its caller had waited for load \w+/), false]);
    expect(told[3]).toEqual([expect.stringMatching(/^only in B: its caller had waited for load \w+/), false]);
    expect(reasons(await compare(report.b.id, report.a.id))).toMatchObject({ "waiting/one": ["only in A"] });
    world.calls = 1;
    const [less, more] = [await execute(calls()), ((world.calls = 3), await execute(calls()))];
    expect((await compare(less, more)).runs).toMatchObject([
      { path: ["calls"], reasons: [{ type: "nested" }] },
      {
        path: ["calls", "one"],
        a: null,
        isCause: true,
        reasons: [{ text: expect.stringContaining("has equal inputs") }],
      },
      { path: ["calls", "one"], a: null },
    ]);
  });

  it("matches calls by what they got and from where, not by their number", async () => {
    const a = await execute(main({ names: ["b", "c"] }));
    world.load = 9;
    const report = await compare(a, await execute(main({ names: ["a", "b", "c"] })));
    const pairs = report.runs.filter(({ funcId }) => funcId === "load");
    expect(pairs.map((run) => [run.a === null, texts(run)])).toEqual([
      [true, []],
      [false, ["output rows[2]: 3 → 9"]],
      [false, ["output rows[2]: 3 → 9"]],
    ]);
    const trained = report.runs.filter(({ funcId }) => funcId === "train");
    expect(trained.map((run) => run.reasons.map(({ type }) => type))).toEqual([["only"], ["upstream"], ["upstream"]]);
    const [x, y] = [await execute(named()), ((world.load = 5), (world.calls = 1), await execute(named()))];
    // The names change places: "number 2" got 11 and gets 7.
    const second = (await compare(x, y)).runs.find(({ path: [, name] }) => name === "number 2");
    expect(texts(second)).toEqual(["input n: 10 → 7", "output: 11 → 8"]);
  });

  it("numbers the elements of a group", async () => {
    const [a, b] = [await execute(group([1, 2, 3])), await execute(group([1, 5, 3, 4]))];
    const report = await compare(a, b);
    expect(reasons(report)).toMatchObject({ "group/one[1]": ["input"], "group/one[3]": ["only in B"] });
    expect(first(report)?.path).toEqual(["group"]);
    expect(report.runs.find(({ path: [, name] }) => name === "sums")?.reasons[0]?.text).toMatch(
      /^input numbers comes from one\.map \w+, which gave another value$/,
    );
  });

  it("compares runs within one pipeline run, and runs of several funcs", async () => {
    const id = await execute(main({ names: ["a", "b"] }));
    const runs = await home.backend.listRuns(id);
    const trained = runs.filter(({ func: { id: func } }) => func === "train").map((run) => run.id);
    expect((await compare(trained[0] ?? "", trained[1] ?? "")).runs).toEqual([]);
    const loaded = runs.filter(({ func: { id: func } }) => func === "load").map((run) => run.id);
    expect(texts(first(await compare(loaded[0] ?? "", loaded[1] ?? "")))).toEqual([
      'input path: "a" → "b"',
      'output path: "a" → "b"',
    ]);
    const other = await compare(await execute(elsewhere(1)), await execute(calls()));
    expect(first(other)?.reasons).toMatchObject([{ type: "func" }, { type: "input" }]);
  });

  it("does not look below what was reused", async () => {
    const [a, b] = [await execute(reusing(1)), await execute(reusing(1))];
    expect((await home.backend.listRuns(a)).length).toBe((await home.backend.listRuns(b)).length + 1);
    expect(await compare(a, b)).toMatchObject({ runs: [], equal: 2 });
    expect(reasons(await compare(await execute(reusing(2)), b))).toEqual({
      reusing: ["input"],
      "reusing/kept": ["input"],
    });
  });

  it("compares the last attempts", async () => {
    const a = await execute(flaky());
    world.fail = "flaky";
    const b = await execute(flaky());
    expect((await home.backend.listRuns(b)).length).toBe(3);
    expect(await compare(a, b)).toMatchObject({ runs: [], equal: 2 });
    expect(await compare(b, a)).toMatchObject({ runs: [], equal: 2 });
  });

  it("names runs outside of what is compared from which other inputs came", async () => {
    const a = await execute(main({}));
    world.load = 4;
    const b = await execute(main({}));
    const [x, y] = await Promise.all(
      [a, b].map(async (id) => (await home.backend.listRuns(id)).find(({ name }) => name === "train")?.id ?? ""),
    );
    const report = await compare(x ?? "", y ?? "");
    expect(first(report)?.reasons).toMatchObject([{ type: "upstream", runs: [{ name: "load" }] }]);
  });

  it("reads the values of a few runs that differ in the same way, unless all are asked for", async () => {
    const numbers = [1, 2, 3, 4, 5, 6];
    const [a, b] = [await execute(group(numbers)), await execute(group(numbers.map((n) => n * 10)))];
    const elements = ({ runs }: DiffReport) => runs.filter(({ path: [, name] }) => name?.endsWith("]"));
    const some = elements(await compare(a, b, false));
    expect(some.map(({ detailed, output }) => (detailed ? output.length : "no")).join(" ")).toBe("1 1 1 no no no");
    expect(some.every(({ reasons: [reason] }) => reason?.input !== undefined)).toBe(true);
    expect(elements(await compare(a, b)).every(({ detailed }) => detailed)).toBe(true);
  });
});
