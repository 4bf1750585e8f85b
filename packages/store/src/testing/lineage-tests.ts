import { describe, expect, test } from "vitest";
import type { EdgeWrite, RunRef } from "../backend.ts";
import type { TestStore } from "../backend.testsuite.ts";
import { artifactOf, batch, idOf, newRef, rootWrite, runWrite, startPipeline } from "./batches.ts";

function edgeOf(run: RunRef, changes: Partial<EdgeWrite>): EdgeWrite {
  const plain = { kind: "data", argument: 0, name: "x", argumentPath: "", source: null, sourcePath: "" } as const;
  return { run, ...plain, artifact: null, ...changes };
}

/** Which runs made an artifact, and which ones used it. */
export function testLineage(create: () => Promise<TestStore>): void {
  describe("lineage", () => {
    test("producers are the runs whose output it is, of all pipeline runs, oldest first", async () => {
      await using backend = await (await create()).open();
      const [first, second] = [await startPipeline(backend), await startPipeline(backend)];
      const [value, other] = [artifactOf(backend, "value"), artifactOf(backend, "other")];
      const early = runWrite(first, { state: "RESOLVED", output: value.ref });
      const late = runWrite(second, { state: "RESOLVED", output: value.ref });
      const unrelated = runWrite(first, { state: "RESOLVED", output: other.ref });
      // The younger one is written first.
      await backend.commit(batch({ artifacts: [value, other], runs: [late, unrelated] }));
      await backend.commit(batch({ runs: [early] }));
      const producers = await backend.producersOf(value.ref.digest);
      expect(producers).toEqual([await backend.getRun(idOf(early.ref)), await backend.getRun(idOf(late.ref))]);
    });

    test("consumers have it as an argument, or in one by a future that gave it as a whole", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const [value, other] = [artifactOf(backend, "value"), artifactOf(backend, "other")];
      const producer = runWrite(root, { state: "RESOLVED", output: value.ref });
      const [whole, constant, twice, nested, part, not] = [newRef(), newRef(), newRef(), newRef(), newRef(), newRef()];
      const users = [whole, constant, twice, nested, part, not].map((ref) => runWrite(root, { ref }));
      const source = producer.ref;
      const edges = [
        edgeOf(whole, { source, artifact: value.ref }),
        edgeOf(constant, { artifact: value.ref }),
        edgeOf(twice, { argument: 1, artifact: value.ref }),
        edgeOf(twice, { argument: 0, artifact: value.ref }),
        edgeOf(nested, { argumentPath: "[0]", source }),
        edgeOf(nested, { argumentPath: "[1]", source, sourcePath: ".model" }),
        edgeOf(nested, { kind: "template", artifact: other.ref }),
        edgeOf(part, { source, sourcePath: ".model", artifact: other.ref }),
        edgeOf(not, { kind: "order", argument: -1, source }),
        edgeOf(not, { kind: "template", argument: 1, artifact: value.ref }),
        edgeOf(root, { kind: "result", argument: -1, source }),
      ];
      await backend.commit(batch({ artifacts: [value, other], runs: [producer, ...users], edges }));
      const consumers = await backend.consumersOf(value.ref.digest);
      const told = consumers.map(({ run, edge }) => `${run.id} ${edge.argument}${edge.argumentPath}`);
      const uses = { whole: idOf(whole), constant: idOf(constant), twice: idOf(twice), nested: idOf(nested) };
      expect(told).toEqual([
        `${uses.whole} 0`,
        `${uses.constant} 0`,
        `${uses.twice} 0`,
        `${uses.twice} 1`,
        `${uses.nested} 0[0]`,
      ]);
      for (const { run, edge } of consumers) expect(edge.runId).toBe(run.id);
      expect(consumers[0]).toEqual({
        run: await backend.getRun(idOf(whole)),
        edge: (await backend.edgesOf(idOf(whole)))[0],
      });
    });

    test("of an artifact that was found damaged and stored again all makers and users are told", async () => {
      await using backend = await (await create()).open();
      const root = await startPipeline(backend);
      const [damaged, again] = [artifactOf(backend, "value"), artifactOf(backend, "value")];
      const runs = [damaged, again].map(({ ref }) => runWrite(root, { state: "RESOLVED", output: ref }));
      const [before, after] = runs as [(typeof runs)[0], (typeof runs)[0]];
      await backend.commit(
        batch({ artifacts: [damaged], runs: [before], edges: [edgeOf(before.ref, { artifact: damaged.ref })] }),
      );
      expect(await backend.discardArtifact(damaged.ref.digest)).toBe(true);
      await backend.commit(
        batch({ artifacts: [again], runs: [after], edges: [edgeOf(after.ref, { artifact: again.ref })] }),
      );
      expect(again.ref.key).not.toBe(damaged.ref.key);
      const ids = runs.map(({ ref }) => idOf(ref));
      expect((await backend.producersOf(again.ref.digest)).map(({ id }) => id)).toEqual(ids);
      expect((await backend.consumersOf(again.ref.digest)).map(({ run }) => run.id)).toEqual(ids);
    });

    test("what is not there has neither", async () => {
      await using backend = await (await create()).open();
      await backend.commit(batch({ runs: [], artifacts: [artifactOf(backend, "alone")] }));
      const root = await startPipeline(backend);
      await backend.commit(batch({ runs: [rootWrite(root)] }));
      const { digest } = artifactOf(backend, "alone").ref;
      for (const id of [digest, "0".repeat(64), digest.slice(0, 10), "", idOf(newRef())]) {
        expect(await backend.producersOf(id)).toEqual([]);
        expect(await backend.consumersOf(id)).toEqual([]);
      }
    });
  });
}
