import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import { SqliteCacheStore } from "./sqlite-cache-store.ts";
import { ask, keyOf, leaseOf, put, request, write } from "./testing/entries.ts";
import { LiveProcess, until } from "./testing/live-process.ts";

/** A new file with a bare connection to it, for what no store would do. */
async function newCache() {
  const path = join(await temporaryFolder(), "cache.db");
  const open = (options: ConstructorParameters<typeof SqliteCacheStore>[1] = {}) => new SqliteCacheStore(path, options);
  await using cache = open();
  await write(cache, { hits: [keyOf("none")] });
  const database = new DatabaseSync(path);
  onTestFinished(() => {
    database.close();
  });
  return { path, open, database };
}

/** Another process that has taken the lease of the key "key" as the run "owner" and was killed. */
async function killedOwner(path: string): Promise<void> {
  const owner = new LiveProcess(`
    const cache = new store.SqliteCacheStore(${JSON.stringify(path)});
    console.log((await ask(cache, "key", "owner")).type);
    await released;`);
  expect(await owner.line()).toBe("lease");
  await owner.kill();
}

const minute = 60_000;

describe("who counts as gone", () => {
  test("on another host, only who was silent for longer than its grace", async () => {
    const { path, open, database } = await newCache();
    await using cache = open();
    await killedOwner(path);
    database.exec(
      "UPDATE owners SET host = 'elsewhere', heartbeat_at = heartbeat_at + 1000 * 1000, grace = 2000 * 1000",
    );
    expect(await ask(cache, "key", "run 1")).toMatchObject({ type: "held", holder: { host: "elsewhere" } });
    database.exec("UPDATE owners SET heartbeat_at = heartbeat_at - 2000 * 1000");
    expect(await ask(cache, "key", "run 1")).toMatchObject({ type: "held" });
    database.exec("UPDATE owners SET heartbeat_at = heartbeat_at - 1100 * 1000");
    expect(await cache.leases()).toEqual([]);
    expect(await ask(cache, "key", "run 1")).toMatchObject({ type: "lease", takenOver: true });
  });

  test("who was last heard of in a future that a clock has left, since it would have been heard of again", async () => {
    const { path, open, database } = await newCache();
    await using cache = open();
    await killedOwner(path);
    database.exec("UPDATE owners SET host = 'elsewhere', heartbeat_at = heartbeat_at + 3600 * 1000");
    expect(await ask(cache, "key", "run 1")).toMatchObject({ type: "lease", takenOver: true });
  });

  test("at once, a process whose number another one has by now", async () => {
    const { path, open, database } = await newCache();
    await using cache = open();
    await killedOwner(path);
    database.exec(`UPDATE owners SET pid = ${process.pid}`);
    database.exec("UPDATE owners SET process_started_at = process_started_at - 3600 * 1000");
    expect(await ask(cache, "key", "run 1")).toMatchObject({ type: "lease", takenOver: true });
  });

  test("what a process that is gone waited for makes no circle", async () => {
    const { path, open } = await newCache();
    await using cache = open();
    await ask(cache, "own", "parent");
    const owner = new LiveProcess(`
      const cache = new store.SqliteCacheStore(${JSON.stringify(path)});
      await ask(cache, "key", "owner");
      console.log((await ask(cache, "own", "child of owner", { holds: [keyOf("key")] })).type);
      await released;`);
    expect(await owner.line()).toBe("held");
    const holds = [keyOf("own")];
    expect(await ask(cache, "key", "child", { holds })).toMatchObject({ type: "cycle" });
    await owner.kill();
    expect(await ask(cache, "key", "child", { holds })).toMatchObject({ type: "lease", takenOver: true });
    // The rows of the dead are not those of who has its key now.
    await using other = open();
    expect(await ask(other, "own", "run 1", { holds: [] })).toMatchObject({ type: "held" });
  });

  test("nor does it close one between others", async () => {
    const { path, open } = await newCache();
    await using cache = open();
    await using other = open();
    await ask(cache, "own", "parent");
    await ask(other, "other", "other parent");
    const owner = new LiveProcess(`
      const cache = new store.SqliteCacheStore(${JSON.stringify(path)});
      await ask(cache, "key", "owner");
      console.log((await ask(cache, "own", "child of owner", { holds: [keyOf("key")] })).type);
      await released;`);
    expect(await owner.line()).toBe("held");
    expect(await ask(other, "key", "other child", { holds: [keyOf("other")] })).toMatchObject({ type: "held" });
    expect(await ask(cache, "other", "child", { holds: [keyOf("own")] })).toMatchObject({ type: "cycle" });
    await owner.kill();
    // The other one will take the key over when it asks next, and go on.
    expect(await ask(cache, "other", "child", { holds: [keyOf("own")] })).toMatchObject({ type: "held" });
    expect(await ask(other, "key", "other child", { holds: [keyOf("other")] })).toMatchObject({ type: "lease" });
  });

  test("what the last holder of a key waited for is not what the next one waits for", async () => {
    const { open, database } = await newCache();
    await using silent = open();
    await using next = open();
    await using cache = open();
    await ask(silent, "key", "silent parent");
    await ask(cache, "own", "parent");
    expect(await ask(silent, "own", "silent child", { holds: [keyOf("key")] })).toMatchObject({ type: "held" });
    database.exec("UPDATE owners SET heartbeat_at = heartbeat_at - 3600 * 1000 WHERE key = 1");
    expect(await ask(next, "key", "next parent")).toMatchObject({ type: "lease", takenOver: true });
    database.exec("UPDATE owners SET heartbeat_at = heartbeat_at + 3600 * 1000 WHERE key = 1");
    // The silent one is heard of again, and does not know yet that it has lost its lease.
    expect(await ask(silent, "own", "silent child", { holds: [keyOf("key")] })).toMatchObject({ type: "held" });
    expect(await ask(silent, "own", "another child", { holds: [keyOf("key")] })).toMatchObject({ type: "held" });
    expect(await ask(cache, "key", "child", { holds: [keyOf("own")] })).toMatchObject({ type: "held" });
  });

  test("what nobody asks for any more is swept once it was not heard of for a day", async () => {
    const { path, open, database } = await newCache();
    await using cache = open();
    await killedOwner(path);
    const count = () =>
      database.prepare("SELECT (SELECT count(*) FROM owners) + (SELECT count(*) FROM leases) AS n").get();
    await cache.sweep();
    expect(count()).toEqual({ n: 2 });
    database.exec("UPDATE owners SET heartbeat_at = heartbeat_at - 25 * 3600 * 1000");
    await cache.sweep();
    expect(count()).toEqual({ n: 0 });
  });
});

describe("transactions", () => {
  test("ten thousand keys take one transaction to read and one to write, hits and known waits only read", async () => {
    const { open, database } = await newCache();
    await using other = open();
    await using cache = open({ busyTimeout: 0 });
    const requests = Array.from({ length: 10_000 }, (_, index) => request(index, `run ${index}`));
    const executed = vi.spyOn(StatementSync.prototype, "run");
    onTestFinished(() => {
      executed.mockRestore();
    });
    const transactions = () => {
      const begun = executed.mock.contexts
        .map((statement) => (statement as StatementSync).sourceSQL)
        .filter((sql) => sql.startsWith("BEGIN"));
      executed.mockClear();
      return begun;
    };
    const leases = cache.claim(requests).map(leaseOf);
    expect(transactions()).toEqual(["BEGIN DEFERRED", "BEGIN IMMEDIATE"]);
    await ask(other, "elsewhere", "other");
    await ask(cache, "elsewhere", "child", { holds: [keyOf(0)] });
    transactions();
    await write(cache, { puts: leases.slice(1).map((lease, index) => put(index + 1, { lease })) });
    expect(transactions()).toEqual(["BEGIN IMMEDIATE"]);

    // Somebody else writes for a long time; whoever does not write himself does not wait for that.
    database.exec("BEGIN IMMEDIATE");
    transactions();
    expect(new Set(cache.claim(requests.slice(1)).map(({ type }) => type))).toEqual(new Set(["entry"]));
    expect(await ask(cache, "elsewhere", "child", { holds: [keyOf(0)] })).toMatchObject({ type: "held" });
    expect(await ask(cache, "elsewhere", "without ancestors")).toMatchObject({ type: "held" });
    expect(await ask(cache, "new", "without lease", { lease: false })).toMatchObject({ type: "free" });
    cache.stopWaiting(["nobody who waits"]);
    expect(new Set(transactions())).toEqual(new Set(["BEGIN DEFERRED"]));
    await expect(ask(cache, "new", "run")).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringMatching(/cache\.db is held by another process/) as string,
    });
    database.exec("ROLLBACK");
    expect(await ask(cache, "new", "run")).toMatchObject({ type: "lease" });
  });

  test("a lease that could not be given back is given back with the next write, or by itself", async () => {
    const { open, database } = await newCache();
    await using other = open();
    for (const lease of [{}, { heartbeat: 50 }]) {
      const cache = open({ busyTimeout: 0, lease });
      const own = [leaseOf(await ask(cache, "a", "run 1")), leaseOf(await ask(cache, "b", "run 2"))] as const;
      database.exec("BEGIN IMMEDIATE");
      await expect(write(cache, { puts: [put("a", { lease: own[0] })], releases: [own[1]] })).rejects.toThrow(
        /is held/,
      );
      database.exec("ROLLBACK");
      expect(await ask(other, "a", "run 3")).toMatchObject({ type: "held", holder: { runId: "run 1" } });
      if (lease.heartbeat === undefined) await write(cache, { hits: [keyOf("none")] });
      await until(async () => ((await other.leases()).length === 0 ? true : undefined));
      // What was to be written with it is lost; its maker was told so.
      expect(await other.get(keyOf("a"))).toBeUndefined();
      await cache[Symbol.asyncDispose]();
    }
  });

  test("an entry whose first write failed can be written again under its lease", async () => {
    const { open, database } = await newCache();
    await using cache = open({ busyTimeout: 0 });
    const puts = [put("a", { lease: leaseOf(await ask(cache, "a", "run 1")) })];
    database.exec("BEGIN IMMEDIATE");
    await expect(write(cache, { puts })).rejects.toThrow(/is held/);
    database.exec("ROLLBACK");
    expect(await write(cache, { puts })).toEqual({ fenced: [] });
    expect(await cache.get(keyOf("a"))).toBeDefined();
  });
});

describe("the clock", () => {
  test("exactly the age that is allowed is valid", async () => {
    const { open, database } = await newCache();
    await using cache = open();
    await write(cache, { puts: [put("key")] });
    const clock = Date.now() + 60 * minute;
    database.exec(`UPDATE meta SET clock = ${clock}; UPDATE entries SET created_at = ${clock - 10 * minute}`);
    expect(await ask(cache, "key", "run 1", { maxAge: 10 * minute })).toMatchObject({ type: "entry" });
    expect(await ask(cache, "key", "run 1", { maxAge: 10 * minute - 1 })).toMatchObject({
      type: "lease",
      expired: true,
    });
  });

  test("one that jumps back makes no expired entry young again; a cleared cache forgets it", async () => {
    const { open, database } = await newCache();
    await using cache = open();
    await write(cache, { puts: [put("key")] });
    expect(await ask(cache, "key", "run 1", { maxAge: minute, lease: false })).toMatchObject({ type: "entry" });
    // Somebody wrote an hour from now, before the clock was set back.
    database.exec(`UPDATE meta SET clock = ${Date.now() + 60 * minute}`);
    for (let round = 0; round < 2; round++) {
      expect(await ask(cache, "key", "run 1", { maxAge: minute, lease: false })).toMatchObject({
        type: "free",
        expired: true,
      });
      await write(cache, { hits: [keyOf("key")] });
    }
    expect(await cache.clear({ olderThan: 59 * minute }, { dryRun: true })).toMatchObject({ entries: 1 });
    await cache.clear({}, { dryRun: false });
    await write(cache, { puts: [put("key")] });
    expect(await ask(cache, "key", "run 1", { maxAge: minute })).toMatchObject({ type: "entry" });
  });

  test("records and code that no entry names are removed after thirty days, those that one names are not", async () => {
    const { open, database } = await newCache();
    await using cache = open();
    const auto = (digest: string) => ({ ...put("x").record, version: { kind: "auto", value: digest } as const });
    const code = ["used", "unused"].map((name) => ({ digest: name, func: "train", closure: name }));
    await write(cache, {
      puts: [put("entry", { record: auto("used") })],
      records: ["old", "new"].map((name) => ({ key: keyOf(name), record: auto("unused") })),
      code,
    });
    const age = (days: number, where: string) =>
      database.exec(`UPDATE key_records SET used_at = used_at - ${days} * 86400000 WHERE ${where}`);
    database.exec("UPDATE code SET used_at = used_at - 31 * 86400000");
    age(31, "1");
    age(-2, `key = x'${keyOf("new")}'`);
    await cache.sweep();
    expect(await cache.recordOf(keyOf("entry"))).toBeDefined();
    expect(await cache.recordOf(keyOf("old"))).toBeUndefined();
    expect(await cache.recordOf(keyOf("new"))).toBeDefined();
    expect(await cache.codeOf("unused")).toBe("unused");

    age(2, `key = x'${keyOf("new")}'`);
    // The entry was reused just now, so it can be explained for thirty days from now.
    await write(cache, { hits: [keyOf("entry")] });
    await cache.clear({}, { dryRun: false });
    expect(await cache.recordOf(keyOf("new"))).toBeUndefined();
    expect(await cache.recordOf(keyOf("entry"))).toBeDefined();
    expect(await cache.codeOf("unused")).toBeUndefined();
    expect(await cache.codeOf("used")).toBe("used");
  });
});

describe("the heartbeat", () => {
  test("ends some time after the last lease, and begins again with the next", async () => {
    const { open, database } = await newCache();
    await using cache = open({ lease: { heartbeat: 20, grace: 100 } });
    const heartbeat = () => database.prepare("SELECT heartbeat_at AS at FROM owners").get()?.["at"] as number;
    const beats = () => {
      const before = heartbeat();
      return until(async () => (heartbeat() > before ? true : undefined));
    };
    const lease = leaseOf(await ask(cache, "key", "run 1"));
    await beats();
    await write(cache, { releases: [lease] });
    let last = 0;
    await until(async () => {
      const before = last;
      last = heartbeat();
      // Fifty beats long nothing: it has ended.
      if (before === last) await new Promise((resolve) => setTimeout(resolve, 1_000));
      return before === last && heartbeat() === last ? true : undefined;
    });
    await ask(cache, "key", "run 2");
    expect(await beats()).toBe(true);
  });

  test("a file that is locked, damaged or gone under it ends nothing and comes back by nothing", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "cache.db");
    const { code, stdout, stderr } = await runNode(`
      import { existsSync, readdirSync, rmSync } from "node:fs";
      import { DatabaseSync } from "node:sqlite";
      import { setTimeout as pause } from "node:timers/promises";
      import { SqliteCacheStore } from ${JSON.stringify(storeIndex)};
      const cache = new SqliteCacheStore(${JSON.stringify(path)}, { lease: { heartbeat: 5 } });
      cache.claim([{ key: "ab".repeat(32), runId: "run 1", label: "", holds: [], lease: true }]);
      const database = new DatabaseSync(${JSON.stringify(path)});
      const beat = () => database.prepare("SELECT heartbeat_at FROM owners").get().heartbeat_at;
      for (let before = beat(); beat() === before; ) await pause(5);
      database.exec("BEGIN IMMEDIATE");
      await pause(700);
      database.exec("ROLLBACK; ALTER TABLE owners RENAME TO others");
      await pause(100);
      database.exec("ALTER TABLE others RENAME TO owners");
      for (let before = beat(); beat() === before; ) await pause(5);
      // While it cannot beat it opens the file again and again.
      database.exec("ALTER TABLE owners RENAME TO others");
      database.close();
      await pause(100);
      for (const name of readdirSync(${JSON.stringify(folder)})) rmSync(${JSON.stringify(folder)} + "/" + name);
      await pause(300);
      console.log(existsSync(${JSON.stringify(path)}));
      await cache[Symbol.asyncDispose]();
      console.log(existsSync(${JSON.stringify(path)}));`);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "false\nfalse\n", stderr: "" });
  });
});
