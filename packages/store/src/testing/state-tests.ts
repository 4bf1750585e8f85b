import {
  isFinished,
  isPipelineFinished,
  pipelineStates,
  pipelineStatesBefore,
  RepriseError,
  runStates,
  runStatesBefore,
} from "@reprise/core";
import { describe, expect, test } from "vitest";
import type { TestStore } from "../backend.testsuite.ts";
import { artifactOf, batch, idOf, newRef, pipelineRun, rootWrite, runWrite, startPipeline } from "./batches.ts";

/** Guarded changes of state, and batches that are written whole or not at all. */
export function testStates(create: () => Promise<TestStore>): void {
  describe("states", () => {
    test("a run goes from each state to exactly those that its table allows", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      for (const from of runStates) {
        for (const to of runStates) {
          const write = runWrite(root, { state: from });
          await backend.commit(batch({ runs: [write] }));
          const { refused } = await backend.commit(batch({ runs: [{ ...write, state: to, reason: "changed" }] }));
          const allowed = runStatesBefore(to).has(from) || (from === to && !isFinished(to));
          expect({ from, to, refused: refused.includes(write.ref) }).toEqual({ from, to, refused: !allowed });
          const { state, reason } = (await backend.getRun(idOf(write.ref))) ?? {};
          expect({ from, to, state, reason }).toEqual({
            from,
            to,
            state: allowed ? to : from,
            reason: allowed ? "changed" : null,
          });
        }
      }
    });

    test("a pipeline run goes from each state to exactly those that its table allows", async () => {
      await using backend = await (await create()).open();
      for (const from of pipelineStates) {
        for (const to of pipelineStates) {
          const root = await startPipeline(backend, { state: from });
          const run = pipelineRun(root, { state: to });
          const { refused } = await backend.commit(batch({ pipelineRuns: [{ root, run }] }));
          const allowed = pipelineStatesBefore(to).has(from) || (from === to && !isPipelineFinished(to));
          const { state } = (await backend.getPipelineRun(idOf(root))) ?? {};
          expect({ from, to, state, refused: refused.length }).toEqual({
            from,
            to,
            state: allowed ? to : from,
            refused: allowed ? 0 : 1,
          });
        }
      }
    });

    test("canceling from outside ends what is unfinished, and late writes change nothing", async () => {
      const store = await create();
      await using driver = await store.open();
      await using other = await store.open();
      const root = await startPipeline(driver);
      const running = runWrite(root, { state: "RUNNING" });
      const done = runWrite(root, { state: "RESOLVED", finishedAt: 5 });
      await driver.commit(batch({ runs: [running, done] }));

      expect(await other.cancelPipelineRun(idOf(root), "stopped by ada", 9)).toBe(true);
      expect(await other.cancelPipelineRun(idOf(root), "again", 10)).toBe(false);
      expect(await other.cancelPipelineRun(idOf(newRef()), "unknown", 10)).toBe(false);

      const late = runWrite(root, { state: "SCHEDULED" });
      const { refused } = await driver.commit(
        batch({
          pipelineRuns: [{ root, run: pipelineRun(root, { state: "COMPLETE" }) }],
          runs: [
            { ...running, state: "RUNNING" },
            { ...running, state: "RESOLVED" },
            { ...done, state: "FAILED" },
            late,
          ],
        }),
      );
      expect(refused.map(idOf).sort()).toEqual([root, running.ref, running.ref, done.ref, late.ref].map(idOf).sort());
      expect(await driver.getPipelineRun(idOf(root))).toMatchObject({
        state: "CANCELED",
        finishedAt: 9,
        runs: 4,
        finished: 4,
        failed: 0,
      });
      expect(await driver.getRun(idOf(running.ref))).toMatchObject({
        state: "CANCELED",
        reason: "stopped by ada",
        finishedAt: 9,
      });
      expect(await driver.getRun(idOf(done.ref))).toMatchObject({ state: "RESOLVED", finishedAt: 5, reason: null });
      expect(await driver.getRun(idOf(late.ref))).toMatchObject({ state: "CANCELED", reason: "stopped by ada" });
      expect(await driver.eventsOf(idOf(root))).toMatchObject([{ kind: "cancel", message: "stopped by ada" }]);
    });

    test("a batch that cannot be written leaves nothing, and can be written when it is mended", async () => {
      await using backend = await (await create()).open();
      const root = newRef();
      const missing = artifactOf(backend, "not in the batch");
      const run = runWrite(root, { state: "RESOLVED", output: missing.ref });
      const parts = {
        artifacts: [artifactOf(backend, 1)],
        pipelineRuns: [{ root, run: pipelineRun(root) }],
        runs: [rootWrite(root), run],
        events: [{ root, run: root, time: 1, kind: "warning", message: "x" }],
      };
      await expect(async () => backend.commit(batch(parts))).rejects.toSatisfy((error) =>
        RepriseError.is(error, "ARTIFACT_NOT_FOUND"),
      );
      expect(await backend.statistics()).toMatchObject({ pipelineRuns: 0, runs: 0, artifacts: 0 });
      expect([root.key, run.ref.key, run.func.key, parts.artifacts[0]?.ref.key]).toEqual([0, 0, 0, 0]);

      await backend.commit(batch({ ...parts, artifacts: [...parts.artifacts, missing] }));
      expect(await backend.getRun(idOf(run.ref))).toMatchObject({ state: "RESOLVED", output: missing.ref.digest });
      expect(await backend.check()).toEqual([]);
    });

    test("a batch for a pipeline run that is not stored is refused with what to do", async () => {
      await using backend = await (await create()).open();
      await expect(async () => backend.commit(batch({ runs: [runWrite(newRef())] }))).rejects.toThrow(
        /pipeline run [0-9a-f]{32}, which is not stored.*in the same batch/,
      );
    });

    test("a pipeline run may be written before its root run, and with another reference to it", async () => {
      await using backend = await (await create()).open();
      const root = newRef();
      await backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root, { state: "CREATED" }) }] }));
      await backend.commit(batch({ runs: [rootWrite(root, { ref: { ...root, key: 0 }, state: "CREATED" })] }));
      await backend.commit(batch({ runs: [rootWrite(root, { state: "RUNNING" })] }));
      expect(await backend.listRuns(idOf(root))).toMatchObject([{ id: idOf(root), state: "RUNNING", parentId: null }]);
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ runs: 1, finished: 0 });
    });
  });
}
