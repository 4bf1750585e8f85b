import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CHUNK_SIZE, digestBytes } from "@reprise/core";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { runNode, temporaryFolder } from "../testing/processes.ts";
import { hashFile } from "./chunk-hasher.ts";
import { HashThreads } from "./hash-threads.ts";

async function newFile(size: number) {
  const folder = await temporaryFolder();
  const path = join(folder, "file");
  const bytes = Buffer.alloc(size, "0123456789abcdef!");
  await writeFile(path, bytes);
  return { folder, path, bytes };
}

test("files shared by threads have the digest of their bytes, also several files at once", async () => {
  const { path, bytes } = await newFile(5 * CHUNK_SIZE + 17);
  const files = await Promise.all([open(path), open(path), open(path)]);
  const expected = { digest: digestBytes(bytes), size: bytes.length };
  for (const hashed of await Promise.all(files.map((file) => hashFile(file, bytes.length)))) {
    expect(hashed).toMatchObject(expected);
  }
  await Promise.all(files.map((file) => file.close()));
});

test("what the system refuses in a thread rejects with its code, and the thread goes on", async () => {
  const { path } = await newFile(10);
  const threads = new HashThreads(1);
  const file = await open(path);
  const task = { source: file.fd, target: undefined, start: 0, length: 10 };
  await expect(threads.run({ ...task, source: 99_999 })).rejects.toMatchObject({ code: "EBADF" });
  await expect(threads.run({ ...task, target: file.fd })).rejects.toMatchObject({ code: "EBADF" });
  expect(await threads.run(task)).toHaveLength(32);
  await file.close();
  await threads.close();
});

test("the threads work in a bundle, and do not keep a process alive", async () => {
  const { folder, path, bytes } = await newFile(4 * CHUNK_SIZE);
  const outfile = join(folder, "bundle", "index.mjs");
  await mkdir(join(folder, "bundle"));
  await build({
    entryPoints: [fileURLToPath(new URL("../index.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "node",
    minify: true,
    outfile,
  });
  const { stdout, code } = await runNode(`
    import { open } from "node:fs/promises";
    import { hashFile } from ${JSON.stringify(outfile)};
    const file = await open(${JSON.stringify(path)});
    console.log((await hashFile(file, ${bytes.length})).digest);
    await file.close();`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${digestBytes(bytes)}\n` });
});
