import { randomBytes } from "node:crypto";
import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { BlobRef, encode, type ErrorCode, registerType, RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { INLINE_LIMIT } from "./artifact-store.ts";
import { type Home, openHome } from "./home.ts";
import { batch } from "./testing/batches.ts";
import { temporaryFolder } from "./testing/processes.ts";

function is(code: ErrorCode, message = /./) {
  return expect.toSatisfy((error) => RepriseError.is(error, code) && message.test(error.message)) as Error;
}

async function store(home: Home, value: unknown, same?: unknown) {
  const encoded = encode(value);
  const { write, blobsWritten } = home.artifacts.prepare(encoded, undefined, same);
  await blobsWritten;
  await home.backend.commit(batch({ artifacts: [write] }));
  return write;
}

const values: readonly [string, unknown, { document: boolean; blobs: number; summarised: boolean }][] = [
  ["undefined", undefined, { document: true, blobs: 0, summarised: false }],
  ["a small object", { a: new Date(0), b: [1n, -0, Number.NaN] }, { document: true, blobs: 0, summarised: false }],
  ["a long text", "é".repeat(INLINE_LIMIT), { document: false, blobs: 0, summarised: true }],
  ["many floats", new Float64Array(100_000).fill(0.1), { document: true, blobs: 1, summarised: true }],
  [
    "more than a chunk of bytes, twice",
    (() => {
      const bytes = new Uint8Array(9_000_000).fill(7);
      return { a: bytes, b: bytes, text: "x".repeat(100_000) };
    })(),
    { document: false, blobs: 1, summarised: true },
  ],
];

describe("artifacts", () => {
  test.each(values)("%s comes back as it was, from a second home too", async (_, value, expected) => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const write = await store(home, value);
    expect({
      document: write.document !== null,
      blobs: write.blobs.length,
      summarised: write.summary !== null && write.type !== null,
    }).toEqual(expected);
    await using again = await openHome({ path });
    expect(isDeepStrictEqual(await again.artifacts.read(write.ref.digest), value)).toBe(true);
    expect((await again.backend.getArtifact(write.ref.digest))?.artifact.size).toBe(write.size);
  });

  test("reading twice gives two values", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const { ref } = await store(home, { list: [1], bytes: new Uint8Array(100_000) });
    const [a, b] = (await Promise.all([home.artifacts.read(ref.digest), home.artifacts.read(ref.digest)])) as [
      { list: number[]; bytes: Uint8Array },
      { list: number[]; bytes: Uint8Array },
    ];
    a.list.push(2);
    a.bytes[0] = 9;
    expect(b).toEqual({ list: [1], bytes: new Uint8Array(100_000) });
  });

  test("a value of a registered type keeps its summary, because a reader may not know the type", async () => {
    class Temperature {
      readonly degrees: number;
      constructor(degrees: number) {
        this.degrees = degrees;
      }
    }
    registerType<Temperature, number>({
      name: "test.Temperature",
      is: (value) => value instanceof Temperature,
      encode: ({ degrees }) => degrees,
      decode: (degrees) => new Temperature(degrees),
      summary: ({ degrees }) => `${degrees} °C`,
    });
    await using home = await openHome({ path: await temporaryFolder() });
    const write = await store(home, new Temperature(21));
    expect(write.typeName).toBe("test.Temperature");
    expect(JSON.stringify(write.summary)).toContain("21 °C");
    expect(await home.artifacts.read(write.ref.digest)).toEqual(new Temperature(21));
  });

  test("a value that names a blob that is not stored is refused", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    const there = await home.blobs.put(randomBytes(10));
    await store(home, new BlobRef(there.digest, there.size));
    await expect(store(home, new BlobRef("ab".repeat(32), 3))).rejects.toThrow(is("BLOB_NOT_FOUND", /abab/));
  });
});

describe("damage", () => {
  test("an artifact that is not there is an error that names it", async () => {
    await using home = await openHome({ path: await temporaryFolder() });
    await expect(home.artifacts.read("ab".repeat(32))).rejects.toThrow(is("ARTIFACT_NOT_FOUND", /(ab){32}/));
  });

  test("a document that was changed in the database is found, and mended by storing the value again", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const { ref } = await store(home, "a value");
    const database = new DatabaseSync(join(path, "reprise.db"));
    database.prepare("UPDATE artifacts SET document = ?").run(encode("another").bytes);
    database.close();
    await expect(home.artifacts.read(ref.digest)).rejects.toThrow(is("ARTIFACT_DAMAGED", new RegExp(ref.digest)));
    await expect(home.artifacts.read(ref.digest)).rejects.toThrow(is("ARTIFACT_NOT_FOUND"));
    await store(home, "a value");
    expect(await home.artifacts.read(ref.digest)).toBe("a value");
  });

  test("a missing or damaged blob is told with the artifact, and mended by storing the value again", async () => {
    const path = await temporaryFolder();
    await using home = await openHome({ path });
    const values = [new Uint8Array(100_000).fill(3), { text: "x".repeat(INLINE_LIMIT) }];
    for (const value of values) {
      const { ref, blobs } = await store(home, value);
      const digest = blobs[0]?.digest ?? ref.digest;
      const file = join(path, "blobs", digest.slice(0, 2), digest.slice(2));
      await rm(file);
      await expect(home.artifacts.read(ref.digest)).rejects.toThrow(is("ARTIFACT_NOT_FOUND", new RegExp(ref.digest)));
      await store(home, value);
      await truncate(file, 5);
      await expect(home.artifacts.read(ref.digest)).rejects.toThrow(is("ARTIFACT_DAMAGED", new RegExp(ref.digest)));
      await store(home, value);
      await writeFile(file, "wrong".repeat(20_000));
      await expect(home.artifacts.read(ref.digest)).rejects.toThrow(is("ARTIFACT_DAMAGED"));
      await store(home, value);
      expect(await home.artifacts.read(ref.digest)).toEqual(value);
    }
    expect(await readdir(join(path, "blobs", "quarantine"))).toHaveLength(4);
  });
});
