import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CacheStatus } from "@reprise/core";
import { definedFuncs, definitionOf, func, type Future, LocalRunner, type RunnerEvent } from "@reprise/runner";
import { type Home, openHome, openHomeForReading } from "@reprise/store";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makePlan } from "./make-plan.ts";
import type { Plan, PlanNode } from "./plan.ts";

const bodies: string[] = [];
const cache = { version: "v1" };

const load = func({
  id: "load",
  cache,
  run: (part: string) => {
    bodies.push("load");
    return { rows: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], part };
  },
});
const square = func({
  id: "square",
  cache,
  run: (n: number) => {
    bodies.push("square");
    return n * n;
  },
});
const sum = func({
  id: "sum",
  cache,
  run: (numbers: number[]) => {
    bodies.push("sum");
    return numbers.reduce((all, n) => all + n, 0);
  },
});
const add = func({ id: "add", cache, run: (a: number, b: number) => a + b });
const plain = func("plain", (n: number) => n + 1);

/** Constants, futures, parts of futures, a group, and a func that is not cached. */
const pipeline = func("pipeline", ({ part = "a" }: { part?: string }) => {
  const { rows } = load(part);
  const squares = square.map(rows);
  const total = sum(squares);
  const next = plain(total);
  return { total, next, late: add(next, 1), fixed: add(1, 2) };
});

const inner = func({ id: "inner", cache, run: (n: number) => add(n, 10) });
const outer = func({ id: "outer", cache, run: (n: number) => ({ inner: inner(n), other: square(n) }) });
const slow = func({ id: "slow", cache, run: () => sleep(10, 5) });
const awaiting = func("awaiting", async () => add(await slow().$value(), 1));
let tickets = 0;
const ticket = func({ id: "ticket", cache, run: () => ++tickets });
const onTicket = func("on ticket", () => outer(ticket()));
const onlyTicket = func("only ticket", () => ticket());
const twins = func("twins", () => [square(7), square(7), square(8).$set({ cache: false }), square(9)]);
const unkept = func("unkept", () => square.map([1, 2], { each: { cache: false } }));
const expiring = func({ id: "expiring", cache: { version: "v1", maxAge: 1 }, run: () => 1 });
const checked = func({
  id: "checked",
  cache,
  input: z.object({ size: z.number().default(3) }),
  run: ({ size }) => add(size, 1),
});

/** A home of its own, and what tests do with it. */
class World implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "reprise-plan-"));

  /** Executes a root; gives what the cache did for each run, in the order of the calls. */
  async run(
    root: Future<unknown>,
    mode: "on" | "refresh" = "on",
  ): Promise<{ readonly name: string; readonly status: CacheStatus }[]> {
    const last = new Map<string, RunnerEvent & { type: "run" }>();
    await using runner = new LocalRunner({
      home: this.path,
      cache: mode,
      forwardOutput: false,
      handleSignals: false,
      onEvent: (event) => {
        if (event.type === "run") last.set(event.id, event);
      },
    });
    const { id } = await runner.submit(root).then(async (handle) => {
      await handle.result();
      return handle;
    });
    return this.read(async ({ backend }) =>
      (await backend.listRuns(id)).map(({ name, cache: { status } }) => ({ name, status })),
    );
  }

  plan(target: unknown, ...args: readonly unknown[]): Promise<Plan> {
    const definition = definitionOf(target);
    if (definition === undefined) throw new Error("That is no func.");
    return this.read((home) => makePlan({ home, definition, args, namespace: null }));
  }

  async read<T>(work: (home: Home) => Promise<T>): Promise<T> {
    await using home = await openHomeForReading({ path: this.path });
    return await work(home);
  }

  async change<T>(work: (home: Home) => Promise<T>): Promise<T> {
    await using home = await openHome({ path: this.path });
    return await work(home);
  }

  clear(filter: { readonly func?: string; readonly key?: string }): Promise<unknown> {
    return this.change((home) => home.cache.clear(filter, { dryRun: false }));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...node.children.flatMap(flat)];
}

/** `hit`, `run` or `unknown` by name; counts for groups. */
function verdicts({ root }: Plan): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, kind, verdict, children } of flat(root)) {
    if (kind !== "map") found[name] = verdict;
    else {
      const counts = Map.groupBy(children, (child) => child.verdict);
      found[name] = [...counts]
        .map(([each, nodes]) => `${nodes.length} ${each}`)
        .sort()
        .join(", ");
    }
  }
  return found;
}

describe("a plan", () => {
  it("knows nothing of what has never run, and makes no store", async () => {
    using world = new World();
    rmSync(world.path, { recursive: true });
    const plan = await world.plan(pipeline, {});
    expect(plan).toMatchObject({ base: null, root: { verdict: "run", children: [] }, total: { run: 1 } });
    expect((await world.plan(outer, 1)).root).toMatchObject({ reasons: ["no earlier result"], key: /./ });
    expect(() => rmSync(world.path, { recursive: true })).toThrow("ENOENT");
  });

  it("foretells hits, what is not cached, and what waits for that; no body executes", async () => {
    using world = new World();
    await world.run(pipeline({}));
    bodies.length = 0;
    const plan = await world.plan(pipeline, {});
    expect(bodies).toEqual([]);
    expect(plan.base).toMatchObject({ sameInput: true, differences: [] });
    expect(verdicts(plan)).toEqual({
      pipeline: "run",
      load: "hit",
      "square.map": "12 hit",
      square: "hit",
      sum: "hit",
      plain: "run",
      add: "hit",
    });
    const late = plan.root.children.find(({ name, verdict }) => name === "add" && verdict === "unknown");
    expect(late).toMatchObject({ reasons: ["until plain has run"], ifSame: "hit" });
    expect(plan.total).toMatchObject({ hit: 15, run: 2, unknown: 1 });
    expect(plan.total.saved).toBeGreaterThanOrEqual(0);
  });

  it("foretells what executes and why, and leaves open what depends on it", async () => {
    using world = new World();
    await world.run(pipeline({}));
    await world.clear({ func: "load" });
    const plan = await world.plan(pipeline, {});
    expect(verdicts(plan)).toMatchObject({ load: "run", "square.map": "12 unknown", sum: "unknown" });
    const byName = new Map(flat(plan.root).map((node) => [node.name, node]));
    expect(byName.get("load")).toMatchObject({ reasons: ["no earlier result"] });
    expect(byName.get("square.map")).toMatchObject({ reasons: ["until load has run"] });
    expect(byName.get("square")).toMatchObject({ ifSame: "hit" });
    expect(byName.get("sum")).toMatchObject({ reasons: ["depends on square.map"] });
  });

  it("counts the elements of a group apart", async () => {
    using world = new World();
    await world.run(pipeline({}));
    const entries = await world.read((home) => home.cache.list({ func: "square" }));
    for (const { key } of entries.slice(0, 2)) await world.clear({ key });
    const plan = await world.plan(pipeline, {});
    expect(verdicts(plan)).toMatchObject({ load: "hit", "square.map": "10 hit, 2 run", sum: "unknown" });
    const missed = flat(plan.root).find(({ name, verdict }) => name === "square" && verdict === "run");
    expect(missed?.reasons).toEqual([expect.stringMatching(/^input n: \d+ → \d+$/)]);
  });

  it("is what happens then", { timeout: 60_000 }, async () => {
    using world = new World();
    await world.run(pipeline({}));
    await world.run(outer(3));
    const all = await world.read((home) => home.cache.list());
    await fc.assert(
      fc.asyncProperty(fc.subarray(all.map(({ key }) => key)), fc.boolean(), async (keys, simple) => {
        for (const key of keys) await world.clear({ key });
        const [plan, root] = simple
          ? [await world.plan(outer, 3), outer(3)]
          : [await world.plan(pipeline, {}), pipeline({})];
        const happened = await world.run(root);
        const position = new Map(happened.map(({ name }) => [name, 0]));
        for (const node of flat(plan.root)) {
          if (node.kind === "map") continue;
          const of = happened.filter(({ name }) => name === node.name);
          const at = position.get(node.name) ?? 0;
          position.set(node.name, at + 1);
          const foretold = node.verdict === "unknown" ? node.ifSame : node.verdict;
          expect(`${node.name} ${of[at]?.status === "HIT" ? "hit" : "run"}`).toBe(`${node.name} ${foretold}`);
        }
        expect(flat(plan.root)).toHaveLength(happened.length);
      }),
      { numRuns: 15 },
    );
  });

  it("finds what is below a reused result where that was computed", async () => {
    using world = new World();
    await world.run(outer(3));
    await world.run(outer(3));
    expect(await world.plan(outer, 3)).toMatchObject({ root: { verdict: "hit", children: [] } });
    await world.clear({ func: "outer" });
    await world.clear({ func: "inner" });
    expect(verdicts(await world.plan(outer, 3))).toEqual({ outer: "run", inner: "run", square: "hit", add: "hit" });
  });

  it("is based on a run with the same input if there is one, else leaves open what the input may change", async () => {
    using world = new World();
    await world.run(pipeline({ part: "a" }));
    await world.run(pipeline({ part: "b" }));
    const same = await world.plan(pipeline, { part: "a" });
    expect(same.base).toMatchObject({ sameInput: true });
    expect(verdicts(same)).toMatchObject({ load: "hit", sum: "hit" });
    const other = await world.plan(pipeline, { part: "c" });
    expect(other.base).toMatchObject({ sameInput: false, differences: ['part: "b" → "c"'] });
    expect(verdicts(other)).toMatchObject({ load: "unknown", "square.map": "12 unknown", sum: "unknown" });
    expect(other.root.children[0]).toMatchObject({ ifSame: "hit", reasons: ["depends on what pipeline passes on"] });
    expect(other.root.children[1]).toMatchObject({ reasons: ["depends on load"] });
  });

  it("leaves open what the body makes of results that it waits for", async () => {
    using world = new World();
    await world.run(awaiting());
    expect(verdicts(await world.plan(awaiting))).toMatchObject({ slow: "hit", add: "hit" });
    await world.clear({ func: "slow" });
    const plan = await world.plan(awaiting);
    expect(verdicts(plan)).toMatchObject({ slow: "run", add: "unknown" });
    expect(plan.root.children[1]).toMatchObject({ ifSame: "hit", reasons: ["may depend on slow"] });
  });

  it("follows results that are other ones now", async () => {
    using world = new World();
    await world.run(onTicket());
    await world.run(onlyTicket(), "refresh");
    const { root } = await world.plan(onTicket);
    const [first, second] = root.children;
    expect(first).toMatchObject({ name: "ticket", verdict: "hit" });
    expect(second).toMatchObject({ name: "outer", verdict: "run", reasons: ["input n: 1 → 2"] });
    expect(second?.children.map(({ verdict, reasons }) => [verdict, reasons])).toEqual([
      ["unknown", ["depends on what outer passes on"]],
      ["unknown", ["depends on what outer passes on"]],
    ]);
  });

  it("counts the time of a body without that of the runs below it", async () => {
    using world = new World();
    await world.run(awaiting());
    await world.clear({});
    const { root, total } = await world.plan(awaiting);
    const took = await world.read(async ({ backend }) => {
      const [pipelineRun] = await backend.listPipelineRuns();
      const runs = await backend.listRuns(pipelineRun?.id ?? "");
      return new Map(runs.map(({ name, startedAt, finishedAt }) => [name, (finishedAt ?? 0) - (startedAt ?? 0)]));
    });
    const [slowTime = 0, whole = 0] = [took.get("slow"), took.get("awaiting")];
    expect(root.children[0]?.duration).toBe(slowTime);
    expect(slowTime).toBeGreaterThan(5);
    expect(root.duration).toBeLessThanOrEqual(whole - slowTime);
    expect(total).toMatchObject({ run: 2, unknown: 1, duration: slowTime + (root.duration ?? 0) });
  });

  it("knows equal calls and what calls and maps say about the cache", async () => {
    using world = new World();
    await world.run(twins());
    await world.clear({});
    const plan = await world.plan(twins);
    expect(plan.root.children.map(({ verdict, reasons }) => [verdict, reasons])).toEqual([
      ["run", ["no earlier result"]],
      ["hit", ["equal to square, which executes"]],
      ["run", ["not cached"]],
      ["run", ["no earlier result"]],
    ]);
    await world.run(unkept());
    expect(verdicts(await world.plan(unkept))).toMatchObject({ "square.map": "2 run" });
  });

  it("sees results that are too old or gone, and funcs that are no longer there", async () => {
    using world = new World();
    await world.run(expiring());
    const [entry] = await world.read((home) => home.cache.list({ func: "expiring" }));
    while (Date.now() <= (entry?.createdAt ?? 0) + 1) await new Promise(setImmediate);
    expect((await world.plan(expiring)).root).toMatchObject({
      verdict: "run",
      reasons: [expect.stringMatching(/^the earlier result was .* old, .* more than maxAge allows$/)],
    });

    await world.run(outer(4));
    const [stored] = await world.read((home) => home.cache.list({ func: "outer" }));
    await world.change((home) => home.backend.discardArtifact(stored?.artifact ?? ""));
    const plan = await world.plan(outer, 4);
    expect(plan.root).toMatchObject({ verdict: "run", reasons: [expect.stringContaining("no longer in the store")] });

    const funcs = definedFuncs() as Map<string, ReturnType<typeof definitionOf>>;
    const definition = funcs.get("inner");
    funcs.delete("inner");
    const without = await world.plan(outer, 4);
    funcs.set("inner", definition);
    const [first] = without.root.children;
    expect(first).toMatchObject({ verdict: "unknown", reasons: ['func "inner" is no longer in the program'] });
  });

  it("validates the input as a run does", async () => {
    using world = new World();
    await world.run(checked({ size: 3 }));
    expect((await world.plan(checked, {})).root).toMatchObject({ verdict: "hit" });
    expect((await world.plan(checked, { size: 4 })).root).toMatchObject({
      verdict: "run",
      reasons: ["input size: 3 → 4"],
    });
    await expect(world.plan(checked, { size: "x" })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(world.plan(pipeline, { part: () => 1 })).rejects.toMatchObject({ code: "VALUE_NOT_STORABLE" });
  });
});
