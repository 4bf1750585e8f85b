import { describe, expect, test } from "vitest";
import type { Backend, DriverLease, RunRef } from "../backend.ts";
import type { TestStore } from "../backend.testsuite.ts";
import { type ProcessIdentity, thisProcess } from "../process-gone.ts";
import { batch, idOf, newRef, pipelineRun, rootWrite, runWrite, startPipeline } from "./batches.ts";

/** The process that runs the tests; asked once, because its start is told only roughly. */
const self = thisProcess();
/** A process that has certainly ended: its number belongs to one that began at another time. */
const gone: ProcessIdentity = { ...self, processStartedAt: 1_000 };
/** A process of which nothing but its silence tells whether it is alive. */
const far: ProcessIdentity = { host: "far away", pid: 1, processStartedAt: 1_000 };

/** Writes a pipeline run with its root run, driven by `driver`. */
async function startDriven(backend: Backend, driver: ProcessIdentity): Promise<RunRef> {
  const root = newRef();
  const runs = [rootWrite(root)];
  const lease = { root, fence: 1 };
  await backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root), driver }], runs, driver: lease }));
  return root;
}

/** A write as that of the driver that holds the lease. */
async function write(backend: Backend, driver: DriverLease): Promise<string | undefined> {
  try {
    await backend.commit(batch({ runs: [runWrite(driver.root)], driver }));
    return undefined;
  } catch (error) {
    return `${String((error as { code?: unknown }).code)}: ${(error as Error).message}`;
  }
}

/** Who may write a pipeline run. */
export function testDrivers(create: () => Promise<TestStore>): void {
  describe("drivers", () => {
    test("the one who inserts a pipeline run drives it; nobody takes it over while that process is alive", async () => {
      await using backend = await (await create()).open();
      const root = await startDriven(backend, self);
      expect(await write(backend, { root, fence: 1 })).toBeUndefined();
      expect(await backend.driverOf(idOf(root))).toMatchObject({ driver: self });
      const answer = await backend.takeOver(idOf(root), far);
      expect(answer).toMatchObject({ type: "alive", driver: self });
      expect(answer.type === "alive" && answer.silent >= 0 && answer.silent < 60_000).toBe(true);
      expect(await write(backend, { root, fence: 1 })).toBeUndefined();
      expect(await backend.eventsOf(idOf(root))).toEqual([]);
    });

    test("a driver whose process has ended is replaced at once, writes nothing more, and is told by whom", async () => {
      const store = await create();
      await using stale = await store.open();
      await using backend = await store.open();
      const root = await startDriven(stale, gone);
      const answer = await backend.takeOver(idOf(root), self);
      expect(answer).toEqual({ type: "taken", lease: { root, fence: 2 } });
      const run = runWrite(root);
      const late = batch({
        pipelineRuns: [{ root, run: pipelineRun(root, { state: "FAILED", finishedAt: 2_000 }) }],
        runs: [rootWrite(root, { ref: root, state: "FAILED" }), run],
        events: [{ root, run: null, time: 1, kind: "warning", message: "late" }],
        driver: { root, fence: 1 },
      });
      const before = [await backend.getPipelineRun(idOf(root)), await backend.listRuns(idOf(root))];
      expect(() => stale.commit(late)).toThrow(
        expect.objectContaining({
          code: "DRIVER_REPLACED",
          message: expect.stringMatching(
            `^Pipeline run ${idOf(root)} is driven by process ${process.pid} on .* since 2`,
          ),
        }),
      );
      expect(run.ref.key).toBe(0);
      expect([await backend.getPipelineRun(idOf(root)), await backend.listRuns(idOf(root))]).toEqual(before);
      expect(await backend.eventsOf(idOf(root))).toMatchObject([
        {
          kind: "resume",
          runId: idOf(root),
          message: expect.stringMatching(/^Process \d+ on .* goes on with it: process \d+ on .* is gone\.$/),
        },
      ]);
      expect(await write(backend, { root, fence: 2 })).toBeUndefined();

      const lastWords = stale.cancelPipelineRun(idOf(root), "the process ends", 2_000, { root, fence: 1 });
      await expect(lastWords).rejects.toMatchObject({ code: "DRIVER_REPLACED" });
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ state: "RUNNING" });
      expect(await backend.cancelPipelineRun(idOf(root), "enough", 2_000, { root, fence: 2 })).toBe(true);
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ state: "CANCELED" });
    });

    test("each one that takes over ends the right of the one before", async () => {
      await using backend = await (await create()).open();
      const root = await startDriven(backend, gone);
      for (const fence of [2, 3, 4]) {
        const answer = await backend.takeOver(idOf(root), gone);
        expect(answer).toMatchObject({ type: "taken", lease: { fence } });
        expect(await write(backend, { root, fence: fence - 1 })).toMatch("DRIVER_REPLACED");
        expect(await write(backend, { root, fence })).toBeUndefined();
      }
    });

    test("what nobody ever drove can be taken; its first driver is the only one who writes as such", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      expect(await backend.driverOf(idOf(root))).toBeUndefined();
      expect(await backend.takeOver(idOf(root), self)).toEqual({ type: "taken", lease: { root, fence: 1 } });
      expect(await backend.driverOf(idOf(root))).toMatchObject({ driver: self });
      expect(await write(backend, { root, fence: 0 })).toMatch("DRIVER_REPLACED");
      expect(await write(backend, { root, fence: 1 })).toBeUndefined();
    });

    test("what is finished or not there cannot be taken", async () => {
      await using backend = await (await create()).open();
      const root = await startDriven(backend, gone);
      await backend.cancelPipelineRun(idOf(root), "enough", 2_000);
      expect(await backend.takeOver(idOf(root), self)).toEqual({ type: "finished", state: "CANCELED" });
      const run = runWrite(await startPipeline(backend));
      await backend.commit(batch({ runs: [run] }));
      for (const id of [idOf(newRef()), idOf(run.ref), "no id", ""]) {
        expect(await backend.takeOver(id, self)).toEqual({ type: "unknown" });
        expect(await backend.driverOf(id)).toBeUndefined();
      }
    });

    test("a driver that stops saying that it is alive gives the pipeline run up, unless it has ended or changed hands", async () => {
      const store = await create();
      await using backend = await store.open();
      const root = await startDriven(backend, self);
      const alive = backend.keepAlive({ root, fence: 1 });
      expect(await backend.takeOver(idOf(root), self)).toMatchObject({ type: "alive" });
      await alive[Symbol.asyncDispose]();
      expect(await backend.driverOf(idOf(root))).toMatchObject({
        driver: self,
        ended: expect.stringMatching(/given it up$/),
      });
      // Nobody has taken it yet.
      expect(await write(backend, { root, fence: 1 })).toBeUndefined();
      expect(await backend.takeOver(idOf(root), self)).toMatchObject({ type: "taken", lease: { fence: 2 } });
      expect(await backend.driverOf(idOf(root))).toMatchObject({ ended: undefined });

      await alive[Symbol.asyncDispose]();
      await backend.keepAlive({ root, fence: 1 })[Symbol.asyncDispose]();
      expect(await backend.driverOf(idOf(root))).toMatchObject({ ended: undefined });
      await using other = await store.open();
      other.keepAlive({ root, fence: 2 });
      await other[Symbol.asyncDispose]();
      expect(await backend.takeOver(idOf(root), self)).toMatchObject({ type: "taken", lease: { fence: 3 } });
      await backend.cancelPipelineRun(idOf(root), "enough", 2_000);
      await backend.keepAlive({ root, fence: 3 })[Symbol.asyncDispose]();
      expect((await backend.driverOf(idOf(root)))?.patience).toBeGreaterThan(0);
    });

    test("a pipeline run that is canceled from outside keeps its driver, whose rows are refused", async () => {
      await using backend = await (await create()).open();
      const root = await startDriven(backend, self);
      await backend.cancelPipelineRun(idOf(root), "enough", 2_000);
      const run = runWrite(root);
      const { refused } = await backend.commit(batch({ runs: [run], driver: { root, fence: 1 } }));
      expect(refused).toEqual([run.ref]);
    });
  });
}
