import { describe, expect, test } from "vitest";
import type { TestCache } from "../cache-store.testsuite.ts";
import { ask, keyOf, leaseOf, write } from "./entries.ts";

/** Requests that would wait for each other without end. */
export function testCycles(create: () => Promise<TestCache>): void {
  const holding = (...names: string[]) => ({ holds: names.map(keyOf) });

  describe("cycles", () => {
    test("a run that asks for the key of its own ancestor is told", async () => {
      await using cache = await (await create()).open();
      await ask(cache, "a", "parent");
      expect(await ask(cache, "a", "child", holding("a"))).toMatchObject({
        type: "cycle",
        holder: { runId: "parent" },
      });
    });

    test("of two processes that wait for each other, the second is told", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      await ask(first, "a", "parent 1");
      await ask(second, "b", "parent 2");
      expect(await ask(first, "b", "child 1", holding("a"))).toMatchObject({ type: "held" });
      expect(await ask(second, "a", "child 2", holding("b"))).toMatchObject({
        type: "cycle",
        holder: { runId: "parent 1" },
      });
      // The first still waits, and is told so as often as it asks.
      expect(await ask(first, "b", "child 1", holding("a"))).toMatchObject({ type: "held" });
    });

    test("a circle is seen over any number of processes, and by keys that are held further up", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      await using third = await store.open();
      await ask(first, "grandparent", "run 1");
      await ask(first, "a", "run 2", holding("grandparent"));
      await ask(second, "b", "run 3");
      await ask(third, "c", "run 4");
      expect(await ask(first, "b", "run 5", holding("grandparent", "a"))).toMatchObject({ type: "held" });
      expect(await ask(second, "c", "run 6", holding("b"))).toMatchObject({ type: "held" });
      expect(await ask(third, "elsewhere", "run 7", holding("c"))).toMatchObject({ type: "lease" });
      expect(await ask(third, "grandparent", "run 8", holding("c"))).toMatchObject({ type: "cycle" });
      expect(await ask(third, "a", "run 9", holding("c"))).toMatchObject({ type: "cycle" });
      // One whose ancestors hold nothing is in nobody's way.
      expect(await ask(third, "a", "run 10")).toMatchObject({ type: "held" });
    });

    test("a circle within one array of requests is seen", async () => {
      await using cache = await (await create()).open();
      const wish = { label: "x", lease: true };
      const claims = await cache.claim([
        { ...wish, key: keyOf("a"), runId: "run 1", holds: [] },
        { ...wish, key: keyOf("b"), runId: "run 2", holds: [] },
        { ...wish, key: keyOf("b"), runId: "run 3", holds: [keyOf("a")] },
        { ...wish, key: keyOf("a"), runId: "run 4", holds: [keyOf("b")] },
      ]);
      expect(claims.map(({ type }) => type)).toEqual(["lease", "lease", "held", "cycle"]);
    });

    test("who has stopped to wait, or whose lease has gone, is in nobody's way", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      const lease = leaseOf(await ask(first, "a", "parent 1"));
      const other = leaseOf(await ask(second, "b", "parent 2"));
      await ask(first, "b", "child 1", holding("a"));
      await first.stopWaiting(["child 1", "somebody who never waited"]);
      expect(await ask(second, "a", "child 2", holding("b"))).toMatchObject({ type: "held" });
      await second.stopWaiting(["child 2"]);

      // Now the lease under which it waits goes, and somebody else takes that key.
      await ask(first, "b", "child 1", holding("a"));
      await write(first, { releases: [lease] });
      await ask(first, "a", "another parent");
      expect(await ask(second, "a", "child 2", holding("b"))).toMatchObject({ type: "held" });

      // And now what it waits for comes free.
      await write(second, { releases: [other] });
      expect(await ask(first, "b", "child 1", holding("a"))).toMatchObject({ type: "lease" });
      expect(await ask(second, "a", "child 2", holding("c"))).toMatchObject({ type: "held" });
    });

    test("a run that is answered no longer counts as one that waits", async () => {
      const store = await create();
      await using first = await store.open();
      await using second = await store.open();
      await ask(first, "a", "parent 1");
      const lease = leaseOf(await ask(second, "b", "parent 2"));
      expect(await ask(first, "b", "child 1", holding("a"))).toMatchObject({ type: "held" });
      await write(second, { releases: [lease] });
      const own = leaseOf(await ask(first, "b", "child 1", holding("a")));
      await write(first, { releases: [own] });
      await ask(second, "b", "parent 2");
      expect(await ask(second, "a", "child 2", holding("b"))).toMatchObject({ type: "held" });
    });
  });
}
