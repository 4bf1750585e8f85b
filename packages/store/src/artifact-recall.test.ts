import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { BlobRef, CHUNK_SIZE, encode } from "@reprise/core";
import { describe, expect, test } from "vitest";
import type { Recalled, RecallRequest } from "./artifact-recall.ts";
import { INLINE_LIMIT } from "./artifact-store.ts";
import type { ArtifactWrite } from "./backend.ts";
import type { BlobName } from "./blob-store.ts";
import { type Home, openHome } from "./home.ts";
import { batch } from "./testing/batches.ts";
import { temporaryFolder } from "./testing/processes.ts";

const lost = (why: RegExp) => ({ type: "lost", why: expect.stringMatching(why) as string });
const long = "x".repeat(INLINE_LIMIT);

async function store(home: Home, value: unknown): Promise<ArtifactWrite> {
  const { write, blobsWritten } = home.artifacts.prepare(encode(value));
  await blobsWritten;
  await home.backend.commit(batch({ artifacts: [write] }));
  return write;
}

function request({ ref }: ArtifactWrite, changes: Partial<RecallRequest> = {}): RecallRequest {
  return { id: ref.digest, hint: ref.key, since: 0, ...changes };
}

async function recall(home: Home, write: ArtifactWrite, changes: Partial<RecallRequest> = {}): Promise<Recalled> {
  return (await home.artifacts.recall([request(write, changes)]))[0] as Recalled;
}

function fileOf({ blobs }: Home, { digest, size }: BlobName): string {
  return join(blobs.place, digest.slice(0, 2), `${digest.slice(2)}${size > CHUNK_SIZE ? ".tree" : ""}`);
}

/** Changes one byte in the middle and puts the times back, as far as a program can. */
async function flipByte(file: string): Promise<void> {
  const before = await stat(file);
  const bytes = await readFile(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await utimes(file, before.atime, before.mtime);
}

/** A time that the system stamps on no earlier change and on every later one. */
async function timeAfter(file: string): Promise<number> {
  const probe = `${file}.probe`;
  const since = Math.ceil((await stat(file)).ctimeMs);
  do await writeFile(probe, "");
  while ((await stat(probe)).ctimeMs <= since + 1);
  await rm(probe);
  return since;
}

function changeRow(home: Home, sql: string, ...values: (Uint8Array | number)[]): void {
  const database = new DatabaseSync(join(home.path, "reprise.db"));
  database.prepare(sql).run(...values);
  database.close();
}

/** How many bytes this process has read. */
async function bytesRead(): Promise<number> {
  return Number(/^rchar: (\d+)$/m.exec(await readFile("/proc/self/io", "utf8"))?.[1]);
}

describe("recall", () => {
  test("small values come back at once, by hint or without, also from another connection", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const values = [undefined, { a: 1 }, "text", [new Date(0)], ""];
    const writes: ArtifactWrite[] = [];
    for (const value of values) writes.push(await store(home, value));
    await using another = await openHome({ path });
    for (const { artifacts } of [home, another]) {
      for (const hint of [undefined, 0, 1, 4_711]) {
        const answers = artifacts.recall(writes.map((write) => request(write, hint === undefined ? {} : { hint })));
        // No promise: whoever is idle pays no turn of the event loop.
        expect(answers).toEqual(
          writes.map(({ ref, document, size }) => ({
            type: "found",
            ref,
            bytes: new Uint8Array(document as Uint8Array),
            hasBlobs: false,
            size,
          })),
        );
      }
    }
  });

  test("a value's document, its parts and files that are loaded later are found, at any depth", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const file = await home.blobs.put(randomBytes(10));
    const lazy = new BlobRef(file.digest, file.size);
    const cases = [
      { value: { deep: [{ bytes: new Uint8Array(100_000) }] }, bytes: true, hasBlobs: true },
      { value: { deep: new Map([["file", [lazy]]]) }, bytes: true, hasBlobs: true },
      { value: long, bytes: false, hasBlobs: false },
      { value: [long, lazy, new Float64Array(1_500_000)], bytes: false, hasBlobs: true },
    ];
    for (const { value, bytes, hasBlobs } of cases) {
      const write = await store(home, value);
      const answer = await recall(home, write);
      expect(answer).toMatchObject({ type: "found", ref: write.ref, hasBlobs, size: write.size });
      expect(answer.type === "found" && answer.bytes !== undefined).toBe(bytes);
      expect(await recall(home, write, { hint: 0, since: Date.now() + 1_000 })).toEqual(answer);
    }
  });

  test("hints that lead nowhere, or to another artifact, do no harm", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const [one, other] = [await store(home, "one"), await store(home, "other")];
    const found = { type: "found", ref: one.ref };
    expect(await recall(home, one, { hint: other.ref.key })).toMatchObject(found);
    expect(await recall(home, one, { hint: 1e9 })).toMatchObject(found);
    const never = home.artifacts.prepare(encode("never stored")).write;
    expect(await recall(home, never, { hint: one.ref.key })).toEqual(
      lost(/^artifact .{64} is not in .*reprise.db any/),
    );
    // A row that garbage collection has removed, whose key nobody else gets.
    await home.backend.prune({ unusedBefore: Date.now() + 1_000, dryRun: false });
    expect(await recall(home, one)).toEqual(lost(/any more/));
    const again = await store(home, "one");
    expect(again.ref.key).not.toBe(one.ref.key);
    expect(await recall(home, one)).toMatchObject({ type: "found", ref: again.ref });
  });

  test("a row whose document was changed is lost and counts as not stored; storing the value mends it", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const write = await store(home, { a: "value" });
    const sound = await store(home, "sound");
    for (const hint of [write.ref.key, 0]) {
      const damaged = new Uint8Array(write.document as Uint8Array);
      damaged[damaged.length - 1] = 0;
      changeRow(home, "UPDATE artifacts SET document = ? WHERE size = ?", damaged, write.size);
      const answers = await home.artifacts.recall([request(sound), request(write, { hint }), request(sound)]);
      expect(answers).toMatchObject([{ type: "found" }, lost(/damaged/), { type: "found" }]);
      expect(await home.backend.getArtifact(write.ref.digest)).toBeUndefined();
      const mended = await store(home, { a: "value" });
      // The hint still leads to the row that was found damaged.
      expect(await recall(home, write)).toMatchObject({ type: "found", ref: mended.ref });
      expect(await recall(home, write)).toMatchObject({ type: "found", ref: mended.ref });
    }
  });

  test("a row that has lost the name of a blob is lost", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const write = await store(home, [long, new Uint8Array(100_000)]);
    changeRow(home, "DELETE FROM artifact_blobs");
    expect(await recall(home, write)).toEqual(lost(/^artifact .* is damaged/));
  });

  const three = [new Uint8Array(100_000).fill(1), { b: new Uint8Array(100_000).fill(2) }, new Uint8Array(70_000)];
  const damages: readonly [string, RegExp, (file: string) => Promise<void>][] = [
    ["changed in one byte", /was damaged/, flipByte],
    ["cut off", /was damaged/, (file) => truncate(file, 1_000)],
    ["emptied", /was damaged/, (file) => truncate(file, 0)],
    ["deleted", /any more/, (file) => rm(file)],
  ];
  const values: readonly [string, unknown, (write: ArtifactWrite) => BlobName][] = [
    ["one of three blobs", three, ({ blobs }) => blobs[1] as BlobName],
    ["a document that is a blob", long, ({ ref, documentSize }) => ({ digest: ref.digest, size: documentSize })],
    ["a blob of many chunks", [new Uint8Array(CHUNK_SIZE + 1_000)], ({ blobs }) => blobs[0] as BlobName],
  ];
  for (const [what, value, blobOf] of values) {
    test.each(damages)(`${what} that was %s is lost, and mended by storing the value again`, async (_, why, damage) => {
      await using home = await openHome({ path: await temporaryFolder() });
      const write = await store(home, value);
      const sound = await store(home, [new Uint8Array(90_000)]);
      const file = fileOf(home, blobOf(write));
      // Known to be sound: by having been read in this process, and by an entry that was written after it.
      expect(await recall(home, write)).toMatchObject({ type: "found" });
      const since = await timeAfter(file);
      await damage(file);
      const answers = await home.artifacts.recall([request(sound, { since }), request(write, { since })]);
      expect(answers).toMatchObject([{ type: "found" }, lost(why)]);
      await store(home, value);
      expect(await recall(home, write, { since })).toMatchObject({ type: "found" });
      expect(isDeepStrictEqual(await home.artifacts.read(write.ref.digest), value)).toBe(true);
    });
  }

  test("a file nested deep in a value, which is loaded only on demand, is missed", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const blobs = await Promise.all([0, 1, 2].map((size) => home.blobs.put(randomBytes(size))));
    const value = {
      models: new Map([["best", [{ files: blobs.map(({ digest, size }) => new BlobRef(digest, size)) }]]]),
    };
    const write = await store(home, value);
    expect(await recall(home, write)).toMatchObject({ type: "found" });
    for (const blob of blobs) {
      const file = fileOf(home, blob);
      await rename(file, `${file}.away`);
      expect(await recall(home, write, { since: Date.now() + 1_000 })).toEqual(lost(new RegExp(blob.digest)));
      await rename(`${file}.away`, file);
    }
    expect(await recall(home, write)).toMatchObject({ type: "found" });
  });

  test("a blob that a garbage collection is removing is taken back", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const write = await store(home, long);
    const trashed = join(home.blobs.place, "trash", write.ref.digest);
    await mkdir(dirname(trashed), { recursive: true });
    await rename(fileOf(home, { digest: write.ref.digest, size: write.documentSize }), trashed);
    expect(await recall(home, write)).toMatchObject({ type: "found" });
    expect(await home.artifacts.read(write.ref.digest)).toBe(long);
  });
});

describe("verifying blobs", () => {
  test("what was not changed since it was known to be sound is not read, if its length is right", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const blob = await home.blobs.put(randomBytes(1_000));
    const file = fileOf(home, blob);
    // Damaged before the time at which it is said to have been sound: not looked for, and thereby seen not to be read.
    await flipByte(file);
    const since = await timeAfter(file);
    expect(await home.blobs.verify([{ ...blob, since }])).toEqual(["sound"]);
    expect(await home.blobs.verify([blob])).toEqual(["damaged"]);
    expect(await home.blobs.verify([blob])).toEqual(["missing"]);
    // The length of a file costs nothing to know, whatever its times say.
    const short = await home.blobs.put(randomBytes(1_000));
    await truncate(fileOf(home, short), 999);
    const later = await timeAfter(fileOf(home, short));
    expect(await home.blobs.verify([{ ...short, since: later }])).toEqual(["damaged"]);
    expect(await readdir(join(home.blobs.place, "quarantine"))).toHaveLength(2);
  });

  // Only Linux tells how much a process has read.
  test.skipIf(process.platform !== "linux")("what was read once in a process is not read again", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const blobs = await Promise.all([1, 2, 3].map((size) => home.blobs.put(randomBytes(size * 1_000_000))));
    await using another = await openHome({ path });
    const reads: boolean[] = [];
    for (const store of [home, another]) {
      for (let time = 0; time < 2; time += 1) {
        const before = await bytesRead();
        expect(await store.blobs.verify(blobs)).toEqual(["sound", "sound", "sound"]);
        reads.push((await bytesRead()) - before >= 6_000_000);
      }
    }
    expect(reads).toEqual([true, false, true, false]);
  });

  test("many blobs are looked at without opening many files at once", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const blobs: BlobName[] = [];
    for (let index = 0; index < 300; index += 1) blobs.push(await home.blobs.put(Buffer.from(`blob ${index}`)));
    await rm(fileOf(home, blobs[200] as BlobName));
    const conditions = await home.blobs.verify(blobs);
    expect(conditions.flatMap((condition, index) => (condition === "sound" ? [] : [[index, condition]]))).toEqual([
      [200, "missing"],
    ]);
  });
});
