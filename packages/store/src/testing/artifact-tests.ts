import { encode, RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import type { TestStore } from "../backend.testsuite.ts";
import { artifactOf, batch, idOf, runWrite, startPipeline } from "./batches.ts";

/** Artifacts: stored once, found by their content. */
export function testArtifacts(create: () => Promise<TestStore>): void {
  describe("artifacts", () => {
    test("an artifact comes back with every field", async () => {
      await using backend = await (await create()).open();
      const document = encode("value").bytes;
      const blob = { digest: "ab".repeat(32), size: 7_000_000_000 };
      const write = {
        ...artifactOf(backend, "value", 77),
        typeName: "Model",
        type: { kind: "Model" },
        summary: { layers: [1, 2], text: "\ud800" },
        size: 7_000_000_009,
        blobs: [blob, { digest: "00".repeat(32), size: 0 }],
      };
      await backend.commit(batch({ artifacts: [write] }));
      const { ref, blobs, document: _, ...fields } = write;
      const stored = await backend.getArtifact(ref.digest);
      expect(stored?.artifact).toEqual({ ...fields, id: ref.digest, storage: "database" });
      expect(Buffer.from(stored?.document ?? [])).toEqual(Buffer.from(document));
      expect(stored?.blobs).toEqual(blobs);
    });

    test("an artifact whose document is a blob says so, and the blob is needed", async () => {
      await using backend = await (await create()).open();
      const held = { digest: "cd".repeat(32), size: 9 };
      const write = { ...artifactOf(backend, "large"), document: null, documentSize: 100_000, blobs: [held] };
      await backend.commit(batch({ artifacts: [write, artifactOf(backend, "small")] }));
      const stored = await backend.getArtifact(write.ref.digest);
      expect(stored).toMatchObject({ document: null, artifact: { storage: "blob", documentSize: 100_000 } });
      expect(await Array.fromAsync(backend.referencedBlobs())).toEqual([
        { digest: write.ref.digest, size: 100_000 },
        held,
      ]);
    });

    test("equal content is one artifact: in a batch, in the next one, and for another connection", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const make = () => artifactOf(backend, { same: true });
      const [a, b, c, d, e] = [make(), make(), make(), make(), artifactOf(backend, { same: false })];
      await backend.commit(batch({ artifacts: [a, b] }));
      await backend.commit(batch({ artifacts: [c, e] }));
      await another.commit(batch({ artifacts: [d] }));
      expect([b.ref.key, c.ref.key, d.ref.key]).toEqual([a.ref.key, a.ref.key, a.ref.key]);
      expect(e.ref.key).not.toBe(a.ref.key);
      expect(await another.statistics()).toMatchObject({ artifacts: 2 });
    });

    test("thousands of artifacts, old and new, are found by every connection and stored once", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const count = 6_000;
      const keys: number[] = [];
      for (let first = 0; first < count; first += 500) {
        // Two connections in turn: each has to see what the other has added and merged.
        const writer = first % 1_000 === 0 ? backend : another;
        const artifacts = Array.from({ length: 500 }, (_, index) => artifactOf(backend, first + index));
        await writer.commit(batch({ artifacts }));
        keys.push(...artifacts.map(({ ref }) => ref.key));
      }
      expect(new Set(keys).size).toBe(count);
      for (const connection of [backend, another, await store.open()]) {
        const again = Array.from({ length: count }, (_, value) => artifactOf(backend, value));
        await connection.commit(batch({ artifacts: again }));
        expect(again.map(({ ref }) => ref.key)).toEqual(keys);
        expect(await connection.statistics()).toMatchObject({ artifacts: count });
        for (const value of [0, 1, 499, 500, 3_000, count - 1]) {
          const { digest } = artifactOf(backend, value).ref;
          expect((await connection.getArtifact(digest))?.artifact.id).toBe(digest);
          expect(await connection.findArtifacts(digest.slice(0, 20), 2)).toEqual([digest]);
        }
        if (connection !== backend && connection !== another) await connection[Symbol.asyncDispose]();
      }
    });

    test("a discarded artifact is not found any more, and storing it again mends it", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const write = artifactOf(backend, "damaged");
      await backend.commit(batch({ artifacts: [write, artifactOf(backend, "sound")] }));
      await another.commit(batch({ artifacts: [artifactOf(backend, "damaged")] }));
      expect(await backend.discardArtifact(write.ref.digest)).toBe(true);
      expect(await backend.discardArtifact(write.ref.digest)).toBe(false);
      expect(await backend.getArtifact(write.ref.digest)).toBeUndefined();
      const again = artifactOf(backend, "damaged", 2_000);
      await another.commit(batch({ artifacts: [again, artifactOf(backend, "sound")] }));
      expect((await backend.getArtifact(write.ref.digest))?.artifact.createdAt).toBe(2_000);
      expect(await backend.statistics()).toMatchObject({ artifacts: 3 });
      expect(await backend.findArtifacts(write.ref.digest, 5)).toEqual([write.ref.digest]);
    });

    test("rows are read in batches, by hint or by search, also those that another connection has just written", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const blobs = [
        { digest: "ab".repeat(32), size: 7 },
        { digest: "cd".repeat(32), size: 0 },
      ];
      const large = { ...artifactOf(backend, "large"), document: null, documentSize: 100_000, size: 100_007, blobs };
      const writes = [large, ...Array.from({ length: 3_000 }, (_, index) => artifactOf(backend, index))];
      const rows = () =>
        writes.map(({ ref, document, documentSize, size, blobs: held }) => ({
          ref,
          document: document === null ? null : new Uint8Array(document),
          documentSize,
          size,
          blobs: held,
        }));
      await backend.commit(batch({ artifacts: writes.slice(0, 2_900) }));
      await another.commit(batch({ artifacts: writes.slice(2_900) }));
      for (const connection of [backend, another]) {
        for (const hint of [undefined, 0, 5, 1e9]) {
          const wanted = writes.map(({ ref }) => ({ id: ref.digest, hint: hint ?? ref.key }));
          expect(await connection.readArtifacts(wanted)).toEqual(rows());
        }
      }
      const { digest: id } = artifactOf(backend, "never stored").ref;
      expect(await backend.readArtifacts([0, 1].map((hint) => ({ id, hint })))).toEqual([undefined, undefined]);
      expect(await backend.readArtifacts([])).toEqual([]);
    });

    test("a row that was discarded is found by its hint alone", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const write = artifactOf(backend, "damaged");
      await backend.commit(batch({ artifacts: [write] }));
      const { digest: id, key } = write.ref;
      const read = async (hint: number) => (await backend.readArtifacts([{ id, hint }]))[0]?.ref.key;
      expect(await read(0)).toBe(key);
      await another.discardArtifact(id);
      expect([await read(0), await read(key)]).toEqual([undefined, key]);
      const again = artifactOf(backend, "damaged");
      await another.commit(batch({ artifacts: [again] }));
      expect([await read(0), await read(key), await read(again.ref.key)]).toEqual([again.ref.key, key, again.ref.key]);
    });

    test("a key that was read before a prune is not believed when something is written after it", async () => {
      const store = await create();
      await using backend = await store.open();
      await using another = await store.open();
      const root = await startPipeline(another);
      const [gone, kept] = [artifactOf(another, "gone"), artifactOf(another, "kept")];
      await another.commit(batch({ artifacts: [gone] }));
      // This connection has written nothing yet.
      const [row] = await backend.readArtifacts([{ id: gone.ref.digest, hint: 0 }]);
      await another.prune({ unusedBefore: Date.now(), dryRun: false });
      await another.commit(batch({ artifacts: [kept] }));
      const output = row?.ref ?? null;
      const run = runWrite({ ...root }, { parent: root, state: "RESOLVED", output });
      await expect(async () => backend.commit(batch({ runs: [run] }))).rejects.toSatisfy((error) =>
        RepriseError.is(error, "ARTIFACT_NOT_FOUND"),
      );
      await backend.commit(batch({ artifacts: [artifactOf(backend, "gone")], runs: [run] }));
      expect((await backend.getRun(idOf(run.ref)))?.output).toBe(gone.ref.digest);
      expect(await backend.check()).toEqual([]);
    });

    test("what is not stored can be neither discarded nor found", async () => {
      await using backend = await (await create()).open();
      const { digest } = artifactOf(backend, "nowhere").ref;
      expect(await backend.discardArtifact(digest)).toBe(false);
      expect(await backend.findArtifacts(digest.slice(0, 8), 1)).toEqual([]);
      expect(await backend.findArtifacts("not hex", 1)).toEqual([]);
    });
  });
}
