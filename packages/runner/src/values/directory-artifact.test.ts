import { hash, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { chmod, cp, lstat, mkdtemp, readdir, readFile, readlink, rename, utimes } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { encode, RepriseError } from "@reprise/core";
import { openHome } from "@reprise/store";
import { expect, test } from "vitest";
import { DirectoryArtifact, type DirectoryFromOptions } from "./directory-artifact.ts";
import { FileArtifact } from "./file-artifact.ts";
import { restoreTree } from "./restore-tree.ts";
import { systemCommand } from "./testing/system-command.ts";
import { idOf, restored, temporaryHome } from "./testing/temporary-home.ts";

const { folder } = temporaryHome();
const fresh = () => mkdtemp(join(folder, "test-"));

/** A directory with these files. A name that ends in `/` is an empty directory; an array is a link. */
async function directoryOf(files: Record<string, string | Uint8Array | [target: string]>): Promise<string> {
  const root = await fresh();
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (Array.isArray(content)) symlinkSync(content[0], path);
    else if (!name.endsWith("/")) writeFileSync(path, content);
  }
  return root;
}

const idFrom = async (path: string, options?: DirectoryFromOptions) =>
  idOf(await DirectoryArtifact.from(path, options));

async function rejection(promise: Promise<unknown>): Promise<RepriseError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!RepriseError.is(error)) throw new Error("it did not reject as it should", { cause: error });
  return error;
}

const paths = (directory: DirectoryArtifact) => directory.entries().map(({ path }) => path);

const example = { "b.txt": "b", "a/x": "x", "a/deeper/y": randomBytes(400_000), "empty/": "", "a.txt": "" };

test("the same tree elsewhere, made in another order, at another time, is the same value", async () => {
  const first = await directoryOf(example);
  const second = await directoryOf(Object.fromEntries(Object.entries(example).reverse()));
  await utimes(join(second, "b.txt"), 1, 1);
  await chmod(join(second, "b.txt"), 0o600);
  await chmod(join(second, "a"), 0o700);
  await cp(join(second, "a/x"), join(second, "a/x2"));
  await rename(join(second, "a/x2"), join(second, "a/x"));
  expect(await idFrom(second)).toBe(await idFrom(first));
  expect((await DirectoryArtifact.from(second)).digest).toBe((await DirectoryArtifact.from(first)).digest);
});

test.each<[string, (root: string) => unknown]>([
  ["a file is added", (root) => writeFileSync(join(root, "new"), "")],
  ["a file is removed", (root) => unlinkSync(join(root, "b.txt"))],
  ["a file is renamed", (root) => rename(join(root, "b.txt"), join(root, "c.txt"))],
  ["a file is moved", (root) => rename(join(root, "a/x"), join(root, "x"))],
  ["a byte changes", (root) => writeFileSync(join(root, "b.txt"), "B")],
  ["a byte of a long file changes", (root) => appendFileSync(join(root, "a/deeper/y"), "z")],
  ["an empty directory is added", (root) => mkdirSync(join(root, "another"))],
  ["an empty directory is removed", (root) => rmSync(join(root, "empty"), { recursive: true })],
  ["a file becomes executable", (root) => chmod(join(root, "b.txt"), 0o744)],
  [
    "two files swap contents",
    (root) => (writeFileSync(join(root, "b.txt"), "x"), writeFileSync(join(root, "a/x"), "b")),
  ],
])("it is another value when %s", async (_, change) => {
  const root = await directoryOf(example);
  await chmod(join(root, "b.txt"), 0o644);
  const before = await DirectoryArtifact.from(root);
  await change(root);
  const after = await DirectoryArtifact.from(root);
  expect(idOf(after)).not.toBe(idOf(before));
  expect(after.digest).not.toBe(before.digest);
});

test("it lists what it holds, in the order of the bytes of names", async () => {
  const root = await directoryOf({
    ...example,
    "run.sh": "#!/bin/sh",
    link: ["a/x"],
    B: "1",
    "\uff5e": "2",
    "\u{1f600}": "3",
  });
  await chmod(join(root, "run.sh"), 0o755);
  const directory = restored(await DirectoryArtifact.from(root));
  expect(paths(directory)).toEqual([
    "B",
    "a",
    "a/deeper",
    "a/deeper/y",
    "a/x",
    "a.txt",
    "b.txt",
    "empty",
    "link",
    "run.sh",
    "\uff5e",
    "\u{1f600}",
  ]);
  const entry = (path: string) => directory.entries().find((found) => found.path === path);
  expect(entry("run.sh")).toMatchObject({ kind: "file", size: 9, executable: true });
  expect(entry("b.txt")).toMatchObject({
    kind: "file",
    executable: false,
    digest: (await FileArtifact.of("b")).digest,
  });
  expect(entry("link")).toEqual({ kind: "link", path: "link", target: "a/x" });
  expect(entry("empty")).toEqual({ kind: "directory", path: "empty" });
  expect(directory.size).toBe(400_000 + 1 + 1 + 9 + 3);
});

test("a copy has equal bytes, executable bits, links and empty directories; writing to it harms nobody", async () => {
  const root = await directoryOf({
    ...example,
    "copy of x": "x",
    "bin/run": "#!/bin/sh\necho works",
    "bin/long": randomBytes(500_000),
    "to-x": ["a/x"],
    "bin/up": ["../b.txt"],
    dangling: ["nowhere"],
  });
  await chmod(join(root, "bin/run"), 0o755);
  await chmod(join(root, "bin/long"), 0o755);
  const directory = restored(await DirectoryArtifact.from(root));
  const first = await directory.download();
  expect(systemCommand("diff", "-r", "--no-dereference", root, first)).toBe("");
  expect(execFileSync(join(first, "bin/run")).toString()).toBe("works\n");
  expect((await lstat(join(first, "bin/long"))).mode & 0o111).not.toBe(0);
  expect((await lstat(join(first, "b.txt"))).mode & 0o111).toBe(0);
  expect(await readlink(join(first, "dangling"))).toBe("nowhere");
  expect(await idFrom(first)).toBe(idOf(directory));

  for (const name of ["b.txt", "a/deeper/y", "copy of x"]) appendFileSync(join(first, name), "changed");
  await rename(join(first, "a"), join(first, "renamed"));
  const second = await directory.download(join(await fresh(), "not/there/yet"));
  expect(systemCommand("diff", "-r", "--no-dereference", root, second)).toBe("");
});

test("a copy is made only where nothing is", async () => {
  const directory = await DirectoryArtifact.from(await directoryOf({ file: "x" }));
  const taken = await directoryOf({ mine: "mine" });
  const error = await rejection(directory.download(taken));
  expect([error.code, await readdir(taken)]).toEqual(["RESTORE_CONFLICT", ["mine"]]);
  expect((await rejection(directory.download(join(taken, "mine")))).code).toBe("RESTORE_CONFLICT");
  const empty = await fresh();
  expect(await directory.download(empty)).toBe(empty);
});

test("one file of it is a value like any other", async () => {
  const sizes = { "a/tiny": 10, "a/middle": 100_000, long: 400_000, empty: 0 };
  const contents = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, randomBytes(size)]));
  const directory = restored(await DirectoryArtifact.from(await directoryOf({ ...contents, current: ["a"] })));
  for (const [name, content] of Object.entries(contents)) {
    const file = await directory.file(name);
    expect(Buffer.compare(await file.bytes(), content)).toBe(0);
    expect(idOf(file)).toBe(idOf(await FileArtifact.of(content)));
  }
  expect((await directory.file("current/tiny")).size).toBe(10);
  for (const path of ["a", "missing", "../x", "/etc/hosts", "a/tiny/x"]) {
    expect((await rejection(directory.file(path))).code).toBe("FILE_UNREADABLE");
  }
});

test("globs leave things out, and are part of the value", async () => {
  const root = await directoryOf({
    "a.log": "",
    "keep.log": "",
    "sub/b.log": "",
    "sub/c": "",
    "cache/x": "",
    "build/y": "",
    "sub/build": "",
  });
  const all = ["a.log", "build", "build/y", "cache", "cache/x", "keep.log", "sub", "sub/b.log", "sub/build", "sub/c"];
  const left = async (...ignore: string[]) => {
    const kept = paths(await DirectoryArtifact.from(root, { ignore }));
    return all.filter((path) => !kept.includes(path));
  };
  expect(await left("*.log", "!keep.log")).toEqual(["a.log", "sub/b.log"]);
  expect(await left("/build")).toEqual(["build", "build/y"]);
  expect(await left("cache/")).toEqual(["cache", "cache/x"]);
  expect(await left("*.LOG")).toEqual([]);
  const plain = await DirectoryArtifact.from(root);
  const other = await DirectoryArtifact.from(root, { ignore: ["*.tmp"] });
  expect(other.digest).toBe(plain.digest);
  expect(idOf(other)).not.toBe(idOf(plain));
  expect(restored(other).ignore).toEqual(["*.tmp"]);
  expect((await rejection(DirectoryArtifact.from(root, { ignore: [""] }))).code).toBe("INVALID_OPTION");
});

test("what desktops drop everywhere is left out, unless asked for", async () => {
  const clean = await directoryOf({ "sub/file": "x" });
  const littered = await directoryOf({ "sub/file": "x", ".DS_Store": "1", "sub/.DS_Store": "2", "sub/Thumbs.db": "3" });
  expect(await idFrom(littered)).toBe(await idFrom(clean));
  const whole = await DirectoryArtifact.from(littered, { includeDefaultIgnored: true });
  expect(paths(whole)).toEqual([".DS_Store", "sub", "sub/.DS_Store", "sub/Thumbs.db", "sub/file"]);
});

test("a link is its target's text", async () => {
  const id = await idFrom(await directoryOf({ a: "same", b: "same", link: ["a"] }));
  expect(await idFrom(await directoryOf({ a: "same", b: "same", link: ["b"] }))).not.toBe(id);
  expect(await idFrom(await directoryOf({ a: "same", b: "same", link: "same" }))).not.toBe(id);
  expect(await idFrom(await directoryOf({ a: "same", b: "same", link: ["a"] }))).toBe(id);
});

test.each([
  ["up", ["../outside"]],
  ["sub/up", ["../../outside"]],
  ["absolute", ["/etc/hosts"]],
  ["dangling", ["../nowhere/at/all"]],
] as [string, [string]][])("a link out of the directory is an error with its path: %s", async (name, target) => {
  const root = await directoryOf({ file: "x", [name]: target });
  const error = await rejection(DirectoryArtifact.from(root));
  expect(error.code).toBe("FILE_UNREADABLE");
  expect(error.message).toContain(`"${name}"`);
  expect(error.message).toContain(target[0]);
  expect(paths(await DirectoryArtifact.from(root, { ignore: [name] }))).not.toContain(name);
});

test("a link that leaves the directory through another link is found out", async () => {
  const root = await directoryOf({ "a/b/c/file": "x", "d/deep": ["../a/b"], escape: ["d/deep/../../../x"] });
  expect((await rejection(DirectoryArtifact.from(root))).message).toContain('"escape"');
  const inside = await directoryOf({ "a/b/c/file": "x", "d/deep": ["../a/b"], inside: ["d/deep/../../x"] });
  await DirectoryArtifact.from(inside);
});

test("follow puts what links lead to in their place; loops end", async () => {
  const outside = await directoryOf({ data: "data", "more/z": "z" });
  const root = await directoryOf({
    "sub/file": "x",
    "sub/loop": ["."],
    "sub/top": [".."],
    "other/sub": ["../sub"],
    self: ["self"],
    dangling: ["nowhere"],
    data: [join(outside, "data")],
    more: [join(outside, "more")],
  });
  symlinkSync(outside, join(outside, "more/back"));
  const error = await rejection(DirectoryArtifact.from(root, { follow: true, ignore: ["/self"] }));
  // more/back leads to the directory that holds more.
  expect(error.message).toContain("never end");
  unlinkSync(join(outside, "more/back"));
  symlinkSync(join(outside, "more"), join(outside, "more/back"));
  const directory = await DirectoryArtifact.from(root, { follow: true });
  const copy = await directory.download();
  expect(readFileSync(join(copy, "data"), "utf8")).toBe("data");
  expect(readFileSync(join(copy, "more/back/back/z"), "utf8")).toBe("z");
  expect((await lstat(join(copy, "other/sub"))).isDirectory()).toBe(true);
  expect(readFileSync(join(copy, "other/sub/loop/file"), "utf8")).toBe("x");
  expect(readFileSync(join(copy, "other/sub/top/sub/file"), "utf8")).toBe("x");
  expect(await readlink(join(copy, "dangling"))).toBe("nowhere");
  expect(await readlink(join(copy, "self"))).toBe("self");
});

test("what has no content to store is an error with its path, unless it is ignored", async () => {
  const root = await directoryOf({ "sub/file": "x" });
  systemCommand("mkfifo", join(root, "sub/pipe"));
  const fifo = await rejection(DirectoryArtifact.from(root));
  expect([fifo.code, fifo.message]).toEqual(["FILE_UNREADABLE", expect.stringContaining(join(root, "sub/pipe"))]);
  expect(fifo.message).toContain("FIFO");
  expect(paths(await DirectoryArtifact.from(root, { ignore: ["pipe"] }))).toEqual(["sub", "sub/file"]);
  unlinkSync(join(root, "sub/pipe"));
  const server = createServer().listen(join(root, "socket"));
  await once(server, "listening");
  expect((await rejection(DirectoryArtifact.from(root))).message).toContain("a socket");
  server.close();
  await once(server, "close");
  symlinkSync("/dev/null", join(root, "null"));
  expect((await rejection(DirectoryArtifact.from(root, { follow: true }))).message).toContain(join(root, "null"));
  unlinkSync(join(root, "null"));
  execFileSync("sh", ["-c", 'touch "$(printf "$0/bad\\377name")"', root]);
  expect((await rejection(DirectoryArtifact.from(root))).message).toContain("not valid UTF-8");
  for (const [path, what] of [
    [join(root, "missing"), "does not exist"],
    [join(root, "sub/file"), "use FileArtifact.from"],
  ] as const) {
    const error = await rejection(DirectoryArtifact.from(path));
    expect(error.message).toContain(path);
    expect(error.message).toContain(what);
  }
});

test("names that differ only in case or in how accents are spelled are different names", async () => {
  const root = await directoryOf({ "\u00e9": "composed", "e\u0301": "decomposed", readme: "small", README: "large" });
  if ((await readdir(root)).length < 4) return;
  const directory = restored(await DirectoryArtifact.from(root));
  expect(directory.entries().length).toBe(4);
  const copy = await directory.download();
  expect(readFileSync(join(copy, "\u00e9"), "utf8") + readFileSync(join(copy, "README"), "utf8")).toBe("composedlarge");
  expect(await idFrom(await directoryOf({ "\u00e9": "x" }))).not.toBe(
    await idFrom(await directoryOf({ "e\u0301": "x" })),
  );
});

test("where the file system takes two names for one, a copy is an error and nothing is overwritten", async () => {
  await using home = await openHome();
  const [small, long] = [Buffer.from("small"), randomBytes(400_000)];
  const pack = await home.blobs.put(small);
  const blob = await home.blobs.put(long);
  // Here every name is one of its own. A tree with one name twice asks of this file system what a tree with README and
  // readme asks of one that ignores case.
  const file = (name: string, { digest, size }: typeof pack) =>
    ({ kind: "file", name, size, digest, executable: false }) as const;
  const directory = (name: string) => ({ kind: "directory", name, nodes: [] }) as const;
  const link = (name: string) => ({ kind: "link", name, target: "x" }) as const;
  for (const nodes of [
    [file("x", pack), file("x", pack)],
    [file("x", blob), file("x", pack)],
    [file("x", pack), directory("x")],
    [directory("x"), directory("x")],
    [file("x", pack), link("x")],
  ]) {
    const packs = nodes.some((node) => node.kind === "file" && node.digest === pack.digest) ? [pack] : [];
    const to = join(await fresh(), "copy");
    const error = await rejection(
      restoreTree({ root: { kind: "directory", name: "", nodes }, packs, blobs: home.blobs }, to),
    );
    expect(error.code).toBe("RESTORE_CONFLICT");
    expect(error.message).toContain("x");
    expect(existsSync(to)).toBe(false);
  }
});

test("a directory that changes while it is read is tried again, and given up when it does not rest", async () => {
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`file-${index}`, randomBytes(3_000)]));
  const once = await directoryOf(files);
  let changes = 0;
  const change = (root: string) => writeFileSync(join(root, `added-${(changes += 1)}`), "x");
  const directory = await DirectoryArtifact.from(once, { onProgress: () => changes === 0 && change(once) });
  expect(paths(directory)).toContain("added-1");
  const restless = await directoryOf(files);
  const error = await rejection(DirectoryArtifact.from(restless, { onProgress: () => change(restless) }));
  expect([error.code, error.message]).toEqual(["FILE_CHANGED", expect.stringContaining(restless)]);
});

test("a missing or damaged blob is an error, never a wrong file, and leaves no half copy", async () => {
  await using home = await openHome();
  const content = randomBytes(5_000);
  const directory = restored(await DirectoryArtifact.from(await directoryOf({ file: content, other: "x" })));
  const [pack] = encode(directory).references;
  const path = join(home.blobs.place, pack!.digest.slice(0, 2), pack!.digest.slice(2));
  const bytes = await readFile(path);
  bytes[17]! ^= 1;
  await chmod(path, 0o600);
  writeFileSync(path, bytes);
  const to = join(await fresh(), "copy");
  expect((await rejection(directory.download(to))).code).toBe("ARTIFACT_DAMAGED");
  expect((await rejection(directory.download(to))).code).toBe("BLOB_NOT_FOUND");
  expect((await rejection(directory.file("file"))).code).toBe("BLOB_NOT_FOUND");
  expect(existsSync(to)).toBe(false);
  // Made again, it is stored again.
  await DirectoryArtifact.from(await directoryOf({ file: content, other: "x" }));
  expect(Buffer.compare(readFileSync(join(await directory.download(to), "file")), content)).toBe(0);
});

test("small files share few blobs, and a change rewrites only those around it", async () => {
  // The same contents each time: where packs end is by chance of the contents.
  const contentOf = (index: number) => Buffer.alloc(2_000 + index, hash("sha256", String(index), "buffer"));
  const files = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [`d${index % 20}/${index}`, contentOf(index)]),
  );
  const root = await directoryOf(files);
  const packsOf = async () => encode(await DirectoryArtifact.from(root)).references.map(({ digest }) => digest);
  const before = await packsOf();
  expect(before.length).toBeGreaterThan(2);
  expect(before.length).toBeLessThan(30);
  writeFileSync(join(root, "d7/7"), "changed");
  const after = await packsOf();
  expect(after).not.toEqual(before);
  expect(after.filter((digest) => !before.includes(digest)).length).toBeLessThan(4);
  const copy = await restored(await DirectoryArtifact.from(root)).download();
  expect(systemCommand("diff", "-r", root, copy)).toBe("");
});

test("it can be canceled, and tells its progress", async () => {
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`file-${index}`, randomBytes(1_000)]));
  const root = await directoryOf({ ...files, long: randomBytes(1_000_000) });
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = () => controller.abort(reason);
  await expect(DirectoryArtifact.from(root, { signal: controller.signal, onProgress })).rejects.toBe(reason);
  const seen: number[] = [];
  const directory = await DirectoryArtifact.from(root, { onProgress: (bytes) => seen.push(bytes) });
  expect(seen.at(-1)).toBe(directory.size);
  const copied: number[] = [];
  await directory.download(undefined, { onProgress: (bytes) => copied.push(bytes) });
  expect(copied.at(-1)).toBe(directory.size);
  await expect(directory.download(undefined, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
