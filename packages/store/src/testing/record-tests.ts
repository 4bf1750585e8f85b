import type { PipelineRun } from "@reprise/core";
import { describe, expect, test } from "vitest";
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

const failure = {
  name: "RateLimitError",
  message: "slow down\0\u{1F600}",
  classes: ["RateLimitError", "Error"],
  stack: "RateLimitError: slow down\n    at x",
  code: "429",
  cause: { name: "Error", message: "", classes: ["Error"] },
};

/** Everything that is written can be read back as it was. */
export function testRecords(create: () => Promise<TestStore>): void {
  describe("records", () => {
    test("a pipeline run comes back with every field", async () => {
      await using backend = await (await create()).open();
      const root = newRef();
      const run = pipelineRun(root, {
        state: "COMPLETE",
        tags: ["nightly", "größe"],
        git: { remote: "git@host:a/b.git", branch: "main", commit: "abc", dirty: true },
        code: "0c".repeat(32),
        rerun: { rootId: idOf(newRef()), runId: idOf(newRef()), mode: "from", code: "stored" },
        finishedAt: 2_000,
      });
      await backend.commit(batch({ pipelineRuns: [{ root, run }], runs: [rootWrite(root, { state: "RESOLVED" })] }));
      expect(await backend.getPipelineRun(idOf(root))).toEqual({
        ...run,
        runs: 1,
        finished: 1,
        failed: 0,
        hits: 0,
        saved: 0,
      });
    });

    test("git state may come with an update, and one without it leaves it", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend, { state: "RUNNING", git: null });
      const git = { remote: null, branch: "main", commit: "abc", dirty: false };
      const update = async (fields: Partial<PipelineRun>) =>
        backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root, fields) }] }));
      expect((await update({ state: "RUNNING", git })).refused).toEqual([]);
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ state: "RUNNING", git });
      expect((await update({ state: "COMPLETE", git: null, finishedAt: 2_000 })).refused).toEqual([]);
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ state: "COMPLETE", git });
    });

    test("a run comes back with every field, also after an update", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const output = artifactOf(backend, { loss: 0.25 });
      const func = funcRef("train", "export const train = …");
      const write = runWrite(root, {
        func,
        name: "train on Monday",
        tags: ["a", "b"],
        position: 7,
        options: { timeout: "5m", retry: { retries: 2 } },
        kind: "map",
        parentAttempt: 2,
      });
      const created = {
        id: idOf(write.ref),
        rootId: idOf(root),
        parentId: idOf(root),
        parentAttempt: 2,
        awaited: false,
        kind: "map",
        func: func.record,
        name: "train on Monday",
        tags: ["a", "b"],
        position: 7,
        state: "CREATED",
        attempt: 0,
        options: { timeout: "5m", retry: { retries: 2 } },
        createdAt: 1_002,
        scheduledAt: null,
        startedAt: null,
        ranAt: null,
        finishedAt: null,
        output: null,
        failure: null,
        reason: null,
        progress: null,
        cache: { status: "DISABLED", key: null, originRunId: null, saved: null, note: null },
      };
      await backend.commit(batch({ runs: [write] }));
      expect(await backend.getRun(idOf(write.ref))).toEqual(created);

      const later = {
        awaited: true,
        state: "FAILED",
        attempt: 3,
        scheduledAt: 1_003,
        startedAt: 1_004,
        ranAt: 1_005,
        finishedAt: 1_006,
        failure,
        reason: "gave up",
        progress: { done: 3, total: null, note: "epoch 3" },
        cache: { status: "MISS", key: "0a".repeat(32), originRunId: idOf(newRef()), saved: 12_345, note: "a note" },
      } as const;
      await backend.commit(batch({ artifacts: [output], runs: [{ ...write, ...later, output: output.ref }] }));
      expect(await backend.getRun(idOf(write.ref))).toEqual({ ...created, ...later, output: output.ref.digest });
    });

    test("a run that was never scheduled may be RESOLVED from the cache in one write or in two", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const output = artifactOf(backend, "reused");
      const cache = {
        status: "HIT",
        key: "0a".repeat(32),
        originRunId: idOf(newRef()),
        saved: 500,
        note: null,
      } as const;
      const hit = { state: "RESOLVED", finishedAt: 1_003, output: output.ref, cache } as const;
      const [atOnce, later] = [runWrite(root), runWrite(root)];
      await backend.commit(batch({ artifacts: [output], runs: [{ ...atOnce, ...hit }, later] }));
      expect((await backend.commit(batch({ runs: [{ ...later, ...hit }] }))).refused).toEqual([]);
      for (const { ref } of [atOnce, later]) {
        expect(await backend.getRun(idOf(ref))).toMatchObject({
          state: "RESOLVED",
          attempt: 0,
          scheduledAt: null,
          startedAt: null,
          finishedAt: 1_003,
          output: output.ref.digest,
          cache,
        });
      }
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ runs: 3, finished: 2, hits: 2, saved: 1_000 });
    });

    test("hits and what they saved are counted when runs end, once", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const cache = {
        status: "HIT",
        key: "0a".repeat(32),
        originRunId: idOf(newRef()),
        saved: 40,
        note: null,
      } as const;
      const miss = { ...cache, status: "MISS", originRunId: null, saved: null } as const;
      const hit = runWrite(root, { cache });
      const canceled = runWrite(root, { cache });
      const missed = runWrite(root, { cache: miss });
      // It tells as well how long the original had taken, but so does each run that is nested in it.
      const cloned = runWrite(root, { cache: { ...cache, status: "CLONED" } });
      await backend.commit(batch({ runs: [hit, canceled, missed, cloned] }));
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ finished: 0, hits: 0, saved: 0 });
      const ends = [
        { ...hit, state: "RESOLVED" },
        { ...canceled, state: "CANCELED" },
        { ...missed, state: "RESOLVED" },
        { ...cloned, state: "RESOLVED" },
      ] as const;
      await backend.commit(batch({ runs: ends }));
      await backend.commit(batch({ runs: ends }));
      expect(await backend.listPipelineRuns()).toMatchObject([{ finished: 4, hits: 1, saved: 40 }]);
    });

    test("what the cache did may change after a run has ended", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const miss = { status: "MISS", key: "0a".repeat(32), originRunId: null, saved: null, note: null } as const;
      const run = runWrite(root, { state: "RESOLVED", cache: miss });
      const plain = runWrite(root, { state: "RESOLVED" });
      await backend.commit(batch({ runs: [run, plain] }));
      const failed = { ...miss, status: "PUT_FAILED", note: "the disk is full" } as const;
      const { refused } = await backend.commit(batch({ cacheChanges: [{ run: run.ref, cache: failed }] }));
      expect(refused).toEqual([]);
      expect(await backend.getRun(idOf(run.ref))).toMatchObject({ state: "RESOLVED", cache: failed });
      expect((await backend.getRun(idOf(plain.ref)))?.cache.status).toBe("DISABLED");
      // In the batch of the row as well: the later word counts.
      const both = runWrite(root, { state: "RESOLVED", cache: miss });
      await backend.commit(batch({ runs: [both], cacheChanges: [{ run: both.ref, cache: failed }] }));
      expect((await backend.getRun(idOf(both.ref)))?.cache).toEqual(failed);
    });

    test("that a run is waited for may be told later, whatever its state", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const [waited, other] = [runWrite(root, { state: "RESOLVED" }), runWrite(root, { state: "RESOLVED" })];
      await backend.commit(batch({ runs: [waited, other] }));
      expect((await backend.commit(batch({ awaited: [waited.ref] }))).refused).toEqual([]);
      expect(await backend.getRun(idOf(waited.ref))).toMatchObject({ state: "RESOLVED", awaited: true });
      expect((await backend.getRun(idOf(other.ref)))?.awaited).toBe(false);
    });

    test("edges come back by argument, in the order in which they were written", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const [load, train] = [runWrite(root), runWrite(root)];
      const value = artifactOf(backend, [1, 2]);
      const whole = { run: train.ref, kind: "data", argument: 1, name: "epochs", argumentPath: "" } as const;
      const part = { run: train.ref, kind: "data", argument: 0, name: "data", source: load.ref } as const;
      const order = {
        kind: "order",
        argument: -1,
        name: "",
        argumentPath: "",
        sourcePath: "",
        artifact: null,
      } as const;
      await backend.commit(
        batch({
          artifacts: [value],
          runs: [load, train],
          edges: [
            { ...whole, source: null, sourcePath: "", artifact: value.ref },
            { ...part, argumentPath: ".rows[3]", sourcePath: ".model", artifact: null },
          ],
        }),
      );
      await backend.commit(batch({ edges: [{ ...order, run: train.ref, source: load.ref }] }));
      const runId = idOf(train.ref);
      const sourceRunId = idOf(load.ref);
      const artifactId = value.ref.digest;
      expect(await backend.edgesOf(runId)).toEqual([
        { ...order, artifact: undefined, runId, sourceRunId, artifactId: null },
        {
          runId,
          kind: "data",
          argument: 0,
          name: "data",
          argumentPath: ".rows[3]",
          sourceRunId,
          sourcePath: ".model",
          artifactId: null,
        },
        {
          runId,
          kind: "data",
          argument: 1,
          name: "epochs",
          argumentPath: "",
          sourceRunId: null,
          sourcePath: "",
          artifactId,
        },
      ]);
      expect(await backend.edgesOf(sourceRunId)).toEqual([]);
    });

    test("edges of runs that are written out of order do not meet", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const [first, second] = [runWrite(root), runWrite(root)];
      const edge = (run: typeof first, argument: number) =>
        ({
          run: run.ref,
          kind: "data",
          argument,
          name: `${argument}`,
          argumentPath: "",
          source: null,
          sourcePath: "",
          artifact: null,
        }) as const;
      await backend.commit(
        batch({ runs: [first, second], edges: [edge(second, 0), edge(first, 0), edge(second, 1), edge(first, 1)] }),
      );
      await backend.commit(batch({ edges: [edge(second, 2), edge(first, 2)] }));
      for (const run of [first, second]) {
        const edges = await backend.edgesOf(idOf(run.ref));
        expect(edges.map(({ argument }) => argument)).toEqual([0, 1, 2]);
      }
    });

    test("attempts, events and metrics come back with every field", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const run = runWrite(root);
      await backend.commit(
        batch({
          runs: [run],
          attempts: [
            { run: run.ref, attempt: 2, startedAt: null, endedAt: 9, failure },
            { run: run.ref, attempt: 1, startedAt: 3, endedAt: 5, failure: { ...failure, code: undefined } },
          ],
          events: [
            { root, run: run.ref, time: 5, kind: "retry", message: "again" },
            { root, run: null, time: 4, kind: "warning", message: "slow" },
          ],
          metrics: [
            { run: run.ref, time: 5, name: "loss", type: "gauge", value: 0.1 },
            { run: run.ref, time: 5, name: "loss", type: "gauge", value: Number.NaN },
            { run: run.ref, time: 6, name: "tokens", type: "count", value: -Infinity },
          ],
        }),
      );
      const runId = idOf(run.ref);
      const { code: _, ...withoutCode } = failure;
      expect(await backend.attemptsOf(runId)).toEqual([
        { runId, attempt: 1, startedAt: 3, endedAt: 5, failure: withoutCode },
        { runId, attempt: 2, startedAt: null, endedAt: 9, failure },
      ]);
      const events = await backend.eventsOf(idOf(root));
      expect(events).toMatchObject([
        { rootId: idOf(root), runId, time: 5, kind: "retry", message: "again" },
        { rootId: idOf(root), runId: null, time: 4, kind: "warning", message: "slow" },
      ]);
      expect(events[1]?.sequence).toBeGreaterThan(events[0]?.sequence ?? Infinity);
      expect(await backend.metricsOf(runId)).toEqual([
        { runId, time: 5, name: "loss", type: "gauge", value: 0.1 },
        { runId, time: 5, name: "loss", type: "gauge", value: Number.NaN },
        { runId, time: 6, name: "tokens", type: "count", value: -Infinity },
      ]);
    });

    test("logs of a run come alone or with those of every run below it, oldest first", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const parent = runWrite(root);
      const child = runWrite(root, { parent: parent.ref });
      const other = runWrite(root);
      const line = (run: typeof parent, time: number, text: string) =>
        ({ run: run.ref, attempt: 1, time, stream: "log", level: "warn", text, data: { text } }) as const;
      await backend.commit(
        batch({
          runs: [parent, child, other],
          logs: [line(child, 3, "c\0d"), line(parent, 2, "p"), line(other, 1, "o")],
        }),
      );
      await backend.commit(
        batch({ logs: [{ ...line(parent, 4, "q"), data: null, stream: "stderr", level: "error" }] }),
      );
      const texts = async (id: string, nested: boolean) =>
        (await backend.logsOf(id, { nested })).map(({ text }) => text);
      expect(await texts(idOf(parent.ref), false)).toEqual(["p", "q"]);
      expect(await texts(idOf(parent.ref), true)).toEqual(["p", "c\0d", "q"]);
      expect(await texts(idOf(root), true)).toEqual(["o", "p", "c\0d", "q"]);
      expect(await texts(idOf(newRef()), true)).toEqual([]);
      expect((await backend.logsOf(idOf(child.ref)))[0]).toEqual({
        runId: idOf(child.ref),
        attempt: 1,
        time: 3,
        stream: "log",
        level: "warn",
        text: "c\0d",
        data: { text: "c\0d" },
      });
    });

    test("a func's record is stored once for each content", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const root = await startPipeline(backend);
      const write = (source: string) => runWrite({ ...root }, { parent: root, func: funcRef("f", source) });
      const [a, b, c] = [write("1"), write("2"), write("1")];
      await backend.commit(batch({ runs: [a, b] }));
      await another.commit(batch({ runs: [c] }));
      expect(c.func.key).toBe(a.func.key);
      expect(b.func.key).not.toBe(a.func.key);
      expect((await backend.getRun(idOf(b.ref)))?.func).toEqual(b.func.record);
    });

    test("what is not there is undefined or empty", async () => {
      await using backend = await (await create()).open();
      const id = idOf(newRef());
      expect(await backend.getPipelineRun(id)).toBeUndefined();
      expect(await backend.getRun(id)).toBeUndefined();
      expect(await backend.getRun("no id")).toBeUndefined();
      expect(await backend.getArtifact("0".repeat(64))).toBeUndefined();
      expect(await backend.getArtifact("short")).toBeUndefined();
      expect(await backend.listRuns(id)).toEqual([]);
      expect(await backend.eventsOf(id)).toEqual([]);
      expect(await backend.listPipelineRuns()).toEqual([]);
      expect(await backend.check()).toEqual([]);
    });
  });
}
