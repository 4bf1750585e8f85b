import type { Edge } from "@reprise/core";
import { describe, expect, test } from "vitest";
import type { EdgeWrite, RecordedEdge, RecordedRun, RunRef } from "../backend.ts";
import type { TestStore } from "../backend.testsuite.ts";
import {
  artifactOf,
  batch,
  funcRef,
  idOf,
  newRef,
  pipelineRun,
  rootWrite,
  runWrite,
  startPipeline,
} from "./batches.ts";

const failure = { name: "Error", message: "no", classes: ["Error"], stack: "Error: no\n    at x" };

function edgeOf(run: RunRef, changes: Partial<EdgeWrite>): EdgeWrite {
  const plain = { kind: "data", argument: 0, name: "x", argumentPath: "", source: null, sourcePath: "" } as const;
  return { run, ...plain, artifact: null, ...changes };
}

/** What re-running and resuming read of a pipeline run. */
export function testGraphs(create: () => Promise<TestStore>): void {
  describe("graphs", () => {
    test("a graph comes back as listRuns, edgesOf and getPipelineRun tell it, with the references of its rows", async () => {
      const store = await create();
      await using writer = await store.open();
      const root = newRef();
      const rerun = { rootId: idOf(newRef()), runId: idOf(newRef()), mode: "from", code: "current" } as const;
      const func = funcRef("train", "export const train = …");
      const [value, around, output] = ["value", ["around", 0], { loss: 0.25 }].map((item) => artifactOf(writer, item));
      if (value === undefined || around === undefined || output === undefined) throw new Error("three of three");
      const load = runWrite(root, { state: "RESOLVED", attempt: 1, position: 1, output: value.ref, awaited: true });
      const train = runWrite(root, {
        func,
        name: "train on Monday",
        kind: "map",
        tags: ["a", "größe"],
        options: { timeout: "5m", map: { concurrency: null, tolerate: 1, each: null } },
        parentAttempt: 3,
        position: 2,
        state: "RAN",
        attempt: 2,
        scheduledAt: 1_003,
        startedAt: 1_004,
        ranAt: 1_005,
        output: output.ref,
        reason: "why",
        progress: { done: 3, total: 4, note: "epoch 3" },
        cache: { status: "HIT", key: "0a".repeat(32), originRunId: idOf(newRef()), saved: 12, note: "a note" },
      });
      const nested = runWrite(root, { parent: train.ref, func, state: "FAILED", position: 3, failure, finishedAt: 9 });
      const edges = [
        edgeOf(train.ref, { argument: 1, name: "epochs", artifact: value.ref }),
        edgeOf(train.ref, { argumentPath: "[0]", source: load.ref, sourcePath: ".model" }),
        edgeOf(train.ref, { kind: "template", artifact: around.ref }),
        edgeOf(train.ref, { kind: "order", argument: -1, name: "", source: load.ref }),
        edgeOf(root, { kind: "result", argument: -1, name: "", source: train.ref }),
      ];
      await writer.commit(
        batch({
          artifacts: [value, around, output],
          pipelineRuns: [{ root, run: pipelineRun(root, { tags: ["nightly"], code: "0c".repeat(32), rerun }) }],
          // Not in the order of positions: runs of a batch may be written out of it.
          runs: [rootWrite(root), train, nested, load],
          edges,
        }),
      );
      await startPipeline(writer);

      await using reader = await store.open();
      const graph = await reader.readGraph(idOf(root));
      if (graph === undefined) throw new Error("written");
      expect(graph.root).toEqual(root);
      expect(await reader.getPipelineRun(idOf(root))).toMatchObject(graph.pipelineRun);
      expect(graph.pipelineRun).toEqual(pipelineRun(root, { tags: ["nightly"], code: "0c".repeat(32), rerun }));
      expect(graph.runs.map(({ ref }) => ref)).toEqual([root, load.ref, train.ref, nested.ref]);
      expect(graph.runs.map(asListed)).toEqual(
        (await reader.listRuns(idOf(root))).map(({ rootId: _rootId, ...run }) => run),
      );
      expect(graph.runs.map(({ cache }) => cache)).toEqual([null, null, train.cache, null]);
      for (const { id, edges } of graph.runs) {
        const told = edges.map((edge) => asTold(id, edge));
        const listed = await reader.edgesOf(id);
        expect(told).toHaveLength(listed.length);
        expect(told).toEqual(expect.arrayContaining([...listed]));
      }
      expect(graph.runs[2]?.edges.map(({ kind, argument }) => `${kind} ${argument}`)).toEqual([
        "data 1",
        "data 0",
        "template 0",
        "order -1",
      ]);
      // One object for one thing: who writes with them needs no lookup and no second copy.
      expect(graph.runs[2]?.func).toBe(graph.runs[3]?.func);
      expect(graph.runs[2]?.func).toEqual(func);
      expect(graph.runs[1]?.output).toBe(graph.runs[2]?.edges[0]?.artifact);
      expect(graph.runs[1]?.output).toEqual(value.ref);
    });

    test("a source of another pipeline run is told by its id", async () => {
      await using backend = await (await create()).open();
      const [other, root] = [await startPipeline(backend), await startPipeline(backend)];
      await backend.commit(batch({ edges: [edgeOf(root, { source: other })] }));
      expect((await backend.readGraph(idOf(root)))?.runs).toMatchObject([{ edges: [{ sourceRunId: idOf(other) }] }]);
    });

    test("what is not there is undefined", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const run = runWrite(root);
      await backend.commit(batch({ runs: [run] }));
      for (const id of [idOf(newRef()), idOf(run.ref), "no id", ""])
        expect(await backend.readGraph(id)).toBeUndefined();
    });

    test("references of a graph are of use to write, also after a garbage collection by somebody else", async () => {
      const store = await create();
      await using writer = await store.open();
      const root = newRef();
      const [output, unused] = [artifactOf(writer, "output", 1), artifactOf(writer, "unused", 1)];
      const run = runWrite(root, { state: "RESOLVED", output: output.ref });
      await writer.commit(
        batch({
          artifacts: [output, unused],
          pipelineRuns: [{ root, run: pipelineRun(root, { state: "COMPLETE", finishedAt: 10 }) }],
          runs: [rootWrite(root, { state: "RESOLVED", finishedAt: 10 }), run],
        }),
      );

      await using reader = await store.open();
      const recorded = (await reader.readGraph(idOf(root)))?.runs[1];
      await writer.prune({ unusedBefore: 100, dryRun: false });
      const again = await startPipeline(reader);
      const copy = (): ReturnType<typeof runWrite> =>
        runWrite(again, { func: recorded?.func ?? funcRef(""), state: "RESOLVED", output: recorded?.output ?? null });
      const first = copy();
      await reader.commit(batch({ runs: [first], edges: [edgeOf(first.ref, { artifact: recorded?.output ?? null })] }));
      expect(await reader.getRun(idOf(first.ref))).toMatchObject({ output: output.ref.digest, func: run.func.record });

      // Now the artifact itself goes, because nothing needs it: whoever still holds its key must not write it, not even
      // as the first thing that it writes.
      await using late = await store.open();
      const last = (await late.readGraph(idOf(root)))?.runs[1];
      const end = pipelineRun(again, { state: "COMPLETE", finishedAt: 10 });
      const runs = [rootWrite(again, { state: "RESOLVED", finishedAt: 10 })];
      await reader.commit(batch({ pipelineRuns: [{ root: again, run: end }], runs }));
      expect(await writer.prune({ endedBefore: 100, unusedBefore: 100, dryRun: false })).toMatchObject({
        artifacts: 1,
      });
      const write = runWrite(await startPipeline(writer), { state: "RESOLVED", output: last?.output ?? null });
      expect(() => late.commit(batch({ runs: [write] }))).toThrow(
        expect.objectContaining({ code: "ARTIFACT_NOT_FOUND" }),
      );
      expect(await reader.check()).toEqual([]);
    });
  });
}

/** A recorded edge as `edgesOf` tells it. */
function asTold(runId: string, { artifact, ...edge }: RecordedEdge): Edge {
  return { runId, ...edge, artifactId: artifact?.digest ?? null };
}

/** A recorded run as `listRuns` tells it, but for the id of the pipeline run. */
function asListed({ ref: _ref, func, output, cache, edges: _edges, ...run }: RecordedRun) {
  const disabled = { status: "DISABLED", key: null, originRunId: null, saved: null, note: null };
  return { ...run, func: func.record, output: output?.digest ?? null, cache: cache ?? disabled };
}
