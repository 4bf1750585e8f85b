import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import type { TestCache } from "../cache-store.testsuite.ts";
import { ask, keyOf, leaseOf, put, request, write } from "./entries.ts";

const minute = 60_000;

/** Who reuses, who computes, who waits. */
export function testClaims(create: () => Promise<TestCache>): void {
  describe("claims", () => {
    test("the first who asks computes, others are told who does, and the entry is for all", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      const claim = await ask(first, "key", "run 1");
      expect(claim).toMatchObject({ type: "lease", expired: false, takenOver: false, lease: { key: keyOf("key") } });
      const holder = { runId: "run 1", label: "run 1 (label)", host: hostname(), pid: process.pid };
      expect(await ask(second, "key", "run 2")).toEqual({ type: "held", holder });
      expect(await ask(first, "key", "run 3")).toEqual({ type: "held", holder });
      expect(await second.leases()).toEqual([{ ...holder, key: keyOf("key"), since: expect.any(Number) as number }]);

      const entry = put("key", { lease: leaseOf(claim), rechecks: true, duration: 12.5 });
      expect(await write(first, { puts: [entry] })).toEqual({ fenced: [] });
      expect(await ask(second, "key", "run 2")).toEqual({ type: "entry", entry: entry.entry });
      expect(await second.leases()).toEqual([]);
    });

    test("a lease that was given back without an entry goes to the next who asks, with a larger number", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      const lease = leaseOf(await ask(first, "key", "run 1"));
      await write(first, { releases: [lease] });
      const claim = await ask(second, "key", "run 2");
      expect(claim).toMatchObject({ type: "lease", takenOver: false });
      expect(leaseOf(claim).fence).toBeGreaterThan(lease.fence);
      // A second release of the old one harms nobody.
      await write(first, { releases: [lease] });
      expect(await ask(first, "key", "run 3")).toMatchObject({ type: "held", holder: { runId: "run 2" } });
    });

    test("without a wish for a lease nothing is taken, and nobody's lease is in the way", async () => {
      await using cache = await (await create()).open();
      expect(await ask(cache, "key", "run 1", { lease: false })).toEqual({ type: "free", expired: false });
      await ask(cache, "key", "run 2");
      expect(await ask(cache, "key", "run 1", { lease: false })).toEqual({ type: "free", expired: false });
      await write(cache, { puts: [put("key")] });
      expect(await ask(cache, "key", "run 1", { lease: false })).toMatchObject({ type: "entry" });
    });

    test("of two requests for one key at once the first is given it; who holds it is given it again", async () => {
      await using cache = await (await create()).open();
      const [first, second] = await cache.claim([request("key", "run 1"), request("key", "run 2")]);
      expect(second).toMatchObject({ type: "held", holder: { runId: "run 1" } });
      expect(await ask(cache, "key", "run 1")).toEqual(first);
    });

    test("requests are answered each in its place, whatever the answers", async () => {
      const store = await create();
      await using other = await store.open();
      await using cache = await store.open();
      await ask(other, "held", "run 0");
      await write(other, { puts: [put("there"), put("old", { createdAt: Date.now() - minute })] });
      const claims = await cache.claim([
        request("new", "run 1"),
        request("there", "run 2"),
        request("held", "run 3"),
        request("old", "run 4", { maxAge: minute / 2 }),
        request("new", "run 5"),
        request("else", "run 6", { lease: false }),
        request("there", "run 7"),
      ]);
      expect(claims.map(({ type }) => type)).toEqual(["lease", "entry", "held", "lease", "held", "free", "entry"]);
      expect(claims[3]).toMatchObject({ expired: true });
      expect(claims[4]).toMatchObject({ holder: { runId: "run 1" } });
      expect(await cache.claim([])).toEqual([]);
    });

    test("an entry that is too old is missing to who minds, and 0 means that any is", async () => {
      await using cache = await (await create()).open();
      await write(cache, { puts: [put("key", { createdAt: Date.now() - 10 * minute })] });
      const withoutLease = { lease: false };
      expect(await ask(cache, "key", "run 1", { ...withoutLease, maxAge: 11 * minute })).toMatchObject({
        type: "entry",
      });
      const expired = await ask(cache, "key", "run 1", { ...withoutLease, maxAge: 9 * minute });
      expect(expired).toMatchObject({ type: "free", expired: true });
      expect((expired as { readonly age: number }).age).toBeGreaterThanOrEqual(10 * minute);
      expect(await ask(cache, "key", "run 1", { ...withoutLease, maxAge: 0 })).toMatchObject({
        type: "free",
        expired: true,
      });
      const claim = await ask(cache, "key", "run 1", { maxAge: 9 * minute });
      expect(claim).toMatchObject({ type: "lease", expired: true, takenOver: false });
      expect(await ask(cache, "key", "run 2")).toMatchObject({ type: "entry" });

      await write(cache, { puts: [put("key", { lease: leaseOf(claim), mode: "replace" })] });
      expect(await ask(cache, "key", "run 2", { maxAge: 9 * minute })).toMatchObject({ type: "entry" });
    });

    test("a writer whose clock is ahead gives its entries no longer life", async () => {
      await using cache = await (await create()).open();
      await write(cache, { puts: [put("key", { createdAt: Date.now() + 60 * minute })] });
      expect((await cache.get(keyOf("key")))?.createdAt).toBeLessThanOrEqual(Date.now() + minute);
    });

    test("an entry that was found useless is missing until another, be it an equal one, stands in its place", async () => {
      await using cache = await (await create()).open();
      const { entry: useless } = put("key", { createdAt: minute });
      await write(cache, { puts: [put("key", { createdAt: minute })] });
      const claim = await ask(cache, "key", "run 1", { useless });
      expect(claim).toMatchObject({ type: "lease", expired: false });
      const again = put("key", { createdAt: 2 * minute, lease: leaseOf(claim), mode: "replace" });
      await write(cache, { puts: [again] });
      expect(await ask(cache, "key", "run 1", { useless })).toEqual({ type: "entry", entry: again.entry });
    });

    test("whoever closes a store gives its leases back", async () => {
      const store = await create();
      await using second = await store.open();
      {
        await using first = await store.open();
        await ask(first, "key", "run 1");
        expect(await ask(second, "key", "run 2")).toMatchObject({ type: "held" });
      }
      expect(await second.leases()).toEqual([]);
      expect(await ask(second, "key", "run 2")).toMatchObject({ type: "lease", takenOver: false });
    });
  });
}
