import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, openSync, closeSync, symlinkSync } from "node:fs";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { once } from "node:events";
import { encode, RepriseError } from "@reprise/core";
import { openHome } from "@reprise/store";
import { expect, test } from "vitest";
import { FileArtifact } from "./file-artifact.ts";
import { systemCommand } from "./testing/system-command.ts";
import { idOf, restored, temporaryHome } from "./testing/temporary-home.ts";

const { folder } = temporaryHome();
const fresh = () => mkdtemp(join(folder, "test-"));
const small = Buffer.from("alpha\nbeta\n");
const long = randomBytes(300_000);
const veryLong = randomBytes(20 * 1024 * 1024);

async function fileOf(content: Uint8Array, name = "file.bin"): Promise<string> {
  const path = join(await fresh(), name);
  await writeFile(path, content);
  return path;
}

async function rejection(promise: Promise<unknown>): Promise<RepriseError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!RepriseError.is(error)) throw new Error("it did not reject as it should", { cause: error });
  return error;
}

test.each([
  ["empty", Buffer.alloc(0)],
  ["small", small],
  ["long", long],
  ["longer than a chunk", veryLong],
])("the same bytes elsewhere, at another time, in another file, are the same value: %s", async (_, content) => {
  const first = await FileArtifact.from(await fileOf(content));
  const path = await fileOf(content, "another name.csv");
  await utimes(path, 1, 1);
  const second = await FileArtifact.from(path);
  await link(path, `${path}-linked`);
  expect(idOf(second)).toBe(idOf(first));
  expect(idOf(await FileArtifact.from(`${path}-linked`))).toBe(idOf(first));
  expect(idOf(await FileArtifact.of(content))).toBe(idOf(first));
  expect([first.size, first.digest]).toEqual([second.size, second.digest]);
});

test("the digest of up to 8 MiB is what sha256sum prints", async () => {
  for (const content of [small, long]) {
    const { digest } = await FileArtifact.of(content);
    expect(digest).toBe(createHash("sha256").update(content).digest("hex"));
  }
});

test.each([
  ["small", small],
  ["long", long],
])("one changed byte is another value, although size and mtime are as before: %s", async (_, content) => {
  const path = await fileOf(content);
  const { atime, mtime } = await stat(path);
  const before = await FileArtifact.from(path);
  await writeFile(path, Buffer.from(content).fill(content[0]! ^ 1, 0, 1));
  await utimes(path, atime, mtime);
  expect((await stat(path)).mtimeMs).toBe(mtime.getTime());
  expect(idOf(await FileArtifact.from(path))).not.toBe(idOf(before));
});

test("the name counts when it was asked for, and only then", async () => {
  const [left, right] = [await fileOf(small, "left.csv"), await fileOf(small, "right.csv")];
  expect((await FileArtifact.from(left)).name).toBeUndefined();
  const named = await FileArtifact.from(left, { name: true });
  expect(named.name).toBe("left.csv");
  expect(idOf(await FileArtifact.from(right, { name: true }))).not.toBe(idOf(named));
  expect(idOf(await FileArtifact.from(right, { name: "left.csv" }))).toBe(idOf(named));
  expect(restored(named).name).toBe("left.csv");
  expect(await restored(named).download()).toMatch(/\/left\.csv$/);
});

test.each(["../x", "a/b", "..", "a\0b"])("%o is not taken for a name", async (name) => {
  const error = await rejection(FileArtifact.of("x", { name }));
  expect(error.code).toBe("INVALID_OPTION");
});

test("whether it may be executed counts, other bits of the mode do not", async () => {
  const path = await fileOf(small);
  await chmod(path, 0o644);
  const plain = await FileArtifact.from(path);
  await chmod(path, 0o600);
  expect(idOf(await FileArtifact.from(path))).toBe(idOf(plain));
  await chmod(path, 0o755);
  const executable = await FileArtifact.from(path);
  expect(executable.executable).toBe(true);
  expect(idOf(executable)).not.toBe(idOf(plain));
  expect(idOf(await FileArtifact.of(small, { executable: true }))).toBe(idOf(executable));
});

test.each([
  ["small", small],
  ["long", long],
  ["longer than a chunk", veryLong],
])("a func gets its own copy; writing to it harms nobody: %s", async (_, content) => {
  const file = restored(await FileArtifact.of(content, { executable: true }));
  const copy = await file.download();
  expect(Buffer.compare(await readFile(copy), content)).toBe(0);
  const { mode } = await stat(copy);
  expect(mode & 0o300).toBe(0o300);
  appendFileSync(copy, "more");
  await writeFile(copy, "something else");
  await rename(copy, `${copy}-renamed`);
  expect(Buffer.compare(await file.bytes(), content)).toBe(0);
  const second = await file.download(join(await fresh(), "deeper", "copy"));
  expect(Buffer.compare(await readFile(second), content)).toBe(0);
  expect(second).toMatch(/deeper\/copy$/);
});

test("a copy overwrites nothing", async () => {
  for (const content of [small, long]) {
    const path = await fileOf(Buffer.from("mine"));
    const error = await rejection((await FileArtifact.of(content)).download(path));
    expect(error.code).toBe("RESTORE_CONFLICT");
    expect(error.message).toContain(path);
    expect(await readFile(path, "utf8")).toBe("mine");
  }
});

test.each([
  ["small", small],
  ["long", long],
  ["longer than a chunk", veryLong],
])("text, bytes, streams and ranges give the content: %s", async (_, content) => {
  const file = restored(await FileArtifact.of(content));
  expect(await file.text()).toBe(content.toString("utf8"));
  expect(Buffer.compare(await file.bytes(), content)).toBe(0);
  const all = await Array.fromAsync(file.stream());
  expect(Buffer.compare(Buffer.concat(all), content)).toBe(0);
  for (const [start, end] of [
    [0, 3],
    [content.length - 3, content.length],
    [Math.floor(content.length / 3), Math.floor(content.length / 2)],
    [5, 5],
  ] as const) {
    const part = Buffer.concat(await Array.fromAsync(file.stream({ start, end })));
    expect(Buffer.compare(part, content.subarray(start, end))).toBe(0);
  }
  const error = await rejection(Array.fromAsync(file.stream({ start: 0, end: content.length + 1 })));
  expect(error.code).toBe("INVALID_OPTION");
});

test("changing what it was made of or what it gave does not change it", async () => {
  for (const length of [1_000, 100_000]) {
    const given = Buffer.alloc(length, 1);
    const making = FileArtifact.of(given);
    given.fill(2);
    const file = await making;
    (await file.bytes()).fill(3);
    expect((await file.bytes()).every((byte) => byte === 1)).toBe(true);
  }
});

test("streams are stored as the bytes that they give", async () => {
  for (const pieces of [0, 3, 400]) {
    const piece = randomBytes(1_000);
    async function* stream() {
      for (let index = 0; index < pieces; index += 1) yield piece;
    }
    const file = await FileArtifact.of(stream());
    expect(idOf(file)).toBe(idOf(await FileArtifact.of(Buffer.concat(Array.from({ length: pieces }, () => piece)))));
  }
  const blob = await FileArtifact.of(new Blob(["text in a web stream"]).stream());
  expect(await blob.text()).toBe("text in a web stream");
  const texts = (async function* () {
    yield "text" as unknown as Uint8Array;
  })();
  expect((await rejection(FileArtifact.of(texts))).code).toBe("INVALID_OPTION");
  expect((await rejection(FileArtifact.of(7 as unknown as string))).code).toBe("INVALID_OPTION");
});

test("a restored file is a light handle: its blob is read when it is asked for, and verified then", async () => {
  await using home = await openHome();
  const content = randomBytes(50_000);
  const file = await FileArtifact.of(content);
  const { bytes, blobs, references } = encode(file);
  expect(blobs).toEqual([]);
  expect(references).toEqual([{ digest: file.digest, size: 50_000 }]);
  expect(bytes.length).toBeLessThan(2_000);
  const handle = restored(file);
  await home.blobs.delete([file]);
  expect([handle.size, handle.digest]).toEqual([50_000, file.digest]);
  expect((await rejection(handle.bytes())).code).toBe("BLOB_NOT_FOUND");

  await home.blobs.put(content);
  const path = join(home.blobs.place, file.digest.slice(0, 2), file.digest.slice(2));
  await chmod(path, 0o600);
  await writeFile(path, Buffer.from(content).fill(content[9]! ^ 1, 9, 10));
  expect((await rejection(handle.text())).code).toBe("ARTIFACT_DAMAGED");
  expect((await rejection(handle.download())).code).toBe("BLOB_NOT_FOUND");
});

test("what is no regular file is refused with its path", async () => {
  const place = await fresh();
  const cases: [string, string][] = [];
  const at = (name: string, what: string) => {
    cases.push([join(place, name), what]);
    return join(place, name);
  };
  await mkdir(at("directory", "use DirectoryArtifact.from"));
  systemCommand("mkfifo", at("fifo", "FIFO"));
  const server = createServer().listen(at("socket", "socket"));
  await once(server, "listening");
  cases.push(["/dev/null", "device"], [join(place, "missing"), "does not exist"]);
  symlinkSync("nowhere", at("dangling", "does not exist"));
  for (const [path, what] of cases) {
    const error = await rejection(FileArtifact.from(path));
    expect(error.code).toBe("FILE_UNREADABLE");
    expect(error.message).toContain(path);
    expect(error.message).toContain(what);
  }
  server.close();
});

test("a link to a file is the file", async () => {
  const path = await fileOf(small);
  symlinkSync(path, `${path}-link`);
  expect(idOf(await FileArtifact.from(`${path}-link`))).toBe(idOf(await FileArtifact.of(small)));
});

test("a file that grows while it is stored is an error, never a mixture", async () => {
  const path = await fileOf(veryLong);
  const writer = openSync(path, "a");
  let grown = 0;
  // Each progress report is a moment in the middle of hashing or copying.
  const onProgress = () => {
    grown += 1;
    appendFileSync(writer, "x");
  };
  const error = await rejection(FileArtifact.from(path, { onProgress }));
  closeSync(writer);
  expect(grown).toBeGreaterThan(1);
  expect(error.code).toBe("FILE_CHANGED");
  expect(error.message).toContain(path);
});

test("progress is told up to the size, and storing can be canceled", async () => {
  const path = await fileOf(randomBytes(30 * 1024 * 1024));
  const seen: number[] = [];
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = () => controller.abort(reason);
  await expect(FileArtifact.from(path, { signal: controller.signal, onProgress })).rejects.toBe(reason);
  await FileArtifact.from(path, { onProgress: (bytes) => seen.push(bytes) });
  expect(seen.at(-1)).toBe(30 * 1024 * 1024);
  expect(seen).toEqual(seen.toSorted((left, right) => left - right));
  expect(seen.length).toBeGreaterThan(2);
  const small = await rejection(FileArtifact.of("x", { signal: AbortSignal.abort() })).catch((error: Error) => error);
  expect((small.cause as Error).name).toBe("AbortError");
});

test("small files cost no blob", async () => {
  await using home = await openHome();
  const count = async () => (await Array.fromAsync(home.blobs.list())).length;
  const before = await count();
  await FileArtifact.of(randomBytes(16 * 1024));
  expect(await count()).toBe(before);
  await FileArtifact.of(randomBytes(16 * 1024 + 1));
  expect(await count()).toBe(before + 1);
});

test("a failed copy leaves nothing", async () => {
  await using home = await openHome();
  const file = await FileArtifact.of(randomBytes(100_000));
  await home.blobs.delete([file]);
  const place = await fresh();
  await rejection(file.download(join(place, "copy")));
  expect(await readdir(place)).toEqual([]);
});
