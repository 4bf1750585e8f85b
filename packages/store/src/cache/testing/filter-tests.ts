import { describe, expect, test } from "vitest";
import type { CacheFilter, CacheStore } from "../cache-store.ts";
import type { TestCache } from "../cache-store.testsuite.ts";
import { keyOf, put, record, write } from "./entries.ts";

const hour = 3_600_000;
const digest = keyOf("the code");

/** Six entries, the first the oldest and largest, which was used last. */
async function fill(cache: CacheStore): Promise<readonly string[]> {
  const now = Date.now();
  const version = (kind: "given" | "auto" | "body", value: string) => ({ version: { kind, value } });
  const common = { createdAt: now - hour, artifact: keyOf("shared") };
  await write(cache, {
    puts: [
      put("a", { size: 600, createdAt: now - 60 * hour, record: record({ func: "load" }) }),
      put("b", { size: 500, createdAt: now - 50 * hour, record: record({ func: "load", namespace: "blüte" }) }),
      put("c", { size: 400, createdAt: now - 40 * hour, record: record(version("given", "v2")) }),
      put("d", { size: 300, createdAt: now - 30 * hour, record: record(version("auto", digest)) }),
      put("e", { ...common, size: 200, createdAt: now - 20 * hour, record: record(version("body", digest)) }),
      put("f", { ...common, size: 100, record: record({ func: "50%_done" }), originRootId: "another pipeline run" }),
    ],
  });
  await write(cache, { hits: [keyOf("a")] });
  return ["a", "b", "c", "d", "e", "f"];
}

/** Each filter with the entries that it finds, those first that were used longest ago. */
const cases: readonly (readonly [string, CacheFilter, string])[] = [
  ["nothing", {}, "bcdefa"],
  ["func", { func: "load" }, "ba"],
  ["a func with signs that mean something to SQL", { func: "50%_done" }, "f"],
  ["a pattern that is none", { func: "%" }, ""],
  ["a given version", { version: "v2" }, "c"],
  ["the beginning of a given version, which is another one", { version: "v" }, ""],
  ["the beginning of a code digest", { version: digest.slice(0, 8) }, "de"],
  ["the beginning of a code digest in capitals", { version: digest.slice(0, 8).toUpperCase() }, "de"],
  ["no version at all", { version: "" }, ""],
  ["namespace", { namespace: "blüte" }, "b"],
  ["namespace in another Unicode form", { namespace: "blüte".normalize("NFD") }, "b"],
  ["the run that computed", { runId: "origin of c" }, "c"],
  ["the pipeline run that computed", { runId: "another pipeline run" }, "f"],
  ["a key", { key: keyOf("e") }, "e"],
  ["the beginning of a key", { key: keyOf("e").slice(0, 6) }, "e"],
  ["no key", { key: "xyz" }, ""],
  ["the time when it was written", { olderThan: 35 * hour }, "bca"],
  ["the time when it was used", { unusedFor: 35 * hour }, "bc"],
  ["an age of nothing", { olderThan: 0 }, "bcdefa"],
  ["size", { largerThan: 400 }, "bca"],
  ["room for all", { keepBytes: 2_100 }, ""],
  ["room for some", { keepBytes: 1_000 }, "bcd"],
  ["room that the last used fills", { keepBytes: 600 }, "bcdef"],
  ["no room", { keepBytes: 0 }, "bcdefa"],
  ["several at once", { func: "train", largerThan: 300, olderThan: 35 * hour }, "c"],
  ["room among those of one func", { func: "load", keepBytes: 600 }, "b"],
  ["nothing that is there", { func: "train", namespace: "blüte" }, ""],
];

/** What is listed, summed up and cleared. */
export function testFilters(create: () => Promise<TestCache>): void {
  describe("filters", () => {
    test.each(cases)("%s", async (_name, filter, expected) => {
      const store = await create();
      await using cache = await store.open();
      const all = await fill(cache);
      const names = expected.split("");
      const keys = names.map(keyOf);
      const bytes = names.reduce((sum, name) => sum + (6 - all.indexOf(name)) * 100, 0);

      expect((await cache.list(filter)).map(({ key }) => key)).toEqual(
        all
          .filter((name) => expected.includes(name))
          .map(keyOf)
          .reverse(),
      );
      const told = await cache.clear(filter, { dryRun: true });
      expect(told).toEqual({ entries: keys.length, bytes, keys });
      expect(await cache.list()).toHaveLength(6);
      await using other = await store.open();
      expect(await other.clear(filter, { dryRun: false })).toEqual(told);
      expect((await cache.list()).map(({ key }) => key)).toEqual(
        all
          .filter((name) => !expected.includes(name))
          .map(keyOf)
          .reverse(),
      );
      expect(await cache.clear(filter, { dryRun: false })).toEqual({ entries: 0, bytes: 0, keys: [] });
    });

    test("lists are newest first, as long as wanted, with all that is known", async () => {
      await using cache = await (await create()).open();
      await fill(cache);
      const [newest, next, ...rest] = await cache.list({}, 2);
      expect(rest).toEqual([]);
      expect(newest).toMatchObject({ key: keyOf("f"), record: record({ func: "50%_done" }), hits: 0 });
      expect(next).toEqual(await cache.get(keyOf("e")));
      expect(await cache.list({}, 0)).toEqual([]);
    });

    test("sums are by func and namespace", async () => {
      await using cache = await (await create()).open();
      await fill(cache);
      await write(cache, { hits: [keyOf("c"), keyOf("c"), keyOf("d")] });
      const groups = await cache.groups();
      expect(groups.map(({ func, namespace }) => `${func} ${namespace}`)).toEqual([
        "50%_done default",
        "load blüte",
        "load default",
        "train default",
      ]);
      expect(groups[3]).toMatchObject({ entries: 3, bytes: 900, hits: 3, saved: 3 * 1_250 });
      expect(groups[3]?.newest).toBe((await cache.get(keyOf("e")))?.createdAt);
    });

    test("artifacts that entries name are told once each, as long as one names them", async () => {
      await using cache = await (await create()).open();
      await fill(cache);
      const shared = keyOf("shared");
      const own = ["a", "b", "c", "d"].map((name) => put(name).entry.artifact);
      expect([...(await cache.artifacts())].sort()).toEqual([...own, shared].sort());
      await cache.clear({ key: keyOf("e") }, { dryRun: false });
      expect(await cache.artifacts()).toContain(shared);
      await cache.clear({ key: keyOf("f") }, { dryRun: false });
      expect(await cache.artifacts()).not.toContain(shared);
    });

    test("what a cleared entry was made of can still be explained for a while", async () => {
      await using cache = await (await create()).open();
      await fill(cache);
      await cache.clear({}, { dryRun: false });
      expect(await cache.recordOf(keyOf("a"))).toEqual(record({ func: "load" }));
    });

    test("clearing takes no lease from who computes, and its entry is stored", async () => {
      await using cache = await (await create()).open();
      const [claim] = await cache.claim([{ key: keyOf("x"), runId: "run 1", label: "", holds: [], lease: true }]);
      await cache.clear({}, { dryRun: false });
      const lease = claim?.type === "lease" ? claim.lease : null;
      expect(await write(cache, { puts: [put("x", { lease })] })).toEqual({ fenced: [] });
      expect(await cache.list()).toHaveLength(1);
    });
  });
}
