import { createHash, randomBytes } from "node:crypto";
import { appendFile, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_SIZE, digestBytes, type ErrorCode, RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import type { BlobName } from "../blob-store.ts";
import { temporaryFolder } from "../testing/processes.ts";
import { LocalBlobStore } from "./local-blob-store.ts";

const sizes = [0, 1, 65_536, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 5];

function is(code: ErrorCode) {
  return expect.toSatisfy((error) => RepriseError.is(error, code)) as Error;
}

async function newStore(): Promise<{ folder: string; blobs: LocalBlobStore }> {
  const folder = await temporaryFolder();
  return { folder, blobs: new LocalBlobStore(join(folder, "blobs")) };
}

function fileOf(blobs: LocalBlobStore, { digest, size }: BlobName): string {
  return join(blobs.place, digest.slice(0, 2), `${digest.slice(2)}${size > CHUNK_SIZE ? ".tree" : ""}`);
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(pieces));
}

describe("content", () => {
  test.each(sizes)("%i bytes come back however they are stored and read", async (size) => {
    const { folder, blobs } = await newStore();
    const bytes = randomBytes(size);
    const name = { digest: digestBytes(bytes), size };
    const file = join(folder, "file");
    await writeFile(file, bytes);
    async function* pieces() {
      for (let at = 0; at < size; at += 1_000_003) yield bytes.subarray(at, at + 1_000_003);
    }
    const ways = [() => blobs.put(bytes), () => blobs.put(pieces()), () => blobs.putFile(file)];
    for (const way of ways) {
      expect(await way()).toEqual(name);
      expect((await readFile(fileOf(blobs, name))).equals(bytes)).toBe(true);
      expect(Buffer.from(await blobs.read(name)).equals(bytes)).toBe(true);
      expect((await collect(blobs.stream(name))).equals(bytes)).toBe(true);
      const copy = join(folder, "copy");
      await blobs.copyTo(name, copy);
      expect((await readFile(copy)).equals(bytes)).toBe(true);
      await writeFile(copy, "changed");
      expect(Buffer.from(await blobs.read(name)).equals(bytes)).toBe(true);
      await rm(copy);
      expect(await blobs.delete([name])).toEqual([name]);
      expect(await blobs.has([name])).toEqual([false]);
      expect(await readdir(join(blobs.place, "tmp"))).toEqual([]);
    }
  });

  test("any range of a long blob is given out, each chunk verified alone", async () => {
    const { blobs } = await newStore();
    const bytes = randomBytes(2 * CHUNK_SIZE + 100);
    const name = await blobs.put(bytes);
    const edges = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 99, bytes.length];
    for (const start of edges) {
      for (const end of edges.filter((edge) => edge >= start)) {
        const range = await collect(blobs.stream(name, { start, end }));
        expect(range.equals(bytes.subarray(start, end))).toBe(true);
      }
    }
    for (const range of [
      { start: -1, end: 1 },
      { start: 2, end: 1 },
      { start: 0, end: bytes.length + 1 },
      { start: 0.5, end: 1 },
    ]) {
      await expect(collect(blobs.stream(name, range))).rejects.toThrow(is("INVALID_OPTION"));
    }
    // Damage in the last chunk is no matter for those who read the first.
    const file = await open(fileOf(blobs, name), "r+");
    await file.write(Buffer.from([(bytes.at(-1) ?? 0) ^ 1]), 0, 1, bytes.length - 1);
    await file.close();
    expect(await collect(blobs.stream(name, { start: 5, end: 9 }))).toEqual(bytes.subarray(5, 9));
    await expect(collect(blobs.stream(name, { start: 5, end: bytes.length }))).rejects.toThrow(is("ARTIFACT_DAMAGED"));
  });

  test("a small blob that spells the tree of a long one is another blob", async () => {
    const { blobs } = await newStore();
    const long = randomBytes(CHUNK_SIZE + 1);
    const longName = await blobs.put(long);
    const chunks = [long.subarray(0, CHUNK_SIZE), long.subarray(CHUNK_SIZE)].map((chunk) =>
      createHash("sha256").update(chunk).digest(),
    );
    const header = `reprise tree sha256 chunk ${CHUNK_SIZE} size ${long.length}\n`;
    const spelled = Buffer.concat([Buffer.from(header), ...chunks]);
    const name = await blobs.put(spelled);
    expect(name.digest).toBe(longName.digest);
    expect((await collect(blobs.stream(name))).equals(spelled)).toBe(true);
    expect((await collect(blobs.stream(longName))).equals(long)).toBe(true);
  });

  test("the digests of chunks are made again where they are missing or wrong", async () => {
    const { blobs } = await newStore();
    const bytes = randomBytes(CHUNK_SIZE + 9);
    const name = await blobs.put(bytes);
    const chunks = `${fileOf(blobs, name)}.chunks`;
    const sound = await readFile(chunks);
    for (const wrong of [undefined, Buffer.alloc(64), sound.subarray(1), Buffer.alloc(0)]) {
      if (wrong === undefined) await rm(chunks);
      else await writeFile(chunks, wrong);
      expect((await collect(blobs.stream(name, { start: 1, end: 4 }))).equals(bytes.subarray(1, 4))).toBe(true);
      expect((await readFile(chunks)).equals(sound)).toBe(true);
    }
  });

  test("blobs are closed to other users, a private copy has the mode of a new file", async () => {
    const { folder, blobs } = await newStore();
    for (const size of [10, CHUNK_SIZE + 10]) {
      const name = await blobs.put(randomBytes(size));
      expect((await stat(fileOf(blobs, name))).mode & 0o077).toBe(0);
      await blobs.copyTo(name, join(folder, `copy ${size}`));
      expect((await stat(join(folder, `copy ${size}`))).mode & 0o600).toBe(0o600);
    }
  });
});

describe("storing again", () => {
  test("what is there is not written again, only marked as used now", async () => {
    const { blobs } = await newStore();
    const bytes = randomBytes(100);
    const name = await blobs.put(bytes);
    const before = await stat(fileOf(blobs, name));
    await utimes(fileOf(blobs, name), 1, 1);
    await blobs.put(bytes, { known: name });
    const after = await stat(fileOf(blobs, name));
    expect(after.ino).toBe(before.ino);
    expect(after.mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    expect(await Array.fromAsync(blobs.list())).toMatchObject([{ ...name, modifiedAt: after.mtimeMs }]);
  });

  test("a blob of the wrong length is replaced", async () => {
    const { blobs } = await newStore();
    const bytes = randomBytes(100);
    const name = await blobs.put(bytes);
    await truncate(fileOf(blobs, name), 50);
    expect(await blobs.has([name])).toEqual([false]);
    await blobs.put(bytes, { known: name });
    expect(Buffer.from(await blobs.read(name)).equals(bytes)).toBe(true);
  });

  test("bytes that are not those of the name they are stored under are refused", async () => {
    const { blobs } = await newStore();
    const known = { digest: digestBytes(Buffer.from("before")), size: 6 };
    await expect(blobs.put(Buffer.from("after!"), { known })).rejects.toThrow(is("VALUE_NOT_STORABLE"));
    expect(await blobs.has([known])).toEqual([false]);
  });

  test("equal content stored at the same moment is one blob", async () => {
    const { blobs } = await newStore();
    const bytes = randomBytes(CHUNK_SIZE + 1);
    const names = await Promise.all(Array.from({ length: 8 }, () => blobs.put(bytes)));
    expect(new Set(names.map(({ digest }) => digest)).size).toBe(1);
    expect(await Array.fromAsync(blobs.list())).toHaveLength(1);
  });
});

describe("damage", () => {
  const damages: readonly [string, (path: string) => Promise<void>][] = [
    [
      "a flipped bit",
      async (path) => {
        const bytes = await readFile(path);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
    ],
    ["a missing end", (path) => truncate(path, 10)],
    ["no bytes", (path) => truncate(path, 0)],
    ["more bytes", (path) => appendFile(path, "x")],
  ];
  const readers: readonly [string, (blobs: LocalBlobStore, name: BlobName, folder: string) => Promise<unknown>][] = [
    ["read", (blobs, name) => blobs.read(name)],
    ["stream", (blobs, name) => collect(blobs.stream(name))],
    ["copyTo", (blobs, name, folder) => blobs.copyTo(name, join(folder, "copy"))],
  ];

  for (const size of [1_000, CHUNK_SIZE + 1_000]) {
    for (const [what, damage] of damages) {
      test.each(readers)(
        `${what} in ${size} bytes is found by %s, moved aside, and mended by storing again`,
        async (_, read) => {
          const { folder, blobs } = await newStore();
          const bytes = randomBytes(size);
          const name = await blobs.put(bytes);
          await damage(fileOf(blobs, name));
          await expect(read(blobs, name, folder)).rejects.toThrow(is("ARTIFACT_DAMAGED"));
          expect(await readdir(folder)).toEqual(["blobs"]);
          expect(await readdir(join(blobs.place, "quarantine"))).toHaveLength(1);
          await expect(read(blobs, name, folder)).rejects.toThrow(is("BLOB_NOT_FOUND"));
          await blobs.put(bytes, { known: name });
          await read(blobs, name, folder);
        },
      );
    }
  }

  test("a blob that is not there is an error that names it", async () => {
    const { blobs } = await newStore();
    const name = { digest: "ab".repeat(32), size: 3 };
    await expect(blobs.read(name)).rejects.toThrow(/Blob (ab){32} \(3 bytes\) is not in/);
    await expect(collect(blobs.stream({ ...name, size: CHUNK_SIZE * 2 }))).rejects.toThrow(is("BLOB_NOT_FOUND"));
    expect(await blobs.has([name])).toEqual([false]);
    expect(await blobs.delete([name])).toEqual([]);
    expect(await Array.fromAsync(blobs.list())).toEqual([]);
  });
});
