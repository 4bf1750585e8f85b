import { describe, expect, test } from "vitest";
import type { TestStore } from "../backend.testsuite.ts";
import { batch, idOf, newRef, runWrite, startPipeline } from "./batches.ts";

/** Lists, cursors, filters and short ids. */
export function testLists(create: () => Promise<TestStore>): void {
  describe("lists", () => {
    test("pipeline runs are listed newest first, page by page, without a gap or a repetition", async () => {
      await using backend = await (await create()).open();
      const ids: string[] = [];
      for (let index = 0; index < 7; index++) ids.unshift(idOf(await startPipeline(backend)));
      const listed: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await backend.listPipelineRuns({ limit: 3, ...(after === undefined ? {} : { after }) });
        listed.push(...page.map(({ id }) => id));
        after = page.at(-1)?.id;
        if (after === undefined) break;
        // What begins meanwhile is newer than the cursor and does not disturb it.
        await startPipeline(backend);
      }
      expect(listed).toEqual(ids);
    });

    test("pipeline runs are filtered by state, func and tag, together too", async () => {
      await using backend = await (await create()).open();
      const failed = await startPipeline(backend, { state: "FAILED", funcId: "a", tags: ["x", "y"] });
      const running = await startPipeline(backend, { state: "RUNNING", funcId: "b", tags: ["x"] });
      await startPipeline(backend, { state: "COMPLETE", funcId: "a" });
      const list = async (options: Parameters<typeof backend.listPipelineRuns>[0]) =>
        (await backend.listPipelineRuns(options)).map(({ id }) => id);
      expect(await list({ state: "FAILED" })).toEqual([idOf(failed)]);
      expect(await list({ funcId: "b" })).toEqual([idOf(running)]);
      expect(await list({ tag: "x" })).toEqual([idOf(running), idOf(failed)]);
      expect(await list({ tag: "x", funcId: "a" })).toEqual([idOf(failed)]);
      expect(await list({ tag: '"x"' })).toEqual([]);
    });

    test("the runs of a pipeline run are listed in order of creation, and counted", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      await backend.commit(batch({ runs: [runWrite(await startPipeline(backend))] }));
      const states = ["RESOLVED", "FAILED", "NESTED_FAILED", "CANCELED", "RUNNING"] as const;
      const runs = states.map((state, index) => runWrite(root, { state, position: states.length - index }));
      await backend.commit(batch({ runs }));
      const listed = await backend.listRuns(idOf(root));
      expect(listed.map(({ id }) => id)).toEqual([idOf(root), ...runs.map(({ ref }) => idOf(ref)).reverse()]);
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ runs: 6, finished: 4, failed: 2 });
      await backend.commit(batch({ runs: [{ ...(runs[4] as (typeof runs)[4]), state: "FAILED" }] }));
      expect(await backend.getPipelineRun(idOf(root))).toMatchObject({ runs: 6, finished: 5, failed: 3 });
    });

    test("runs are found by how their ids begin or end", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const other = newRef(1);
      await backend.commit(batch({ runs: [runWrite(root, { ref: other })] }));
      const id = idOf(root);
      expect(await backend.findRuns(id, 2)).toEqual([id]);
      expect(await backend.findRuns(id.slice(0, 13), 2)).toEqual([id]);
      expect(await backend.findRuns(id.replaceAll("-", "").slice(0, 11).toUpperCase(), 2)).toEqual([id]);
      expect(await backend.findRuns("00000000-0001", 2)).toEqual([idOf(other)]);
      expect(await backend.findRuns(id.slice(-8), 2)).toEqual([id]);
      expect(await backend.findRuns(id.slice(-5), 2)).toEqual([id]);
      expect(await backend.findRuns("0", 1)).toHaveLength(1);
      expect(await backend.findRuns("", 5)).toHaveLength(2);
      expect(await backend.findRuns("xyz%", 2)).toEqual([]);
      expect(await backend.findRuns(`${id}0`, 2)).toEqual([]);
    });
  });
}
