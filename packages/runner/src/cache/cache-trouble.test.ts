import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type CacheStoreOptions, type Home, openHome, SqliteCacheStore } from "@reprise/store";
import { describe, expect, onTestFinished, test } from "vitest";
import { func } from "../func.ts";
import { LocalRunner } from "../local-runner.ts";
import type { LocalRunnerOptions } from "../local-runner-options.ts";
import type { RunnerEvent } from "../runner-events.ts";
import { SharedFolder } from "../testing/cache-shared.ts";
import { Child } from "../testing/child.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { verifyHome } from "../testing/verify-home.ts";
import { count, counts, resetCounts } from "./testing/watched-runner.ts";

/** What happens while the body executes. */
let meanwhile = (): void => undefined;
const work = func({
  id: "work in trouble",
  cache: { version: "1" },
  run: (seed: number) => {
    count("work");
    meanwhile();
    return { seed, list: [seed, [seed]] };
  },
});

const manyInTrouble = func("many in trouble", (seeds: number[]) => work.map(seeds));

const missed = { statuses: ["MISS"], warnings: [] };
const reused = { statuses: ["HIT"], warnings: [] };
const unreadable = { statuses: ["LOOKUP_FAILED"], warnings: [expect.stringMatching(/^The cache cannot be read, so /)] };
const unwritable = {
  statuses: ["PUT_FAILED"],
  warnings: [expect.stringMatching(/^The result of func "work in trouble" will not be reused: /)],
};

/** A runner whose cache is opened in a way of its own. */
class OddRunner extends LocalRunner {
  readonly #path: string;
  readonly #cache: CacheStoreOptions;

  constructor(path: string, cache: CacheStoreOptions, options: LocalRunnerOptions = {}) {
    super(options);
    this.#path = path;
    this.#cache = cache;
  }

  protected override async openHome(): Promise<Home> {
    const home = await openHome({ path: this.#path });
    const cache = new SqliteCacheStore(join(this.#path, "cache.db"), this.#cache);
    const { path, backend, blobs, artifacts, settings, code } = home;
    return {
      path,
      backend,
      blobs,
      artifacts,
      settings,
      cache,
      code,
      makeWorkdir: () => home.makeWorkdir(),
      [Symbol.asyncDispose]: async () => {
        await cache[Symbol.asyncDispose]();
        await home[Symbol.asyncDispose]();
      },
    };
  }
}

interface Circumstances {
  readonly options?: LocalRunnerOptions;
  readonly cache?: CacheStoreOptions;
  /** What happens while the body executes. */
  readonly during?: () => void;
}

/** Runs the func, which always gives the right result, and says what the cache did for it. */
async function run(home: string, { options = {}, cache = {}, during = () => undefined }: Circumstances = {}) {
  const { statuses, warnings, onEvent } = listener();
  await using runner = new OddRunner(home, cache, { onEvent, ...options });
  meanwhile = during;
  try {
    expect(await runner.run(work(7))).toEqual({ seed: 7, list: [7, [7]] });
  } finally {
    meanwhile = () => undefined;
  }
  return { statuses: [...statuses.values()], warnings };
}

/** Keeps the last status of each run, and the warnings. */
function listener() {
  const statuses = new Map<string, string>();
  const warnings: string[] = [];
  const onEvent = (event: RunnerEvent): void => {
    if (event.type === "run" && event.cache !== undefined) statuses.set(event.id, event.cache.status);
    if (event.type === "warning") warnings.push(event.message);
  };
  return { statuses, warnings, onEvent };
}

function cacheFiles(home: string): string[] {
  return readdirSync(home).filter((name) => name.startsWith("cache.db"));
}

function removeCache(home: string): void {
  for (const name of cacheFiles(home)) rmSync(join(home, name), { recursive: true });
}

/** What every home must be in the end: whole, with an entry that is reused, and nobody who computes. */
async function verifyHealed(path: string, first: typeof missed | typeof reused, entries = 1): Promise<void> {
  expect(await run(path)).toEqual(first);
  expect(await run(path)).toEqual(reused);
  const home = await homeOf(path);
  await verifyHome(home);
  expect(await home.cache.list()).toHaveLength(entries);
  expect(await home.cache.leases()).toEqual([]);
  expect((await home.backend.listPipelineRuns()).filter(({ state }) => state !== "COMPLETE")).toEqual([]);
}

describe("a cache that cannot be opened fails no run, and is left as it is", () => {
  test("a folder in its place", async () => {
    const home = temporaryFolder();
    mkdirSync(join(home, "cache.db"));
    expect(await run(home)).toEqual(unreadable);
    rmdirSync(join(home, "cache.db"));
    await verifyHealed(home, missed);
  });

  test("other bytes in its place", async () => {
    const home = temporaryFolder();
    const bytes = Buffer.from("no database, but something of somebody else's ".repeat(300));
    writeFileSync(join(home, "cache.db"), bytes);
    expect(await run(home)).toEqual(unreadable);
    expect(readFileSync(join(home, "cache.db")).equals(bytes)).toBe(true);
    removeCache(home);
    await verifyHealed(home, missed);
  });

  test("one of a newer release", async () => {
    const home = temporaryFolder();
    await run(home);
    const { version } = setVersion(home, 999);
    const bytes = readFileSync(join(home, "cache.db"));
    expect(await run(home)).toEqual({
      statuses: ["LOOKUP_FAILED"],
      warnings: [expect.stringMatching(/cache\.db was written by a newer reprise .* Upgrade reprise/)],
    });
    expect(readFileSync(join(home, "cache.db")).equals(bytes)).toBe(true);
    setVersion(home, version);
    await verifyHealed(home, reused);
  });

  test("one that this user may not write", async () => {
    const folder = temporaryFolder();
    const shared = new SharedFolder(folder);
    for (const flag of ["finish", "leave"]) shared.raise(flag);
    shared.log("made by the owner of the folder");
    for (const name of ["", ...readdirSync(folder)]) {
      chmodSync(join(folder, name), 0o777);
      if (process.getuid?.() === 0) chownSync(join(folder, name), 65_534, 65_534);
    }
    const runAsNobody = async () => {
      const child = new Child("cache-scenarios.ts", ["works", folder], { unprivileged: true });
      onTestFinished(() => child.kill("SIGKILL"));
      const { code, stdout, stderr } = await child.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return stdout.split("\n").filter((line) => /^(work|warning|result) /.test(line));
    };
    const first = await runAsNobody();
    expect(first).toEqual(["work MISS", expect.stringMatching(/^result /)]);
    chmodSync(join(shared.home, "cache.db"), 0o444);
    expect(await runAsNobody()).toEqual([
      expect.stringMatching(/^warning The cache cannot be read, .*cache\.db cannot be written/),
      "work LOOKUP_FAILED",
      expect.stringMatching(/^result /),
    ]);
    chmodSync(join(shared.home, "cache.db"), 0o600);
    expect(await runAsNobody()).toEqual(["work HIT", first.at(-1)]);
  });

  test("is one trouble of each call that asks, whatever else goes on", async () => {
    resetCounts();
    const home = temporaryFolder();
    mkdirSync(join(home, "cache.db"));
    const { statuses, warnings, onEvent } = listener();
    await using runner = new LocalRunner({ home, onEvent });
    expect(await runner.run(manyInTrouble([1, 2, 3, 1]))).toMatchObject([1, 2, 3, 1].map((seed) => ({ seed })));
    expect(counts).toEqual({ work: 3 });
    const told = [...statuses.values()].toSorted((one, other) => one.localeCompare(other));
    expect(told).toEqual(["HIT", "LOOKUP_FAILED", "LOOKUP_FAILED", "LOOKUP_FAILED"]);
    expect(warnings).toEqual(unreadable.warnings);
  });
});

describe("a cache that breaks while a body executes fails no run", () => {
  test("removed", async () => {
    const home = temporaryFolder();
    await run(home, { options: { cacheNamespace: "another" } });
    expect(await run(home, { during: () => removeCache(home) })).toEqual({
      statuses: ["PUT_FAILED"],
      warnings: [expect.stringContaining("the cache was removed")],
    });
    await verifyHealed(home, missed);
  });

  test("replaced by a folder", async () => {
    const home = temporaryFolder();
    expect(
      await run(home, {
        during: () => {
          removeCache(home);
          mkdirSync(join(home, "cache.db"));
        },
      }),
    ).toEqual(unwritable);
    rmdirSync(join(home, "cache.db"));
    await verifyHealed(home, missed);
  });

  test("overwritten by somebody else", async () => {
    const home = temporaryFolder();
    await run(home, { options: { cacheNamespace: "another" } });
    const overwrite = (): void => {
      for (const name of cacheFiles(home)) writeFileSync(join(home, name), "somebody else's ".repeat(5_000));
    };
    // Whether it was noticed depends on what the open file has in memory; what comes next must notice.
    const { statuses } = await run(home, { during: overwrite });
    expect(statuses).toEqual([expect.stringMatching(/^(MISS|PUT_FAILED)$/)]);
    expect(await run(home)).toEqual(unreadable);
    removeCache(home);
    await verifyHealed(home, missed);
  });

  test("locked by somebody who does not let go", async () => {
    const home = temporaryFolder();
    await run(home, { options: { cacheNamespace: "another" } });
    const cache = { busyTimeout: 50, lease: { heartbeat: 50 } };
    const other = new DatabaseSync(join(home, "cache.db"));
    other.exec("BEGIN IMMEDIATE");
    expect(await run(home, { cache })).toEqual(unreadable);
    other.exec("ROLLBACK");

    // This runner stays, with a lease that it cannot give back.
    const { warnings, onEvent } = listener();
    await using early = new OddRunner(home, cache, { onEvent });
    meanwhile = () => other.exec("BEGIN IMMEDIATE");
    expect(await early.run(work(7))).toMatchObject({ seed: 7 });
    meanwhile = () => undefined;
    expect(warnings).toEqual(unwritable.warnings);
    other.exec("ROLLBACK");
    // Nobody waits for it for longer than until it has tried again.
    expect(await run(home, { cache })).toEqual(missed);

    other.exec("BEGIN IMMEDIATE");
    // Reading goes on; that nobody can count the hit is not worth a word.
    expect(await run(home, { cache })).toEqual(reused);
    other.close();
    await verifyHealed(home, reused, 2);
  });
});

describe("a cache that is full", () => {
  // The record of a key holds its namespace: what is to be written is larger than what the lease needs.
  const cacheNamespace = "n".repeat(200_000);
  const cache = { maxPages: 40, lease: { heartbeat: 50 } };

  test("stores nothing, keeps nobody waiting, and what it holds is reused", async () => {
    const home = temporaryFolder();
    expect(await run(home, { cache })).toEqual(missed);
    resetCounts();
    for (let time = 0; time < 2; time += 1) {
      expect(await run(home, { cache, options: { cacheNamespace } })).toEqual({
        statuses: ["PUT_FAILED"],
        warnings: [expect.stringMatching(/will not be reused: .*full/)],
      });
    }
    expect(counts).toEqual({ work: 2 });
    expect(await run(home, { cache })).toEqual(reused);
    await verifyHealed(home, reused);
    expect(await run(home, { options: { cacheNamespace } })).toEqual(missed);
    expect(await run(home, { options: { cacheNamespace } })).toEqual(reused);
  });
});

describe("a cache whose bytes are damaged", () => {
  const seed = Number(process.env["REPRISE_TEST_SEED"] ?? Math.floor(Math.random() * 1_000_000));

  test(`never gives a wrong result, and never fails a run (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const path = temporaryFolder();
    await run(path);
    expect(cacheFiles(path)).toEqual(["cache.db"]);
    const sound = readFileSync(join(path, "cache.db"));
    const found = new Set<string>();
    for (let time = 0; time < 60; time += 1) {
      const bytes = Buffer.from(sound);
      // A few bytes anywhere, or much of one place.
      const [start, length, step] = [
        random() * bytes.length,
        1 + random() * (time % 3 === 0 ? 2_000 : 20),
        1 + random() * 97,
      ];
      const stride = time % 3 === 0 ? 1 : Math.floor(step);
      for (let at = 0; at < length; at += 1) bytes[Math.floor(start + at * stride) % bytes.length] = random() * 256;
      removeCache(path);
      writeFileSync(join(path, "cache.db"), bytes);
      const { statuses } = await run(path, { cache: { busyTimeout: 50 } });
      for (const status of statuses) found.add(status);
    }
    for (const length of [0, 1, 100, 4_096, sound.length >> 1, sound.length - 1]) {
      removeCache(path);
      writeFileSync(join(path, "cache.db"), sound.subarray(0, length));
      await run(path, { cache: { busyTimeout: 50 } });
    }
    // Otherwise the damage was of no consequence, or of too much.
    expect(found.size).toBeGreaterThan(1);
    removeCache(path);
    await verifyHealed(path, missed);
  });
});

test("nothing of the values is in the cache's files, except digests of them", async () => {
  const path = temporaryFolder();
  const secrets = ["kept-from-everybody-1", "kept-from-everybody-2", "kept-from-everybody-3"];
  const [argument = "", result = "", option = ""] = secrets;
  const confidential = func({
    id: "confidential",
    cache: { version: "1", key: (given: { readonly password: string }) => [given.password, option] },
    run: (given: { readonly password: string }) => ({ token: result, size: given.password.length }),
  });
  const texts = () => cacheFiles(path).map((name) => readFileSync(join(path, name)).toString("latin1"));
  {
    await using runner = new LocalRunner({ home: path });
    await runner.run(confidential({ password: argument }));
    await runner.run(confidential({ password: argument }).$set({ cache: { version: "1" } }));
    // The write-ahead log is still there.
    expect(texts().length).toBeGreaterThan(1);
    expect(texts().join()).toContain("confidential");
    for (const secret of secrets) expect(texts().join()).not.toContain(secret);
  }
  expect(texts().join()).toContain("confidential");
  for (const secret of secrets) expect(texts().join()).not.toContain(secret);
});

/** Sets the version of the cache's file; gives the one before. */
function setVersion(home: string, version: number): { readonly version: number } {
  const database = new DatabaseSync(join(home, "cache.db"));
  const { user_version: before } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
  return { version: before };
}

/** Numbers from 0 up to 1 that are the same for the same seed. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
