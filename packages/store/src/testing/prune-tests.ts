import { describe, expect, test } from "vitest";
import type { Backend, RunRef } from "../backend.ts";
import type { TestStore } from "../backend.testsuite.ts";
import { artifactOf, batch, idOf, newRef, pipelineRun, rootWrite, runWrite, startPipeline } from "./batches.ts";

async function finished(backend: Backend, finishedAt: number, value: unknown): Promise<RunRef> {
  const root = newRef();
  const output = artifactOf(backend, value, finishedAt);
  const argument = artifactOf(backend, `argument of ${JSON.stringify(value)}`, finishedAt);
  await backend.commit(
    batch({
      artifacts: [output, argument],
      pipelineRuns: [{ root, run: pipelineRun(root, { state: "COMPLETE", finishedAt }) }],
      runs: [rootWrite(root, { state: "RESOLVED", output: output.ref, finishedAt })],
      edges: [
        {
          run: root,
          kind: "data",
          argument: 0,
          name: "x",
          argumentPath: "",
          source: null,
          sourcePath: "",
          artifact: argument.ref,
        },
      ],
      events: [{ root, run: root, time: 1, kind: "warning", message: "x" }],
      logs: [{ run: root, attempt: 1, time: 1, stream: "log", level: "info", text: "x", data: null }],
      metrics: [{ run: root, time: 1, name: "x", type: "count", value: 1 }],
    }),
  );
  return root;
}

/** Removing what is old and what nothing needs. */
export function testPruning(create: () => Promise<TestStore>): void {
  describe("pruning", () => {
    test("old finished pipeline runs go with everything that only they needed; a dry run only tells", async () => {
      await using backend = await (await create()).open();
      const shared = "shared";
      const old = await finished(backend, 1_000, "old");
      const oldShared = await finished(backend, 1_000, shared);
      const fresh = await finished(backend, 5_000, shared);
      const running = await startPipeline(backend, { finishedAt: null });
      const options = { endedBefore: 2_000, unusedBefore: 2_000 };

      const before = await backend.statistics();
      const told = await backend.prune({ ...options, dryRun: true });
      expect(await backend.statistics()).toEqual(before);
      expect(await backend.getPipelineRun(idOf(old))).toBeDefined();

      expect(await backend.prune({ ...options, dryRun: false })).toEqual(told);
      // "old" and its argument; "shared" and the argument that its two makers share stay.
      expect(told).toMatchObject({ pipelineRuns: 2, runs: 2, artifacts: 2 });
      expect(told.bytes).toBeGreaterThan(0);
      expect(await backend.getPipelineRun(idOf(old))).toBeUndefined();
      expect(await backend.getRun(idOf(oldShared))).toBeUndefined();
      expect(await backend.eventsOf(idOf(old))).toEqual([]);
      expect(await backend.getRun(idOf(fresh))).toMatchObject({ output: artifactOf(backend, shared).ref.digest });
      expect(await backend.edgesOf(idOf(fresh))).toHaveLength(1);
      expect(await backend.getPipelineRun(idOf(running))).toBeDefined();
      expect(await backend.check()).toEqual([]);
      expect(await backend.prune({ ...options, dryRun: false })).toMatchObject({ pipelineRuns: 0, artifacts: 0 });
    });

    test("what arguments and results were put together from stays as long as its run, and goes with it", async () => {
      await using backend = await (await create()).open();
      const root = newRef();
      const [template, result, unused] = ["template", "result", "unused"].map((name) => artifactOf(backend, name, 1));
      if (template === undefined || result === undefined || unused === undefined) throw new Error("three of three");
      const blob = { digest: "aa".repeat(32), size: 1 };
      const edge = { run: root, argumentPath: "", source: null, sourcePath: "" } as const;
      const argument = { ...edge, kind: "template", argument: 0, name: "x", artifact: template.ref } as const;
      await backend.commit(
        batch({
          artifacts: [{ ...template, blobs: [blob] }, result, unused],
          pipelineRuns: [{ root, run: pipelineRun(root, { state: "FAILED", finishedAt: 1_000 }) }],
          runs: [rootWrite(root, { state: "FAILED", finishedAt: 1_000 })],
          edges: [argument, { ...edge, kind: "result", argument: -1, name: "", artifact: result.ref }],
        }),
      );
      const unusedBefore = 2_000;
      expect(await Array.fromAsync(backend.referencedBlobs({ unusedBefore }))).toEqual([blob]);
      expect(await backend.prune({ unusedBefore, dryRun: false })).toMatchObject({ pipelineRuns: 0, artifacts: 1 });
      const edges = (await backend.readGraph(idOf(root)))?.runs[0]?.edges ?? [];
      expect(edges.map(({ artifact }) => artifact)).toEqual([template.ref, result.ref]);
      for (const { ref } of [template, result]) expect(await backend.getArtifact(ref.digest)).toBeDefined();

      const options = { endedBefore: 2_000, unusedBefore };
      expect(await Array.fromAsync(backend.referencedBlobs(options))).toEqual([]);
      expect(await backend.prune({ ...options, dryRun: false })).toMatchObject({ pipelineRuns: 1, artifacts: 2 });
      expect(await backend.statistics()).toMatchObject({ pipelineRuns: 0, runs: 0, artifacts: 0 });
      expect(await backend.check()).toEqual([]);
    });

    test("artifacts that nothing needs go only when they are old enough", async () => {
      await using backend = await (await create()).open();
      await backend.commit(batch({ artifacts: [artifactOf(backend, "a", 1_000), artifactOf(backend, "b", 3_000)] }));
      expect(await backend.prune({ unusedBefore: 2_000, dryRun: false })).toMatchObject({ artifacts: 1 });
      expect(await backend.getArtifact(artifactOf(backend, "a").ref.digest)).toBeUndefined();
      expect(await backend.getArtifact(artifactOf(backend, "b").ref.digest)).toBeDefined();
    });

    test("artifacts that are to be kept stay, and so do their blobs, until they are not named any more", async () => {
      await using backend = await (await create()).open();
      const [kept, other] = [artifactOf(backend, "kept", 1_000), artifactOf(backend, "other", 1_000)];
      const blobs = [{ digest: "aa".repeat(32), size: 1 }];
      await backend.commit(batch({ artifacts: [{ ...kept, blobs }, other] }));
      const options = { unusedBefore: 2_000, keep: [kept.ref.digest, "bb".repeat(32)] };
      expect(await Array.fromAsync(backend.referencedBlobs(options))).toEqual(blobs);
      expect(await backend.prune({ ...options, dryRun: true })).toMatchObject({ artifacts: 1 });
      expect(await backend.prune({ ...options, dryRun: false })).toMatchObject({ artifacts: 1 });
      expect(await backend.getArtifact(kept.ref.digest)).toBeDefined();
      expect(await backend.getArtifact(other.ref.digest)).toBeUndefined();
      expect(await backend.prune({ unusedBefore: 2_000, dryRun: false })).toMatchObject({ artifacts: 1 });
    });

    test("a connection that remembers a removed artifact stores it again, under a key that was never used", async () => {
      const store = await create();
      await using writer = await store.open();
      await using collector = await store.open();
      const root = await startPipeline(writer);
      const [first, last] = [artifactOf(writer, "removed", 1), artifactOf(writer, "removed too", 1)];
      await writer.commit(batch({ artifacts: [first, last] }));
      const keys = [first.ref.key, last.ref.key];
      await collector.prune({ unusedBefore: 10, dryRun: false });

      // With the very reference that has a key, with a new one, and for another value that must not get an old key.
      const [again, other] = [artifactOf(writer, "removed too", 20), artifactOf(writer, "new", 20)];
      const run = runWrite(root, { state: "RESOLVED", output: first.ref });
      await writer.commit(batch({ artifacts: [other, first, again], runs: [run] }));
      expect(keys).not.toContain(other.ref.key);
      expect(keys).not.toContain(first.ref.key);
      expect((await collector.getRun(idOf(run.ref)))?.output).toBe(first.ref.digest);
      expect((await collector.getArtifact(again.ref.digest))?.artifact.createdAt).toBe(20);
      expect(await collector.check()).toEqual([]);
    });

    test("a pipeline run stays as long as another one took a value from it", async () => {
      await using backend = await (await create()).open();
      const old = await finished(backend, 1_000, "old");
      const user = await startPipeline(backend);
      const run = runWrite(user);
      const edge = { kind: "data", argument: 0, name: "x", argumentPath: "", sourcePath: "", artifact: null } as const;
      await backend.commit(batch({ runs: [run], edges: [{ ...edge, run: run.ref, source: old }] }));
      const options = { endedBefore: 2_000, unusedBefore: 2_000, dryRun: false };
      expect(await backend.prune(options)).toMatchObject({ pipelineRuns: 0 });
      expect(await backend.edgesOf(idOf(run.ref))).toMatchObject([{ sourceRunId: idOf(old) }]);
    });

    test("what blobs would still be needed is told without removing anything", async () => {
      await using backend = await (await create()).open();
      const blob = (byte: string) => ({ digest: byte.repeat(32), size: 1 });
      const [a, b] = [artifactOf(backend, "a", 1), artifactOf(backend, "b", 100)];
      await backend.commit(
        batch({
          artifacts: [
            { ...a, blobs: [blob("aa")] },
            { ...b, blobs: [blob("bb")] },
          ],
        }),
      );
      expect(await Array.fromAsync(backend.referencedBlobs({ unusedBefore: 50 }))).toEqual([blob("bb")]);
      expect(await Array.fromAsync(backend.referencedBlobs())).toEqual([blob("aa"), blob("bb")]);
    });
  });
}
