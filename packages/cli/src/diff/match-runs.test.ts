import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatRunId, type PipelineRun, type RunState, toFailure } from "@reprise/core";
import { type Home, openHomeForReading, type RecordedEdge, type RecordedGraph, type RecordedRun } from "@reprise/store";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CodeComparer } from "./compare-code.ts";
import { compareRuns, type TreeDiff } from "./compare-runs.ts";
import { type Matching, matchRuns } from "./match-runs.ts";
import { RecordedTree } from "./recorded-tree.ts";

/** A call of a random graph. Numbers stand for earlier calls, funcs and values. */
interface RandomCall {
  /** Which of the earlier calls made it. */
  readonly parent: number;
  readonly func: number;
  readonly name: number;
  readonly value: number;
  /** Which of the calls beside it gave it another argument; none beyond them. */
  readonly source: number;
  readonly output: number;
  readonly state: RunState;
  readonly isMap: boolean;
  readonly isRetried: boolean;
}

const randomCall: fc.Arbitrary<RandomCall> = fc.record({
  parent: fc.nat(6),
  func: fc.nat(2),
  name: fc.nat(4),
  value: fc.nat(3),
  source: fc.nat(5),
  output: fc.nat(3),
  state: fc.constantFrom<RunState>(
    "RESOLVED",
    "RESOLVED",
    "RESOLVED",
    "FAILED",
    "NESTED_FAILED",
    "CANCELED",
    "RUNNING",
  ),
  isMap: fc.boolean(),
  isRetried: fc.nat(9).map((n) => n === 0),
});
const randomCalls = fc.array(randomCall, { minLength: 1, maxLength: 40 });

let sequence = 0;

function newRun(changes: Partial<RecordedRun> & { readonly funcId?: string }): RecordedRun {
  const uuid = new Uint8Array(16);
  new DataView(uuid.buffer).setUint32(12, ++sequence);
  const { funcId = "f", ...others } = changes;
  const record = { id: funcId, name: funcId, description: null, source: funcId, file: null, line: null };
  return {
    ref: { uuid, key: sequence },
    id: formatRunId(uuid),
    parentId: null,
    parentAttempt: 1,
    awaited: false,
    kind: "func",
    func: { record, key: 1 },
    name: funcId,
    tags: [],
    position: 0,
    state: "RESOLVED",
    attempt: 1,
    options: null,
    createdAt: 0,
    scheduledAt: 0,
    startedAt: 0,
    ranAt: 0,
    finishedAt: 0,
    output: null,
    failure: null,
    reason: null,
    progress: null,
    cache: null,
    edges: [],
    ...others,
  };
}

function graphOf(runs: readonly RecordedRun[]): RecordedGraph {
  const [root] = runs;
  if (root === undefined) throw new Error("a graph has a root");
  const origin = { host: "", versions: { reprise: "", node: "", platform: "" } };
  const pipelineRun = { id: root.id, code: "same", git: null, origin } as unknown as PipelineRun;
  return { root: root.ref, pipelineRun, runs };
}

const value = (number: number) => ({ digest: number.toString(16).padStart(64, "0"), key: number });
const literal = (argument: number, number: number): RecordedEdge => ({
  kind: "data",
  argument,
  name: `a${argument}`,
  argumentPath: "",
  sourceRunId: null,
  sourcePath: "",
  artifact: value(number),
});
const whole = (argument: number, source: RecordedRun): RecordedEdge => ({
  ...literal(argument, 0),
  sourceRunId: source.id,
  artifact: null,
});

/** The graph of random calls, with ids of its own. */
function treeOf(calls: readonly RandomCall[]): RecordedTree {
  const runs: RecordedRun[] = [newRun({ funcId: "root", parentAttempt: 0 })];
  for (const call of calls) {
    const parent = runs[call.parent % runs.length] as RecordedRun;
    const siblings = runs.filter(({ parentId }) => parentId === parent.id);
    const source = siblings[call.source];
    const failure = call.state === "FAILED" ? toFailure(new Error(`no ${call.output}`)) : null;
    runs.push(
      newRun({
        funcId: `f${call.func}`,
        ...(call.name === 0 ? { name: "named" } : {}),
        kind: call.isMap ? "map" : "func",
        parentId: parent.id,
        parentAttempt: call.isRetried ? 0 : 1,
        position: runs.length,
        state: call.state,
        failure,
        output: call.state === "RESOLVED" ? value(call.output) : null,
        edges: [literal(0, call.value), ...(source === undefined ? [] : [whole(1, source)])],
      }),
    );
  }
  return new RecordedTree(graphOf(runs));
}

const path = mkdtempSync(join(tmpdir(), "reprise-match-"));
let home: Home;

beforeAll(async () => {
  home = await openHomeForReading({ path });
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  rmSync(path, { recursive: true, force: true });
});

function compare(before: RecordedTree, after: RecordedTree, matching: Matching): Promise<TreeDiff> {
  return compareRuns(before, after, matching, new CodeComparer(home, before, after));
}

describe("matching", () => {
  it("gives each run of a graph the same run of an equal one, which then does not differ", async () => {
    await fc.assert(
      fc.asyncProperty(randomCalls, async (calls) => {
        const [before, after] = [treeOf(calls), treeOf(calls)];
        const matching = matchRuns(before, after);
        const { entries, equal } = await compare(before, after, matching);
        expect(entries).toEqual([]);
        expect(equal).toBe(after.runs.length);
      }),
      { numRuns: 200 },
    );
  });

  it("pairs runs of one func below callers that are paired, each once, and leaves none that fits", () => {
    fc.assert(
      fc.property(randomCalls, randomCalls, (some, others) => {
        const [before, after] = [treeOf(some), treeOf(others)];
        const matching = matchRuns(before, after);
        for (const run of after.runs) {
          const partner = matching.before(run.id);
          if (partner === undefined) continue;
          expect(matching.after(partner.id)).toBe(run);
          expect([partner.kind, partner.func.record.id]).toEqual([run.kind, run.func.record.id]);
          expect(matching.before(run.parentId ?? "")?.id).toBe(partner.parentId ?? undefined);
          const left = (tree: RecordedTree, parent: RecordedRun, has: (id: string) => unknown) =>
            new Set(
              tree
                .childrenOf(parent.id)
                .filter(({ id }) => has(id) === undefined)
                .map(groupOf),
            );
          const alone = left(before, partner, (id) => matching.after(id));
          for (const group of left(after, run, (id) => matching.before(id))) expect(alone).not.toContain(group);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("takes the fewest values that differ from calls in another order", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(99), { maxLength: 20 }), fc.func(fc.integer()), (values, rank) => {
        const call = { parent: 0, func: 0, name: 1, source: 9, output: 1, state: "RESOLVED" } as const;
        const calls = values.map((each) => ({ ...call, value: each, isMap: false, isRetried: false }));
        // All are calls of the root.
        const flat = (each: readonly (typeof calls)[number][]) => {
          const root = newRun({ funcId: "root", parentAttempt: 0 });
          const runs = each.map((one, at) =>
            newRun({ parentId: root.id, position: at + 1, edges: [literal(0, one.value)], output: value(one.value) }),
          );
          return new RecordedTree(graphOf([root, ...runs]));
        };
        const [before, after] = [flat(calls), flat(calls.toSorted((a, b) => rank(a.value) - rank(b.value)))];
        const matching = matchRuns(before, after);
        for (const run of after.childrenOf(after.top.id)) {
          expect(matching.before(run.id)?.output).toEqual(run.output);
        }
      }),
    );
  });

  it("prefers of equal calls those of one name, and takes equal values that come from elsewhere", () => {
    const tree = (names: readonly string[], inputs: readonly number[], source: string) => {
      const root = newRun({ funcId: "root", parentAttempt: 0 });
      const make = (position: number, changes: Parameters<typeof newRun>[0]) =>
        newRun({ parentId: root.id, position, ...changes });
      const equal = names.map((name, at) => make(at + 1, { name }));
      const from = inputs.map((input, at) => make(10 + at, { funcId: source, output: value(input) }));
      const users = from.map((run, at) => make(20 + at, { funcId: "user", edges: [whole(0, run)] }));
      return { tree: new RecordedTree(graphOf([root, ...equal, ...from, ...users])), equal, users };
    };
    const [before, after] = [tree(["x", "y"], [1, 2, 3], "here"), tree(["y", "x"], [3, 4, 1], "there")];
    const matching = matchRuns(before.tree, after.tree);
    expect(after.equal.map(({ id }) => matching.before(id)?.name)).toEqual(["y", "x"]);
    const [first, second, third] = before.users;
    expect(after.users.map(({ id }) => matching.before(id))).toEqual([third, second, first]);
  });

  it("follows what a re-run took over, whatever else differs", () => {
    const root = newRun({ funcId: "root", parentAttempt: 0 });
    const [one, two] = [1, 2].map((at) =>
      newRun({ parentId: root.id, position: at, edges: [literal(0, at)], output: value(at) }),
    ) as [RecordedRun, RecordedRun];
    const again = newRun({ funcId: "root", parentAttempt: 0 });
    const cloned = (origin: RecordedRun, position: number) =>
      newRun({
        parentId: again.id,
        position,
        edges: [literal(0, 3)],
        cache: { status: "CLONED", key: null, originRunId: origin.id, saved: 0, note: null },
      });
    const [second, first] = [cloned(two, 1), cloned(one, 2)];
    const matching = matchRuns(
      new RecordedTree(graphOf([root, one, two])),
      new RecordedTree(graphOf([again, second, first])),
    );
    expect([matching.before(second.id), matching.before(first.id)]).toEqual([two, one]);
  });

  it("copes with ten thousand calls of which none fits by its values", () => {
    const wide = (offset: number) => {
      const root = newRun({ funcId: "root", parentAttempt: 0 });
      const runs = Array.from({ length: 10_000 }, (_, at) =>
        newRun({ funcId: `f${at % 20}`, parentId: root.id, position: at + 1, edges: [literal(0, at + offset)] }),
      );
      return new RecordedTree(graphOf([root, ...runs]));
    };
    const [before, after] = [wide(0), wide(20_000)];
    const start = performance.now();
    const matching = matchRuns(before, after);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(after.runs.every(({ id, position }) => matching.before(id)?.position === position)).toBe(true);
  });
});

describe("a comparison", () => {
  it("tells each pair once, equal or not, and each run without partner with all below it", async () => {
    await fc.assert(
      fc.asyncProperty(randomCalls, randomCalls, async (some, others) => {
        const [before, after] = [treeOf(some), treeOf(others)];
        const matching = matchRuns(before, after);
        const { entries, equal } = await compare(before, after, matching);
        const pairs = after.runs.filter(({ id }) => matching.before(id) !== undefined);
        const both = entries.filter((entry) => entry.before !== undefined && entry.after !== undefined);
        expect(equal + both.length).toBe(pairs.length);
        const below = (side: "before" | "after") =>
          entries
            .filter((entry) => entry[side] !== undefined && !both.includes(entry))
            .reduce((sum, entry) => sum + 1 + entry.below, 0);
        expect(below("after")).toBe(after.runs.length - pairs.length);
        expect(below("before")).toBe(before.runs.length - pairs.length);
        for (const { reasons } of entries) expect(reasons.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

function groupOf({ kind, func }: RecordedRun): string {
  return `${kind} ${func.record.id}`;
}
