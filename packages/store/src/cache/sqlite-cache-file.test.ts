import { chmod, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, RepriseError } from "@reprise/core";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runNode, temporaryFolder } from "../testing/processes.ts";
import { SqliteCacheStore } from "./sqlite-cache-store.ts";
import { ask, keyOf, leaseOf, put, write } from "./testing/entries.ts";
import { prologue } from "./testing/live-process.ts";

const report = "(error) => { console.log(error.code + ' ' + error.message); }";

/** A file with one entry, for the key "key". */
async function newCache(): Promise<string> {
  const path = join(await temporaryFolder(), "cache.db");
  await using cache = new SqliteCacheStore(path);
  await write(cache, { puts: [put("key")] });
  return path;
}

/** Every method of the store fails in this way. */
async function expectFailures(cache: SqliteCacheStore, code: ErrorCode, message: RegExp): Promise<void> {
  const methods: readonly (() => unknown)[] = [
    () => ask(cache, "key", "run 1"),
    () => ask(cache, "key", "run 1", { lease: false }),
    () => write(cache, { puts: [put("key")] }),
    () => cache.get(keyOf("key")),
    () => cache.recordOf(keyOf("key")),
    () => cache.codeOf(keyOf("key")),
    () => cache.list(),
    () => cache.groups(),
    () => cache.leases(),
    () => cache.clear({}, { dryRun: true }),
    () => cache.clear({}, { dryRun: false }),
    () => cache.sweep(),
    () => cache.artifacts(),
  ];
  for (const method of methods) {
    await expect(async () => method()).rejects.toSatisfy(
      (error) => RepriseError.is(error, code) && message.test(error.message),
    );
  }
}

describe("the file of the cache", () => {
  test("is made at the first write, closed to other users, and not by looking", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "home", "cache.db");
    await using cache = new SqliteCacheStore(path);
    expect(await cache.list()).toEqual([]);
    expect(await ask(cache, "key", "run 1", { lease: false })).toEqual({ type: "free", expired: false });
    expect(await cache.clear({}, { dryRun: false })).toEqual({ entries: 0, bytes: 0, keys: [] });
    await cache.sweep();
    cache.stopWaiting(["run 1"]);
    expect(await write(cache, {})).toEqual({ fenced: [] });
    expect(await readdir(folder)).toEqual([]);

    await write(cache, { puts: [put("key")] });
    expect(await cache.list()).toHaveLength(1);
    expect(await readdir(join(folder, "home"))).toContain("cache.db");
    for (const file of await readdir(join(folder, "home"))) {
      expect((await stat(join(folder, "home", file))).mode & 0o777).toBe(0o600);
    }
  });

  test("may lose its last entries in a power cut, but none when a process ends", async () => {
    await using cache = new SqliteCacheStore(await newCache());
    const executed = vi.spyOn(DatabaseSync.prototype, "exec");
    onTestFinished(() => {
      executed.mockRestore();
    });
    await cache.list();
    expect(executed.mock.calls.join(" ")).toContain("synchronous = NORMAL");
    using database = new DatabaseSync(cache.place, { readOnly: true });
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  });

  test("that was removed or replaced is opened anew, and an old lease is worth nothing in the new one", async () => {
    const path = await newCache();
    const other = await newCache();
    await using cache = new SqliteCacheStore(path);
    const lease = leaseOf(await ask(cache, "other key", "run 1"));
    for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
    expect(await cache.list()).toEqual([]);
    expect(leaseOf(await ask(cache, "other key", "run 2")).fence).not.toBe(lease.fence);
    expect(await write(cache, { puts: [put("other key", { lease })] })).toEqual({ fenced: [keyOf("other key")] });

    for (const suffix of ["-wal", "-shm"]) await rm(path + suffix, { force: true });
    await rename(other, path);
    expect(await cache.list()).toHaveLength(1);
  });

  test("that was closed is not opened again", async () => {
    const cache = new SqliteCacheStore(await newCache());
    expect(await cache.list()).toHaveLength(1);
    await cache[Symbol.asyncDispose]();
    await cache[Symbol.asyncDispose]();
    await expectFailures(cache, "STORE_FAILED", /cache\.db was closed/);
  });
});

describe("a file that is of no use", () => {
  test("a read-only one refuses writes and leases, and still gives what it holds", async () => {
    const path = await newCache();
    const folder = join(path, "..");
    await chmod(folder, 0o777);
    await chmod(path, 0o444);
    const before = await readFile(path);
    const script = (options: string) => `${prologue}
      process.stdin.unref?.();
      const cache = new store.SqliteCacheStore(${JSON.stringify(path)}, ${options});
      await write(cache, { puts: [put("key")] }).catch(${report});
      await ask(cache, "new", "run 1").catch(${report});
      await ask(cache, "key", "run 1", { lease: false }).then(({ type }) => console.log(type), ${report});
      await cache.list().then(({ length }) => console.log(length), ${report});
      await cache.clear({}, { dryRun: true }).then(({ entries }) => console.log(entries), ${report});
      await cache.clear({}, { dryRun: false }).catch(${report});
      await cache[Symbol.asyncDispose]();`;
    const refused = "STORE_READ_ONLY .*cache\\.db cannot be written.*\\n";
    const writer = await runNode(script("{}"), { unprivileged: true });
    expect(writer.stdout).toMatch(new RegExp(`^(${refused}){6}$`));
    await chmod(folder, 0o555);
    const reader = await runNode(script("{ readOnly: true }"), { unprivileged: true });
    expect(reader.stdout).toMatch(new RegExp(`^(${refused}){2}entry\\n1\\n1\\n${refused}$`));
    expect(reader.stderr).toBe("");
    await chmod(folder, 0o755);
    expect(await readFile(path)).toEqual(before);
  });

  test("a full one refuses the write as a whole; what was there stays, and the write can be repeated later", async () => {
    const path = join(await temporaryFolder(), "cache.db");
    const small = new SqliteCacheStore(path, { maxPages: 60 });
    const batch = (index: number) =>
      [0, 1, 2].map((part) => put(`${index} ${part}`, { originRunId: "x".repeat(3_000) }));
    let written = 0;
    await expect(
      (async () => {
        for (; ; written++) await write(small, { puts: batch(written), hits: [keyOf("0 0")] });
      })(),
    ).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(written).toBeGreaterThan(2);
    expect(await small.list()).toHaveLength(3 * written);
    expect(await small.get(keyOf("0 0"))).toMatchObject({ hits: written });
    await small.clear({ key: keyOf("0 1") }, { dryRun: false });
    await small[Symbol.asyncDispose]();

    await using larger = new SqliteCacheStore(path);
    await write(larger, { puts: batch(written) });
    expect(await larger.list()).toHaveLength(3 * written + 2);
    using database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  });

  test("a damaged one is an error of each method, and is left as it is", async () => {
    const path = join(await temporaryFolder(), "cache.db");
    const text = "this is no database at all, and long enough to have a header of one hundred bytes ".repeat(20);
    await writeFile(path, text);
    await using cache = new SqliteCacheStore(path);
    await expectFailures(cache, "STORE_FAILED", /cache\.db is damaged.*move it away/s);
    cache.stopWaiting(["run 1"]);
    expect(await readFile(path, "utf8")).toBe(text);
    await rm(path);
    await write(cache, { puts: [put("key")] });
    expect(await cache.list()).toHaveLength(1);
  });

  test("one that is damaged within is an error of who meets the damage, and closing it none", async () => {
    const path = join(await temporaryFolder(), "cache.db");
    {
      await using cache = new SqliteCacheStore(path);
      await write(cache, { puts: Array.from({ length: 500 }, (_, index) => put(index)) });
    }
    const bytes = await readFile(path);
    bytes.fill(0x5a, 4096);
    await writeFile(path, bytes);
    const cache = new SqliteCacheStore(path);
    await expect(cache.list()).rejects.toMatchObject({ code: "STORE_FAILED" });
    await expect(ask(cache, 1, "run 1")).rejects.toMatchObject({ code: "STORE_FAILED" });
    await expect(write(cache, { puts: [put("new")] })).rejects.toMatchObject({ code: "STORE_FAILED" });
    await cache[Symbol.asyncDispose]();
  });

  test("one of a newer release is refused with both versions, and is left as it is", async () => {
    const path = await newCache();
    {
      using database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 1000");
    }
    const before = await readFile(path);
    await using cache = new SqliteCacheStore(path);
    await expectFailures(cache, "STORE_TOO_NEW", /cache\.db .*1000.*up to \d+.*Upgrade/s);
    await using reader = new SqliteCacheStore(path, { readOnly: true });
    await expect(reader.list()).rejects.toMatchObject({ code: "STORE_TOO_NEW" });
    expect(await readFile(path)).toEqual(before);
  });
});
