import { randomBytes } from "node:crypto";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { encode } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { put, write } from "./cache/testing/entries.ts";
import { collectGarbage } from "./gc.ts";
import { type Home, openHome } from "./home.ts";
import { thisProcess } from "./process-gone.ts";
import { batch, idOf, newRef, pipelineRun, rootWrite, startPipeline } from "./testing/batches.ts";
import { batchesModule, runNode, storeIndex, temporaryFolder } from "./testing/processes.ts";

const hour = 3_600_000;

async function storeRun(home: Home, value: unknown, endedAt: number) {
  const { write, blobsWritten } = home.artifacts.prepare(encode(value));
  await blobsWritten;
  const root = newRef();
  await home.backend.commit(
    batch({
      artifacts: [{ ...write, createdAt: endedAt }],
      pipelineRuns: [{ root, run: pipelineRun(root, { state: "COMPLETE", finishedAt: endedAt }) }],
      runs: [rootWrite(root, { state: "RESOLVED", output: write.ref, finishedAt: endedAt })],
    }),
  );
  return { id: idOf(root), digest: write.ref.digest };
}

/** As if every blob had been stored at that time. */
async function ageBlobs(home: Home, time: number): Promise<void> {
  for await (const { digest } of home.blobs.list()) {
    await utimes(join(home.path, "blobs", digest.slice(0, 2), digest.slice(2)), time / 1_000, time / 1_000);
  }
}

describe("collecting garbage", () => {
  test("removes old pipeline runs, then their artifacts, then their blobs; a dry run tells exactly that", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const now = Date.now();
    const shared = new Uint8Array(80_000).fill(1);
    await storeRun(home, { large: new Uint8Array(90_000), shared }, now - 50 * hour);
    const kept = await storeRun(home, { shared }, now - hour / 2);
    const stray = await home.blobs.put(randomBytes(500));
    await ageBlobs(home, now - 40 * hour);
    const fresh = await home.blobs.put(randomBytes(600));

    const options = { home, olderThan: 24 * hour, now };
    const told = await collectGarbage({ ...options, dryRun: true });
    expect(told).toMatchObject({ pipelineRuns: 1, runs: 1, artifacts: 1, blobs: 2, blobBytes: 90_500 });
    expect(await home.blobs.has([stray, fresh])).toEqual([true, true]);
    expect(await collectGarbage(options)).toEqual(told);
    expect(await home.blobs.has([stray, fresh])).toEqual([false, true]);
    expect(await home.artifacts.read(kept.digest)).toEqual({ shared });
    expect(await collectGarbage(options)).toMatchObject({ pipelineRuns: 0, artifacts: 0, blobs: 0 });
    expect(await home.backend.check()).toEqual([]);
  });

  test("leaves pipeline runs alone unless their age is given", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    await storeRun(home, new Uint8Array(90_000), 1);
    await ageBlobs(home, 1);
    expect(await collectGarbage({ home })).toMatchObject({ pipelineRuns: 0, artifacts: 0, blobs: 0 });
  });

  test("keeps what was stored since the oldest pipeline run began that is going on, however long ago", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const now = Date.now();
    const origin = { ...pipelineRun(newRef()).origin, ...thisProcess() };
    const root = await startPipeline(home.backend, { createdAt: now - 10 * hour, origin });
    const early = await home.blobs.put(randomBytes(10));
    await ageBlobs(home, now - 11 * hour);
    const held = await home.blobs.put(randomBytes(20));
    const { digest } = held;
    const time = (now - 9 * hour) / 1_000;
    await utimes(join(home.path, "blobs", digest.slice(0, 2), digest.slice(2)), time, time);

    expect(await collectGarbage({ home, now })).toMatchObject({ blobs: 1 });
    expect(await home.blobs.has([early, held])).toEqual([false, true]);
    await home.backend.cancelPipelineRun(idOf(root), "done", now);
    expect(await collectGarbage({ home, now })).toMatchObject({ blobs: 1 });
  });

  test("does not wait for a pipeline run whose driver is gone", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const { stdout } = await runNode("console.log(process.pid)");
    const origin = { ...pipelineRun(newRef()).origin, host: hostname(), pid: Number(stdout) };
    await startPipeline(home.backend, { createdAt: 1, origin });
    await home.blobs.put(randomBytes(10));
    await ageBlobs(home, 1_000);
    expect(await collectGarbage({ home })).toMatchObject({ blobs: 1 });
  });

  test("takes nothing from a writer that stores, at the same time, values that were garbage a moment ago", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const values = Array.from({ length: 40 }, (_, index) => new Uint8Array(70_000).fill(index));
    const script = `
      import { encode } from ${JSON.stringify(import.meta.resolve("@reprise/core"))};
      import { openHome } from ${JSON.stringify(storeIndex)};
      import { batch, runWrite, startPipeline } from ${JSON.stringify(batchesModule)};
      await using home = await openHome({ path: ${JSON.stringify(path)} });
      const root = await startPipeline(home.backend, { state: "RUNNING" });
      for (let round = 0; round < 5; round++) {
        for (let index = 0; index < ${values.length}; index++) {
          const { write, blobsWritten } = home.artifacts.prepare(encode(new Uint8Array(70_000).fill(index)));
          await blobsWritten;
          await home.backend.commit(batch({ artifacts: [write], runs: [runWrite(root, { state: "RESOLVED", output: write.ref })] }));
        }
      }`;
    // Every value is there as garbage: stored long ago and needed by nobody.
    for (const value of values) await home.blobs.put(value);
    await ageBlobs(home, 1_000);
    const ended = new AbortController();
    const writer = runNode(script).finally(() => {
      ended.abort();
    });
    let removed = 0;
    while (!ended.signal.aborted) removed += (await collectGarbage({ home })).blobs;
    expect((await writer).stderr).toBe("");
    expect(removed).toBeLessThanOrEqual(values.length);

    expect(await collectGarbage({ home })).toMatchObject({ blobs: 0 });
    const [pipeline] = await home.backend.listPipelineRuns();
    const runs = (await home.backend.listRuns(pipeline?.id ?? "")).slice(1);
    expect(runs).toHaveLength(values.length * 5);
    for (const [index, { output }] of runs.slice(0, values.length).entries()) {
      expect(await home.artifacts.read(output ?? "")).toEqual(values[index]);
    }
  });

  test("keeps what the cache leads to, until it is cleared, however old the run is that computed it", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const now = Date.now();
    const value = { large: new Uint8Array(90_000).fill(7), text: "x".repeat(90_000) };
    const cached = await storeRun(home, value, now - 50 * hour);
    const other = await storeRun(home, new Uint8Array(80_000), now - 50 * hour);
    const entry = put("key", { artifact: cached.digest, originRunId: cached.id, createdAt: now - 50 * hour });
    await write(home.cache, { puts: [entry] });
    await ageBlobs(home, now - 50 * hour);

    const options = { home, olderThan: 24 * hour, now };
    const told = await collectGarbage({ ...options, dryRun: true });
    expect(told).toMatchObject({ pipelineRuns: 2, artifacts: 1, blobs: 1 });
    expect(await collectGarbage(options)).toEqual(told);
    expect(await home.backend.getRun(cached.id)).toBeUndefined();
    expect(await home.artifacts.read(cached.digest)).toEqual(value);
    await expect(home.artifacts.read(other.digest)).rejects.toMatchObject({ code: "ARTIFACT_NOT_FOUND" });
    expect(await collectGarbage(options)).toMatchObject({ artifacts: 0, blobs: 0 });

    await home.cache.clear({}, { dryRun: true });
    expect(await collectGarbage(options)).toMatchObject({ artifacts: 0, blobs: 0 });
    await home.cache.clear({}, { dryRun: false });
    expect(await collectGarbage(options)).toMatchObject({ artifacts: 1, blobs: 2 });
    await expect(home.artifacts.read(cached.digest)).rejects.toMatchObject({ code: "ARTIFACT_NOT_FOUND" });
  });

  test("removes nothing while it cannot be known what the cache leads to", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const { digest } = await storeRun(home, "cached", 1);
    await writeFile(join(path, "cache.db"), "this is no database ".repeat(100));
    await expect(collectGarbage({ home, olderThan: hour })).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringMatching(/cache\.db is damaged/) as string,
    });
    expect(await home.artifacts.read(digest)).toBe("cached");
  });

  test("needs no cache and makes none", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    await collectGarbage({ home });
    expect(await readdir(path)).not.toContain("cache.db");
  });

  test("removes the working directories that a killed driver left, once they are older than the grace", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const left = home.makeWorkdir();
    await mkdir(join(left, "deep"));
    await writeFile(join(left, "deep", "part.bin"), randomBytes(1_000));
    const unused = { pipelineRuns: 0, blobs: 0, temporaryFiles: 0 };
    expect(await collectGarbage({ home })).toMatchObject(unused);
    const later = { home, now: Date.now() + 2 * hour };
    const told = { ...unused, temporaryFiles: 1, temporaryBytes: 1_000 };
    expect(await collectGarbage({ ...later, dryRun: true })).toMatchObject(told);
    expect(await readdir(left)).toEqual(["deep"]);
    expect(await collectGarbage(later)).toMatchObject(told);
    await expect(readdir(left)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
