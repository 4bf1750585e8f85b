import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runNode, temporaryFolder } from "../../testing/processes.ts";
import type { TestCache } from "../cache-store.testsuite.ts";
import { ask, keyOf, leaseOf, put, write } from "./entries.ts";
import { LiveProcess, prologue, until } from "./live-process.ts";

/** Leases between processes that live, stop and die. */
export function testLeaseProcesses(create: () => Promise<TestCache>): void {
  describe("processes", () => {
    test("many processes claim the same keys at the same moment: each key goes to exactly one", async () => {
      const store = await create();
      const [processes, keys] = [8, 50];
      const go = join(await temporaryFolder(), "go");
      // Half of them ask key by key and half for all at once, each beginning with another key.
      const script = `
        import { existsSync } from "node:fs";
        const lease = {};
        await using cache = ${store.expression};
        console.log("ready");
        const pause = new Int32Array(new SharedArrayBuffer(4));
        while (!existsSync(${JSON.stringify(go)})) Atomics.wait(pause, 0, 0, 1);
        const own = Number(process.env.OWN);
        const requests = Array.from({ length: ${keys} }, (_, index) => request((index + own * 7) % ${keys}, "run " + own));
        const claims = own % 2 === 0 ? cache.claim(requests) : requests.map((one) => cache.claim([one])[0]);
        const given = claims.filter(({ type }) => type === "lease");
        console.log(given.length + " " + claims.filter(({ type }) => type === "held").length);
        for (const { lease } of given) console.log(lease.key);
        await released;`;
      const live = Array.from(
        { length: processes },
        (_, own) => new LiveProcess(script.replace("process.env.OWN", String(own))),
      );
      for (const one of live) expect(await one.line()).toBe("ready");
      await writeFile(go, "");
      const given: string[] = [];
      for (const one of live) {
        const [leases = 0, held = 0] = (await one.line())?.split(" ").map(Number) ?? [];
        expect(leases + held).toBe(keys);
        for (let index = 0; index < leases; index++) given.push((await one.line()) ?? "");
      }
      const expected = Array.from({ length: keys }, (_, index) => keyOf(index));
      expect(given.sort()).toEqual(expected.sort());
      await using cache = await store.open();
      expect(await cache.leases()).toHaveLength(keys);
      for (const one of live) one.release();
      for (const one of live) expect(await one.line()).toBeUndefined();
      expect(await cache.leases()).toEqual([]);
    });

    test("the lease of a process that was killed goes at once to exactly one of those who wait", async () => {
      const store = await create();
      const owner = new LiveProcess(`
        const lease = {};
        const cache = ${store.expression};
        console.log((await ask(cache, "key", "owner")).type);
        await ask(cache, "not asked for by others", "owner");
        await released;`);
      expect(await owner.line()).toBe("lease");
      await using cache = await store.open();
      expect(await ask(cache, "key", "test")).toMatchObject({ type: "held", holder: { runId: "owner" } });
      await owner.kill();
      expect(await cache.leases()).toEqual([]);

      // One claim each, and none that waits for a grace: whoever is first takes it over, all others find that one.
      const waiters = Array.from(
        { length: 3 },
        (_, index) =>
          new LiveProcess(`
            const lease = {};
            await using cache = ${store.expression};
            const claim = await ask(cache, "key", "waiter ${index}");
            console.log(claim.type + " " + (claim.takenOver ?? claim.holder.runId.startsWith("waiter")));
            await released;`),
      );
      const answers = await Promise.all(waiters.map((waiter) => waiter.line()));
      expect(answers.filter((answer) => answer === "lease true")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "held true")).toHaveLength(2);
      for (const waiter of waiters) waiter.release();
      for (const waiter of waiters) expect(await waiter.line()).toBeUndefined();
    });

    test("who was stopped for longer than its grace has lost its lease, and takes nothing from the new holder", async () => {
      const store = await create();
      const lease = { heartbeat: 100, grace: 1_000 };
      const owner = new LiveProcess(`
        const lease = ${JSON.stringify(lease)};
        const cache = ${store.expression};
        const own = leaseOf(await ask(cache, "key", "owner"));
        const other = leaseOf(await ask(cache, "other", "owner"));
        console.log("holds");
        await released;
        const late = put("key", { lease: own, mode: "replace", artifact: keyOf("late") });
        console.log(JSON.stringify(await write(cache, { puts: [late], releases: [own] })));
        console.log((await ask(cache, "key", "owner")).holder.runId);
        console.log(JSON.stringify(await write(cache, { puts: [put("other", { lease: other })] })));
        await cache[Symbol.asyncDispose]();
        console.log("closed");`);
      expect(await owner.line()).toBe("holds");
      await using cache = await store.open(lease);
      expect(await ask(cache, "key", "test")).toMatchObject({ type: "held" });
      owner.signal("SIGSTOP");
      const claim = await until(async () => {
        const claim = await ask(cache, "key", "test");
        return claim.type === "held" ? undefined : claim;
      });
      expect(claim).toMatchObject({ type: "lease", takenOver: true });

      owner.release();
      owner.signal("SIGCONT");
      expect(await owner.line()).toBe(JSON.stringify({ fenced: [keyOf("key")] }));
      expect(await owner.line()).toBe("test");
      // What nobody took over is still its own.
      expect(await owner.line()).toBe(JSON.stringify({ fenced: [] }));
      expect(await owner.line()).toBe("closed");
      expect(await cache.leases()).toMatchObject([{ key: keyOf("key"), runId: "test" }]);
      expect(await write(cache, { puts: [put("key", { lease: leaseOf(claim) })] })).toEqual({ fenced: [] });
      expect(await cache.get(keyOf("key"))).toMatchObject({ artifact: put("key").entry.artifact });
    });

    test("an event loop that is blocked for five times the grace, from the claim on, keeps its lease", async () => {
      const store = await create();
      const grace = 1_500;
      const owner = new LiveProcess(`
        import { writeSync } from "node:fs";
        const lease = { heartbeat: 50, grace: ${grace} };
        const cache = ${store.expression};
        const own = leaseOf(cache.claim([request("key", "owner")])[0]);
        const end = Date.now() + ${5 * grace};
        writeSync(1, "blocked\\n");
        while (Date.now() < end);
        writeSync(1, JSON.stringify(cache.write({ puts: [put("key", { lease: own })], releases: [], hits: [], records: [], code: [] })) + "\\n");
        process.exit();`);
      expect(await owner.line()).toBe("blocked");
      await using cache = await store.open();
      const ended = owner.line();
      const seen = new Set<string>();
      const claim = await until(async () => {
        const claim = await ask(cache, "key", "test");
        seen.add(claim.type);
        return claim.type === "held" ? undefined : claim;
      });
      expect(claim).toMatchObject({ type: "entry" });
      expect([...seen]).toEqual(["held", "entry"]);
      expect(await ended).toBe(JSON.stringify({ fenced: [] }));
    });

    test("a process that holds a lease, or did, ends when it has nothing else to do, and says nothing of it", async () => {
      const store = await create();
      for (const releases of ["", "await write(cache, { releases: [leaseOf(claim)] });"]) {
        const { code, stdout, stderr } = await runNode(`${prologue}
          process.stdin.unref?.();
          const lease = { grace: 3_600_000 };
          const cache = ${store.expression};
          const claim = await ask(cache, "key", "run 1");
          ${releases}
          console.log(claim.type);`);
        expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "lease\n", stderr: "" });
      }
      await using cache = await store.open();
      expect(await ask(cache, "key", "run 2")).toMatchObject({ type: "lease", takenOver: false });
    });

    test("a writer that is killed at any moment leaves whole entries, every one that it reported", async () => {
      const store = await create();
      let kept = 0;
      for (const after of [10, 25, 40, 80]) {
        const { signal, stdout } = await runNode(`${prologue}
          import { writeSync } from "node:fs";
          import { Worker } from "node:worker_threads";
          const lease = {};
          const cache = ${store.expression};
          let sent = 0;
          for (let index = 0; ; index++) {
            const names = Array.from({ length: 20 }, (_, part) => [process.pid, index, part].join());
            const claims = cache.claim(names.map((name) => request(name, "run of " + name)));
            const puts = claims.map((claim, part) => put(names[part], { lease: leaseOf(claim), originRootId: process.pid + " " + index }));
            cache.write({ puts, releases: [], hits: [], records: [], code: [{ digest: keyOf(index), func: "f", closure: "{}" }] });
            writeSync(1, process.pid + " " + index + "\\n");
            // The loop lets no timer fire, so another thread kills, some time after the first entries are in.
            if (index === 0) new Worker("setTimeout(() => process.kill(" + process.pid + ", 'SIGKILL'), ${after})", { eval: true });
          }`);
        expect(signal).toBe("SIGKILL");
        await using cache = await store.open();
        const reported = stdout.trim().split("\n");
        for (const batch of reported) expect(await cache.list({ runId: batch })).toHaveLength(20);
        const pid = reported[0]?.split(" ")[0] ?? "";
        const batches = Map.groupBy(
          (await cache.list()).filter(({ originRootId }) => originRootId.startsWith(`${pid} `)),
          ({ originRootId }) => originRootId,
        );
        // One more batch may have been written than was reported, but never a part of one.
        expect([reported.length, reported.length + 1]).toContain(batches.size);
        for (const entries of batches.values()) expect(entries).toHaveLength(20);
        for (const { key, record } of [...batches.values()].flat()) expect(await cache.recordOf(key)).toEqual(record);
        expect(await cache.leases()).toEqual([]);
        kept += batches.size;
      }
      expect(kept).toBeGreaterThan(4);
    });
  });
}
