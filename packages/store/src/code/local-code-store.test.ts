import { execFile } from "node:child_process";
import { chmod, readdir, readFile, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CHUNK_SIZE, digestBytes } from "@reprise/core";
import { beforeEach, describe, expect, test } from "vitest";
import { runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import type { CodeBundle } from "./code-store.ts";
import { type KeepStep, LocalCodeStore } from "./local-code-store.ts";

const hour = 3_600_000;
const text = "export const answer = 42;\n";
const record = { id: "a", name: "a", description: null, source: "() => 1", file: "/project/pipeline.ts", line: 3 };

function bundle(program = text): CodeBundle {
  return {
    program: Buffer.from(program),
    map: Buffer.from("{}"),
    entry: "/project/pipeline.ts",
    notes: ["package x is taken from the project"],
    funcs: [record],
  };
}

let store: LocalCodeStore;
beforeEach(async () => {
  store = new LocalCodeStore(join(await temporaryFolder(), "code"));
});

async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("a kept program", () => {
  test("is found under the hash of its module, ready to be imported", async () => {
    const digest = await store.put(bundle());
    expect(digest).toBe(digestBytes(Buffer.from(text)));
    const { program: _, map: __, ...known } = bundle();
    const kept = await store.find(digest);
    expect(kept).toEqual({ ...known, digest, file: join(store.place, digest, "program.mjs") });
    expect(await import(kept!.file)).toMatchObject({ answer: 42 });
    expect(await readFile(`${kept!.file}.map`, "utf8")).toBe("{}");
  });

  test("is written once, however often it is kept", async () => {
    const digest = await store.put(bundle());
    const before = await stat(join(store.place, digest, "program.mjs"));
    expect(await store.put(bundle())).toBe(digest);
    const after = await stat(join(store.place, digest, "program.mjs"));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect((await store.list()).map((entry) => entry.digest)).toEqual([digest]);
    expect(await readdir(join(store.place, "tmp"))).toEqual([]);
  });

  test.each([300_000, CHUNK_SIZE, CHUNK_SIZE + 5])("has the same name however long it is: %d bytes", async (size) => {
    const program = Buffer.alloc(size, "// program\n");
    const digest = await store.put({ ...bundle(), program });
    expect(digest).toBe(digestBytes(program));
    expect(await store.find(digest)).toMatchObject({ digest });
  });

  test("is readable by its owner alone", async () => {
    await store.put(bundle());
    await store.remember("key", "text");
    for (const file of await filesOf(store.place)) expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(store.place)).mode & 0o777).toBe(0o700);
  });

  test("is undefined if it was never kept, or is no digest", async () => {
    expect(await store.find("0".repeat(64))).toBeUndefined();
    expect(await store.find("../code")).toBeUndefined();
    expect(await store.touch("0".repeat(64))).toBe(false);
    expect(await store.list()).toEqual([]);
  });

  test.each(["program.mjs", "program.mjs.map", "about.json"])("is refused if its %s is damaged", async (name) => {
    const digest = await store.put(bundle());
    const file = join(store.place, digest, name);
    // As long as before, so that only its content tells.
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0x20, 0, 1));
    await expect(store.find(digest)).rejects.toMatchObject({
      code: "CODE_NOT_KEPT",
      message: expect.stringMatching(/damaged.*code of now/),
    });
    // Keeping it again mends it.
    expect(await store.put(bundle())).toBe(digest);
    expect(await store.find(digest)).toMatchObject({ digest });
  });

  test("does not count as kept if a file of it is shorter than it was", async () => {
    const digest = await store.put(bundle());
    expect(await new LocalCodeStore(store.place).touch(digest)).toBe(true);
    await truncate(join(store.place, digest, "program.mjs"), 3);
    expect(await new LocalCodeStore(store.place).touch(digest)).toBe(false);
  });

  test("is removed only if nobody has used it since", async () => {
    const [old, used] = [await store.put(bundle("1")), await store.put(bundle("2"))];
    const past = (Date.now() - 2 * hour) / 1_000;
    for (const digest of [old, used]) await utimes(join(store.place, digest, "about.json"), past, past);
    await store.touch(used);
    const unusedSince = Date.now() - hour;
    expect(await store.remove([old, used, "../code"], { unusedSince })).toEqual([old]);
    expect(await store.list()).toMatchObject([{ digest: used, entry: "/project/pipeline.ts" }]);
    expect(await store.find(used)).toMatchObject({ digest: used });
  });

  test("rejects with what to do if the folder cannot be written", async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o500);
    const script = `
      import { LocalCodeStore } from ${JSON.stringify(storeIndex)};
      const store = new LocalCodeStore(${JSON.stringify(join(folder, "code"))});
      const bundle = { program: Buffer.from("1"), map: Buffer.from("{}"), entry: "/e", notes: [], funcs: [] };
      await store.put(bundle).catch((error) => console.log(error.code));`;
    await promisify(execFile)("chmod", ["a+rX", folder]);
    expect((await runNode(script, { unprivileged: true })).stdout.trim()).toBe("STORE_READ_ONLY");
  });
});

describe("texts by key", () => {
  test("are replaced, and lost only when nobody has asked for them for long", async () => {
    expect(await store.recall("key")).toBeUndefined();
    await store.remember("key", "one");
    await store.remember("key", "two");
    await store.remember("other", "three");
    expect(await store.recall("key")).toBe("two");
    expect(await store.sweep(Date.now() + hour)).toEqual({ files: 0, bytes: 0 });
    for (const file of await filesOf(store.place)) await utimes(file, 1, 1);
    expect(await store.recall("key")).toBe("two");
    expect(await store.sweep(Date.now())).toEqual({ files: 1, bytes: 5 });
    expect([await store.recall("key"), await store.recall("other")]).toEqual(["two", undefined]);
  });
});

describe("a process that is killed while it keeps a program", () => {
  const steps: readonly KeepStep[] = ["created", "written", "synced", "renamed"];

  test.each(steps)("at the step `%s` leaves the whole program or none", async (step) => {
    const script = `
      import { LocalCodeStore } from ${JSON.stringify(storeIndex)};
      const onStep = (step) => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, "SIGKILL"); };
      const given = ${JSON.stringify({ ...bundle(), program: text, map: "{}" })};
      const bundle = { ...given, program: Buffer.from(given.program), map: Buffer.from(given.map) };
      await new LocalCodeStore(${JSON.stringify(store.place)}, { onStep }).put(bundle);`;
    expect((await runNode(script)).signal).toBe("SIGKILL");
    const digest = digestBytes(Buffer.from(text));
    const isKept = step === "renamed";
    expect((await store.find(digest)) !== undefined).toBe(isKept);
    expect(await store.list()).toHaveLength(isKept ? 1 : 0);

    // What is left is removed once it is old, and does not disturb whoever keeps the program.
    expect(await store.put(bundle())).toBe(digest);
    expect(await store.find(digest)).toMatchObject({ digest });
    const leftovers = await store.sweep(Date.now() + 1_000, { dryRun: true });
    expect(leftovers.files).toBe({ created: 0, written: 3, synced: 3, renamed: 0 }[step]);
    expect(await store.sweep(Date.now() - 60_000)).toEqual({ files: 0, bytes: 0 });
    expect(await store.sweep(Date.now() + 1_000)).toEqual(leftovers);
    expect(await readdir(join(store.place, "tmp"))).toEqual([]);
    expect(await store.find(digest)).toMatchObject({ digest });
  });

  test("at any moment leaves only whole programs, also beside others that keep the same", async () => {
    const count = 12;
    const script = (after: number) => `
      import { LocalCodeStore } from ${JSON.stringify(storeIndex)};
      new (await import("node:worker_threads")).Worker("setTimeout(() => process.kill(" + process.pid + ", 'SIGKILL'), ${after})", { eval: true });
      const store = new LocalCodeStore(${JSON.stringify(store.place)});
      for (let at = 0; ; at = (at + 1) % ${count}) {
        const program = Buffer.alloc(200_000, "program " + at);
        await store.put({ program, map: Buffer.from("{}"), entry: "/e", notes: [], funcs: [] });
      }`;
    const ends = await Promise.all([3, 8, 20, 45].map((after) => runNode(script(after))));
    expect(ends.map(({ signal }) => signal)).toEqual(Array.from(ends, () => "SIGKILL"));
    const listed = await store.list();
    for (const { digest } of listed) expect(await store.find(digest)).toMatchObject({ digest });
    await store.sweep(Date.now() + 1_000);
    expect(await readdir(join(store.place, "tmp"))).toEqual([]);
  });
});
