import { createHash } from "node:crypto";
import { readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_SIZE, digestBytes } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import { LocalBlobStore, type PutStep } from "./local-blob-store.ts";

const steps: readonly PutStep[] = ["created", "written", "synced", "chunks", "renamed"];

function bytesOf(size: number): Buffer {
  return Buffer.alloc(size, createHash("sha512").update(String(size)).digest());
}

function writer(folder: string, size: number, inner: string): string {
  return `
    import { createHash } from "node:crypto";
    import { LocalBlobStore } from ${JSON.stringify(storeIndex)};
    const bytes = Buffer.alloc(${size}, createHash("sha512").update("${size}").digest());
    const kill = () => process.kill(process.pid, "SIGKILL");
    const open = (onStep) => new LocalBlobStore(${JSON.stringify(join(folder, "blobs"))}, { onStep });
    ${inner}`;
}

describe("a process that is killed while it stores a blob", () => {
  test.each(steps)("at the step `%s` leaves the whole blob or none", async (step) => {
    for (const size of [5_000, CHUNK_SIZE + 5_000]) {
      if (step === "chunks" && size < CHUNK_SIZE) continue;
      const folder = await temporaryFolder();
      const script = writer(
        folder,
        size,
        `await open((step) => { if (step === ${JSON.stringify(step)}) kill() }).put(bytes);`,
      );
      expect((await runNode(script)).signal).toBe("SIGKILL");
      const blobs = new LocalBlobStore(join(folder, "blobs"));
      const name = { digest: digestBytes(bytesOf(size)), size };
      expect(await blobs.has([name])).toEqual([step === "renamed"]);
      const stored = await Array.fromAsync(blobs.list());
      expect(stored).toMatchObject(step === "renamed" ? [name] : []);
      for (const blob of stored) expect(Buffer.from(await blobs.read(blob)).equals(bytesOf(size))).toBe(true);

      // What is left is removed once it is old, and does not disturb whoever stores the blob.
      const leftovers = await blobs.sweep(Date.now() + 1_000, { dryRun: true });
      expect(leftovers.files).toBe({ created: 1, written: 1, synced: 1, chunks: 2, renamed: 0 }[step]);
      expect(await blobs.sweep(Date.now() - 60_000)).toEqual({ files: 0, bytes: 0 });
      expect(await blobs.sweep(Date.now() + 1_000)).toEqual(leftovers);
      expect(await readdir(join(blobs.place, "tmp"))).toEqual([]);
      await blobs.put(bytesOf(size));
      expect(Buffer.from(await blobs.read(name)).equals(bytesOf(size))).toBe(true);
    }
  });

  test("at any moment leaves only whole blobs under their names", async () => {
    const folder = await temporaryFolder();
    const script = writer(
      folder,
      300_000,
      `new (await import("node:worker_threads")).Worker(
         "setTimeout(() => process.kill(" + process.pid + ", 'SIGKILL'), " + process.env.AFTER + ")", { eval: true });
       const blobs = open(() => undefined);
       for (let index = 0; ; index++) {
         bytes.writeUInt32LE(index, 0);
         bytes.writeUInt32LE(process.pid, 4);
         await Promise.all([blobs.put(bytes.subarray(0, 300_000 - index)), blobs.put(bytes.subarray(1))]);
       }`,
    );
    for (const after of [20, 35, 50, 65, 80, 110]) {
      expect((await runNode(script, { env: { AFTER: String(after) } })).signal).toBe("SIGKILL");
    }
    const blobs = new LocalBlobStore(join(folder, "blobs"));
    const stored = await Array.fromAsync(blobs.list());
    expect(stored.length).toBeGreaterThan(6);
    for (const blob of stored) await blobs.read(blob);
  });
});

describe("a full disk", () => {
  test("is an error that says so; nothing is left", async () => {
    const folder = await temporaryFolder();
    const script = writer(
      folder,
      3_000_000,
      `process.on("SIGXFSZ", () => undefined);
       await open(() => undefined).put(bytes).catch((error) => console.log(error.code, error.message));`,
    );
    const { stdout } = await runNode(script, { ulimit: "-f 2048" });
    expect(stdout).toMatch(/^STORE_FULL The disk that holds .*blobs is full.*reprise gc/);
    const blobs = new LocalBlobStore(join(folder, "blobs"));
    expect(await Array.fromAsync(blobs.list())).toEqual([]);
    expect(await readdir(join(blobs.place, "tmp"))).toEqual([]);
  });

  test("a folder that may not be written is an error that says so", async () => {
    const folder = await temporaryFolder();
    const script = writer(
      folder,
      3_000,
      `await open(() => undefined).put(bytes).catch((error) => console.log(error.code, error.message));`,
    );
    const { stdout } = await runNode(script, { unprivileged: true });
    expect(stdout).toMatch(/^STORE_READ_ONLY .*REPRISE_HOME/);
  });
});

describe("removing", () => {
  test("what was used since the collector looked is left, also in the middle of the removal", async () => {
    const folder = await temporaryFolder();
    const blobs = new LocalBlobStore(join(folder, "blobs"));
    const [old, used] = [await blobs.put(bytesOf(10)), await blobs.put(bytesOf(20))];
    const file = (digest: string) => join(blobs.place, digest.slice(0, 2), digest.slice(2));
    for (const { digest } of [old, used]) await utimes(file(digest), 1, 1);
    const unusedSince = Date.now() - 1_000;
    await blobs.put(bytesOf(20), { known: used });
    expect(await blobs.delete([old, used], { unusedSince })).toEqual([old]);
    expect(await blobs.has([old, used])).toEqual([false, true]);
    expect((await stat(file(used.digest))).mtimeMs).toBeGreaterThan(unusedSince);
    expect(await readdir(join(blobs.place, "trash"))).toEqual([]);
  });

  test("a blob that was moved away by a collector that was killed is taken back by whoever reads it", async () => {
    const folder = await temporaryFolder();
    const blobs = new LocalBlobStore(join(folder, "blobs"));
    for (const size of [30, CHUNK_SIZE + 30]) {
      const name = await blobs.put(bytesOf(size));
      const suffix = size > CHUNK_SIZE ? ".tree" : "";
      const { mkdir, rename } = await import("node:fs/promises");
      await mkdir(join(blobs.place, "trash"), { recursive: true });
      await rename(
        join(blobs.place, name.digest.slice(0, 2), name.digest.slice(2) + suffix),
        join(blobs.place, "trash", name.digest + suffix),
      );
      expect(await blobs.has([name])).toEqual([true]);
      expect(Buffer.from(await blobs.read(name)).equals(bytesOf(size))).toBe(true);
      expect(await readdir(join(blobs.place, "trash"))).toEqual([]);
    }
  });
});
