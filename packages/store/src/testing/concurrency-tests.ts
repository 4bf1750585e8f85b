import { RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import type { TestStore } from "../backend.testsuite.ts";
import { batchesModule, runNode, storeIndex } from "./processes.ts";

/** Several processes at once, and processes of other releases. */
export function testConcurrency(create: () => Promise<TestStore>): void {
  describe("processes", () => {
    test("several processes open a fresh store at once and write into it", async () => {
      const store = await create();
      const [processes, batches] = [8, 12];
      const script = `
        import * as store from ${JSON.stringify(storeIndex)};
        import { artifactOf, batch, runWrite, startPipeline } from ${JSON.stringify(batchesModule)};
        await using backend = await ${store.expression};
        const root = await startPipeline(backend);
        for (let index = 0; index < ${batches}; index++) {
          const own = artifactOf(backend, process.env.NAME + index);
          const common = artifactOf(backend, index);
          await backend.commit(batch({
            artifacts: [own, common],
            runs: [runWrite(root, { state: "RESOLVED", output: own.ref }), runWrite(root, { output: common.ref })],
          }));
        }`;
      const ended = await Promise.all(
        Array.from({ length: processes }, (_, index) => runNode(script, { env: { NAME: `writer ${index} ` } })),
      );
      expect(ended.map(({ code, stderr }) => (code === 0 ? "" : stderr)).join("")).toBe("");
      await using backend = await store.open();
      expect(await backend.statistics()).toMatchObject({
        pipelineRuns: processes,
        runs: processes * (1 + 2 * batches),
        artifacts: processes * batches + batches,
      });
      for (const { id } of await backend.listPipelineRuns()) {
        expect(await backend.getPipelineRun(id)).toMatchObject({ runs: 1 + 2 * batches, finished: batches });
        const outputs = (await backend.listRuns(id)).map(({ output }) => output);
        expect(new Set(outputs.filter((output) => output !== null)).size).toBe(2 * batches);
      }
      expect(await backend.check()).toEqual([]);
    });

    test("a store of a newer release is refused with both versions and what to do", async () => {
      const store = await create();
      await (await store.open())[Symbol.asyncDispose]();
      await store.makeNewer();
      await expect(() => store.open()).rejects.toSatisfy(
        (error) => RepriseError.is(error, "STORE_TOO_NEW") && /\d+.*up to \d+.*Upgrade/s.test(error.message),
      );
    });
  });
}
