import { randomBytes } from "node:crypto";
import { appendFileSync, copyFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_SIZE, digestBytes, RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import { LocalBlobStore } from "./local-blob-store.ts";

async function newFile(size: number) {
  const folder = await temporaryFolder();
  const path = join(folder, "file");
  const bytes = randomBytes(size);
  await writeFile(path, bytes);
  return { path, bytes, blobs: new LocalBlobStore(join(folder, "blobs")) };
}

describe("a file that changes while it is stored", () => {
  // Long enough that hashing has a middle, in which the first progress is told.
  const size = 4 * CHUNK_SIZE;
  const changes: readonly [string, (path: string) => void][] = [
    ["grows", (path) => appendFileSync(path, "x")],
    ["shrinks", (path) => truncateSync(path, size - 1)],
    ["is written in place", (path) => writeFileSync(path, randomBytes(size))],
    [
      "is replaced by another of the same length and time",
      (path) => {
        writeFileSync(`${path}.new`, randomBytes(size));
        utimesSync(`${path}.new`, 1, 1);
        renameSync(`${path}.new`, path);
        utimesSync(path, 1, 1);
      },
    ],
  ];

  test.each(changes)("and %s once is stored as it is then", async (_, change) => {
    const { path, blobs } = await newFile(size);
    let changed = false;
    const name = await blobs.putFile(path, {
      onProgress: () => {
        if (changed) return;
        changed = true;
        change(path);
      },
    });
    const now = await readFile(path);
    expect(name).toEqual({ digest: digestBytes(now), size: now.length });
    expect(Buffer.from(await blobs.read(name)).equals(now)).toBe(true);
  });

  test.each(changes)("and %s all the time is refused, and nothing is stored", async (_, change) => {
    const { path, blobs } = await newFile(size);
    const original = `${path}.original`;
    copyFileSync(path, original);
    const stored = blobs.putFile(path, { onProgress: () => change(path) });
    await expect(stored).rejects.toSatisfy((error) => RepriseError.is(error, "FILE_CHANGED"));
    expect(await Array.fromAsync(blobs.list())).toEqual([]);
  });
});

describe("moving many bytes", () => {
  test("progress grows to the whole size, when storing and when copying", async () => {
    const { path, blobs } = await newFile(5 * CHUNK_SIZE + 1);
    const told: number[] = [];
    const onProgress = (bytes: number) => told.push(bytes);
    const name = await blobs.putFile(path, { onProgress });
    expect(told.at(-1)).toBe(name.size);
    expect(told.every((bytes, index) => bytes >= (told[index - 1] ?? 0))).toBe(true);
    told.length = 0;
    await blobs.putFile(path, { onProgress });
    expect(told.at(-1)).toBe(name.size);
    told.length = 0;
    await blobs.copyTo(name, `${path}.copy`, { onProgress });
    expect(told.at(-1)).toBe(name.size);
  });

  test("an abort ends it and leaves nothing", async () => {
    const { path, blobs, bytes } = await newFile(5 * CHUNK_SIZE);
    const abortAt = (run: (options: { signal: AbortSignal; onProgress: () => void }) => Promise<unknown>) => {
      const controller = new AbortController();
      return run({ signal: controller.signal, onProgress: () => controller.abort() });
    };
    await expect(abortAt((options) => blobs.putFile(path, options))).rejects.toThrow(/aborted/);
    await expect(abortAt((options) => blobs.put(bytes, options))).rejects.toThrow(/aborted/);
    expect(await Array.fromAsync(blobs.list())).toEqual([]);
    const name = await blobs.put(bytes);
    await expect(abortAt((options) => blobs.copyTo(name, `${path}.copy`, options))).rejects.toThrow(/aborted/);
    expect(await readdir(join(blobs.place, "tmp"))).toEqual([]);
    expect((await readdir(join(path, ".."))).sort()).toEqual(["blobs", "file"]);
  });

  test("a copy never overwrites a file", async () => {
    const { path, blobs, bytes } = await newFile(CHUNK_SIZE + 1);
    const name = await blobs.put(bytes);
    await writeFile(path, "mine");
    await expect(blobs.copyTo(name, path)).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readFile(path, "utf8")).toBe("mine");
  });

  test("a file that is not there is the system's own error", async () => {
    const { path, blobs } = await newFile(1);
    await expect(blobs.putFile(`${path}.missing`)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("more than 2 GiB pass through a heap of 200 MB in constant memory", async () => {
    const folder = await temporaryFolder();
    const script = `
      import { open, rm } from "node:fs/promises";
      import { LocalBlobStore } from ${JSON.stringify(storeIndex)};
      const blobs = new LocalBlobStore(${JSON.stringify(join(folder, "blobs"))});
      const path = ${JSON.stringify(join(folder, "sparse"))};
      let most = 0;
      const watch = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()) }, 5);
      {
        const size = 2 ** 31 + 4;
        const file = await open(path, "w");
        await file.truncate(size);
        await file.write(Buffer.from("end"), 0, 3, size - 3);
        await file.close();
        const name = await blobs.putFile(path);
        let read = 0;
        let end = "";
        for await (const chunk of blobs.stream(name)) {
          read += chunk.length;
          if (read === size) end = Buffer.from(chunk.subarray(-3)).toString();
        }
        console.log(name.size === size, read === size, end);
        await blobs.delete([name]);
      }
      clearInterval(watch);
      console.log(most < 400e6 ? "constant" : "used " + most);`;
    const { stdout, stderr } = await runNode(script, { flags: ["--max-old-space-size=200"] });
    expect(stderr).toBe("");
    expect(stdout).toBe("true true end\nconstant\n");
  }, 180_000);
});
