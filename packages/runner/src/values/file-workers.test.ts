import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestBytes } from "@reprise/core";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { type ReadTask, statFields } from "./file-tasks.ts";
import { runFileTask, runFileTaskHere } from "./file-workers.ts";
import { digestAt } from "./known-files.ts";
import { temporaryHome } from "./testing/temporary-home.ts";

const { folder } = temporaryHome();
const contents = Array.from({ length: 50 }, (_, index) => randomBytes(index * 700));
mkdirSync(join(folder, "files"));
const paths = contents.map((content, index) => {
  const path = join(folder, "files", `file-${index}`);
  writeFileSync(path, content);
  return path;
});

test("a thread gives the same answer as this one: digests, numbers and contents", async () => {
  const task: ReadTask = { kind: "read", paths: paths.join("\0"), longest: 30_000 };
  const here = runFileTaskHere(task);
  expect(await runFileTask(task)).toEqual(here);
  let start = 0;
  for (const [index, content] of contents.entries()) {
    expect(here.stats[index * statFields]).toBe(content.length);
    expect(here.ways[index]).toBe(content.length > 30_000 ? "l" : "r");
    if (content.length > 30_000) continue;
    expect(digestAt(here.digests, index)).toBe(digestBytes(content));
    expect(Buffer.compare(here.content.subarray(start, start + content.length), content)).toBe(0);
    start += content.length;
  }
  expect(here.content.length).toBe(start);
});

test("a failed task names the path, and the thread goes on", async () => {
  const missing = join(folder, "missing");
  await expect(runFileTask({ kind: "list", paths: missing })).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  await expect(runFileTask({ kind: "list", paths: missing })).rejects.toThrow(missing);
  const [listed] = await runFileTask({ kind: "list", paths: join(folder, "files") });
  expect(listed?.names.split("/").length).toBe(50);
});

test("content that does not have its digest is not written", () => {
  const path = join(folder, "written");
  const parts = new Float64Array([0, 3, 0]);
  const task = { kind: "write", paths: path, parts, digests: new Uint8Array(32), content: Buffer.from("abc") } as const;
  expect(() => runFileTaskHere(task)).toThrow("does not have the digest");
  expect(() => runFileTaskHere({ kind: "list", paths: path })).toThrow("does not exist");
});

test.each([
  { minify: false, keepNames: true },
  { minify: true, keepNames: false },
  { minify: true, keepNames: true },
])("threads work in a bundle, and do not keep the process alive: %o", async (options) => {
  const outfile = join(folder, `bundle-${String(options.minify)}-${String(options.keepNames)}.mjs`);
  const source = fileURLToPath(new URL("file-workers.ts", import.meta.url));
  await build({
    stdin: {
      contents: `
        import { runFileTask } from ${JSON.stringify(source)};
        const lists = Array.from({ length: 9 }, () => runFileTask({ kind: "list", paths: ${JSON.stringify(join(folder, "files"))} }));
        console.log((await Promise.all(lists)).map(([{ kinds }]) => kinds.length).join());`,
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22.13",
    outfile,
    ...options,
  });
  // A thread that kept it alive would run into the time limit.
  const output = execFileSync(process.execPath, [outfile], { timeout: 8_000, encoding: "utf8" });
  expect(output).toBe("50,50,50,50,50,50,50,50,50\n");
});
