import { describe, expect, test } from "vitest";
import type { TestCache } from "../cache-store.testsuite.ts";
import { ask, keyOf, leaseOf, put, record, request, write } from "./entries.ts";

/** Entries, leases that come back, hits, and what explanations need. */
export function testWrites(create: () => Promise<TestCache>): void {
  describe("writes", () => {
    test("the first entry stays, unless it is to be replaced; that makes it new", async () => {
      await using cache = await (await create()).open();
      const early = Date.now() - 60_000;
      await write(cache, { puts: [put("key", { createdAt: early }), put("key", { artifact: keyOf("second") })] });
      await write(cache, { puts: [put("key", { artifact: keyOf("third") })], hits: [keyOf("key")] });
      const { entry } = put("key", { createdAt: early });
      expect(await cache.get(keyOf("key"))).toMatchObject({ ...entry, hits: 1 });

      await write(cache, { puts: [put("key", { artifact: keyOf("fourth"), mode: "replace" })] });
      const replaced = await cache.get(keyOf("key"));
      expect(replaced).toMatchObject({ artifact: keyOf("fourth"), hits: 0, usedAt: replaced?.createdAt });
      expect(replaced?.createdAt).toBeGreaterThan(early);
    });

    test("an entry whose lease was lost is refused, and takes nothing from the new holder", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      const old = leaseOf(await ask(first, "key", "run 1"));
      await write(first, { releases: [old] });
      const lease = leaseOf(await ask(second, "key", "run 2"));
      const late = put("key", { lease: old, mode: "replace", artifact: keyOf("late") });
      const fresh = put("other", { lease: leaseOf(await ask(first, "other", "run 3")) });
      expect(await write(first, { puts: [late, fresh], releases: [old] })).toEqual({ fenced: [keyOf("key")] });
      expect(await first.get(keyOf("key"))).toBeUndefined();
      expect(await first.recordOf(keyOf("key"))).toBeUndefined();
      expect(await first.get(keyOf("other"))).toBeDefined();
      expect(await ask(first, "key", "run 1")).toMatchObject({ type: "held", holder: { runId: "run 2" } });
      expect(await write(second, { puts: [put("key", { lease })] })).toEqual({ fenced: [] });
      expect(await write(first, { puts: [late] })).toEqual({ fenced: [keyOf("key")] });
      expect(await first.get(keyOf("key"))).toMatchObject({ artifact: put("key").entry.artifact });
    });

    test("hits are counted, with when the last was", async () => {
      await using cache = await (await create()).open();
      const createdAt = Date.now() - 60_000;
      await write(cache, { puts: [put("a", { createdAt }), put("b", { createdAt })] });
      expect(await cache.get(keyOf("a"))).toMatchObject({ hits: 0, usedAt: createdAt });
      await write(cache, { hits: [keyOf("a"), keyOf("a"), keyOf("b"), keyOf("gone")] });
      await write(cache, { hits: [keyOf("a")] });
      const entry = await cache.get(keyOf("a"));
      expect(entry).toMatchObject({ hits: 3, createdAt });
      expect(entry?.usedAt).toBeGreaterThan(createdAt);
      expect(await cache.get(keyOf("b"))).toMatchObject({ hits: 1 });
      expect(await cache.get(keyOf("gone"))).toBeUndefined();
    });

    test("what keys were made of and the code behind them are kept, also where nothing was stored", async () => {
      await using cache = await (await create()).open();
      const auto = record({ version: { kind: "auto", value: keyOf("code") }, pipeline: "päper" });
      const code = [
        { digest: keyOf("code"), func: "train", closure: '{"parts":["ä"]}' },
        { digest: keyOf("code"), func: "train", closure: "another" },
      ];
      await write(cache, { records: [{ key: keyOf("failed"), record: auto }], puts: [put("stored")], code });
      expect(await cache.recordOf(keyOf("failed"))).toEqual(auto);
      expect(await cache.recordOf(keyOf("stored"))).toEqual(record());
      expect(await cache.recordOf(keyOf("else"))).toBeUndefined();
      expect(await cache.get(keyOf("failed"))).toBeUndefined();
      expect(await cache.codeOf(keyOf("code"))).toBe('{"parts":["ä"]}');
      expect(await cache.codeOf(keyOf("other code"))).toBeUndefined();
      await cache.sweep();
      expect(await cache.recordOf(keyOf("failed"))).toEqual(auto);
      expect(await cache.codeOf(keyOf("code"))).toBeDefined();
    });

    test("ten thousand keys are claimed, stored and reused at once", async () => {
      await using cache = await (await create()).open();
      const requests = Array.from({ length: 10_000 }, (_, index) => request(index, `run ${index}`));
      const leases = (await cache.claim(requests)).map(leaseOf);
      expect(new Set(leases.map(({ fence }) => fence)).size).toBe(10_000);
      await write(cache, { puts: leases.map((lease, index) => put(index, { lease })) });
      const claims = await cache.claim(requests);
      expect(claims.every((claim, index) => claim.type === "entry" && claim.entry.key === requests[index]?.key)).toBe(
        true,
      );
      await write(cache, { hits: requests.map(({ key }) => key) });
      expect(await cache.groups()).toMatchObject([{ entries: 10_000, hits: 10_000 }]);
      expect(await cache.leases()).toEqual([]);
    });
  });
}
