import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { digestBytes } from "@reprise/core";
import { LocalBlobStore } from "@reprise/store";
import { afterAll, expect, test } from "vitest";
import { ignoreGlobs } from "./ignore-globs.ts";
import { scanDirectory } from "./scan-directory.ts";
import { StatMemo } from "./stat-memo.ts";
import { storeTree } from "./store-tree.ts";
import { temporaryHome } from "./testing/temporary-home.ts";
import type { TreeFile } from "./tree.ts";

const { folder } = temporaryHome();
const blobs = new LocalBlobStore(join(folder, "blobs"));
const hour = 3_600_000;
const later = () => Date.now() + hour;
let databases = 0;

afterAll(() => blobs[Symbol.asyncDispose]());

const freshDatabase = () => join(folder, `memo-${(databases += 1)}.db`);

function statsOf(path: string): Float64Array {
  const { size, mtimeMs, ctimeMs, ino, dev, mode } = lstatSync(path);
  return new Float64Array([size, mtimeMs, ctimeMs, ino, dev, mode]);
}

function fileIn(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

async function treeOf(path: string, memo: StatMemo) {
  const scanned = await scanDirectory(path, { globs: await ignoreGlobs([], true), follow: false });
  return storeTree(scanned, { blobs, memo });
}

const wrong = "0".repeat(64);
const named = { digest: "1".repeat(64), size: 5 };

test("a file is known while size, times, inode and device are the same, also in another process", async () => {
  const path = fileIn("file", Buffer.from("hello"));
  const database = freshDatabase();
  const memo = await StatMemo.open(database, { now: later });
  memo.rememberFile(path, statsOf(path), memo.now(), named);
  memo.save();
  const another = await StatMemo.open(database, { now: later });
  expect(another.file(path, statsOf(path))).toEqual(named);
  expect(another.file(`${path}2`, statsOf(path))).toBeUndefined();
  for (let field = 0; field < 5; field += 1) {
    const changed = statsOf(path);
    changed[field] = (changed[field] ?? 0) + 1;
    expect(another.file(path, changed)).toBeUndefined();
  }
});

test("a byte changed with size and mtime restored is seen", async () => {
  const path = fileIn("sneaky", Buffer.from("hello"));
  const memo = await StatMemo.open(freshDatabase(), { now: later });
  utimesSync(path, 1_000_000_000, 1_000_000_000);
  const { mtimeMs, ctimeMs } = statSync(path);
  memo.rememberFile(path, statsOf(path), memo.now(), named);
  memo.save();
  // The clock of the file system may not have ticked since: it is written until it has.
  do {
    writeFileSync(path, "jello");
    utimesSync(path, 1_000_000_000, 1_000_000_000);
  } while (statSync(path).ctimeMs === ctimeMs);
  expect(statSync(path)).toMatchObject({ mtimeMs, size: 5 });
  expect(memo.file(path, statsOf(path))).toBeUndefined();
});

test("a file that was written shortly before it was hashed is not remembered", async () => {
  const path = fileIn("fresh", Buffer.from("hello"));
  const changed = Math.max(statSync(path).mtimeMs, statSync(path).ctimeMs);
  const memo = await StatMemo.open(freshDatabase(), { now: later });
  for (const [hashedAt, known] of [
    [changed - 1, undefined],
    [changed + 2_000, undefined],
    [changed + 3_000, named],
  ] as const) {
    memo.rememberFile(path, statsOf(path), hashedAt, named);
    memo.save();
    expect(memo.file(path, statsOf(path))).toEqual(known);
  }
});

test("what was remembered long ago is forgotten", async () => {
  const path = fileIn("old", Buffer.from("hello"));
  const database = freshDatabase();
  let now = later();
  const memo = await StatMemo.open(database, { now: () => now });
  memo.rememberFile(path, statsOf(path), now, named);
  memo.save();
  now += 89 * 24 * hour;
  expect(memo.file(path, statsOf(path))).toEqual(named);
  now += 2 * 24 * hour;
  expect(memo.file(path, statsOf(path))).toBeUndefined();
  memo.rememberPack(["a"], named);
  memo.save();
  expect(new DatabaseSync(database).prepare("SELECT count(*) AS rows FROM memo").get()).toEqual({ rows: 1 });
});

test("a damaged memo knows nothing, and one that cannot be opened neither", async () => {
  const path = fileIn("damaged", Buffer.from("hello"));
  const database = freshDatabase();
  const memo = await StatMemo.open(database, { now: later });
  memo.rememberFile(path, statsOf(path), memo.now(), named);
  memo.save();
  const raw = new DatabaseSync(database);
  const { value } = raw.prepare("SELECT value FROM memo").get() as { value: Uint8Array };
  value[value.length - 3]! ^= 1;
  raw.prepare("UPDATE memo SET value = ?").run(value);
  raw.close();
  expect(memo.file(path, statsOf(path))).toBeUndefined();

  writeFileSync(`${database}-text`, "this is no database ".repeat(1_000));
  for (const place of [join(folder, "missing", "memo.db"), `${database}-text`]) {
    const broken = await StatMemo.open(place, { now: later });
    broken.rememberFile(path, statsOf(path), broken.now(), named);
    broken.save();
    expect(broken.file(path, statsOf(path))).toBeUndefined();
  }
});

test("unchanged files of a directory are not read again; changed, new and replaced ones are", async () => {
  const names = ["a", "b", "c", "d"];
  const root = dirname(names.map((name) => fileIn(`tree/${name}`, Buffer.from(`content of ${name}`)))[0] as string);
  const memo = await StatMemo.open(freshDatabase(), { now: later });
  await treeOf(root, memo);
  // Digests that no content has: wherever one comes back, the file was not read.
  const known = memo.directory(root);
  expect(known?.names).toEqual(names);
  known?.digests.fill(0);
  memo.rememberDirectory(root, known!);
  memo.rememberPack([wrong], await blobs.put(Buffer.from("pack")));
  memo.save();
  const digests = async () => {
    const { root: tree } = await treeOf(root, memo);
    return Object.fromEntries(tree.nodes.map((node) => [node.name, (node as TreeFile).digest]));
  };
  expect(await digests()).toEqual({ a: wrong, b: wrong, c: wrong, d: wrong });

  writeFileSync(join(root, "b"), "content of B");
  fileIn("tree/e", Buffer.from("content of e"));
  await rename(fileIn("new c", Buffer.from("content of c")), join(root, "c"));
  // What is left of the forged digests has to be found wrong when the contents are needed for a new pack.
  await expect(digests()).rejects.toMatchObject({ code: "FILE_CHANGED" });
  memo.rememberDirectory(root, { ...known!, stats: known!.stats.map(() => NaN) });
  memo.save();
  const now = await digests();
  expect(now).toEqual(
    Object.fromEntries(
      ["content of a", "content of B", "content of c", "content of d", "content of e"].map((text) => [
        text.at(-1)!.toLowerCase(),
        digestBytes(Buffer.from(text)),
      ]),
    ),
  );
});

test("in a directory too, a byte changed with size and mtime restored is seen", async () => {
  const path = fileIn("sneaky-tree/file", Buffer.from("hello"));
  utimesSync(path, 1_000_000_000, 1_000_000_000);
  const memo = await StatMemo.open(freshDatabase(), { now: later });
  const { root } = await treeOf(dirname(path), memo);
  const { ctimeMs } = statSync(path);
  do {
    writeFileSync(path, "jello");
    utimesSync(path, 1_000_000_000, 1_000_000_000);
  } while (statSync(path).ctimeMs === ctimeMs);
  const { root: changed } = await treeOf(dirname(path), memo);
  expect((root.nodes[0] as TreeFile).digest).toBe(digestBytes(Buffer.from("hello")));
  expect((changed.nodes[0] as TreeFile).digest).toBe(digestBytes(Buffer.from("jello")));
});

test("a pack that the store no longer has is written again from files that were not read", async () => {
  const path = dirname(fileIn("repack/a", Buffer.from("a")));
  fileIn("repack/b", Buffer.from("b"));
  const long = randomBytes(400_000);
  fileIn("repack/long", long);
  const memo = await StatMemo.open(freshDatabase(), { now: later });
  const first = await treeOf(path, memo);
  expect([first.packs.length, first.blobs.length]).toEqual([1, 1]);
  await blobs.delete([...first.packs, ...first.blobs]);
  const second = await treeOf(path, memo);
  expect(second).toEqual(first);
  expect(await blobs.has([...second.packs, ...second.blobs])).toEqual([true, true]);
  expect(Buffer.from(await blobs.read(second.packs[0]!)).toString()).toBe("ab");
});

test("the memo is a file of the home, and nothing is lost without it", async () => {
  const { FileArtifact } = await import("./file-artifact.ts");
  const path = fileIn("through-home", randomBytes(100_000));
  const first = await FileArtifact.from(path);
  const home = process.env["REPRISE_HOME"] as string;
  expect(existsSync(join(home, "stat-memo.db"))).toBe(true);
  for (const name of readdirSync(home).filter((file) => file.startsWith("stat-memo"))) {
    unlinkSync(join(home, name));
  }
  expect(await FileArtifact.from(path)).toEqual(first);
});
