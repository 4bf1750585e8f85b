import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import type { TestStore } from "../backend.testsuite.ts";
import { LiveProcess, until } from "../cache/testing/live-process.ts";
import { thisProcess } from "../process-gone.ts";
import type { LeaseTimes } from "../sqlite/heartbeat.ts";
import { batch, idOf, newRef, pipelineRun, rootWrite, runWrite } from "./batches.ts";
import { batchesModule, runNode, storeIndex, temporaryFolder } from "./processes.ts";

/** A process that drives a pipeline run: tells its id, then does what `rest` says. */
function driver(store: TestStore, lease: LeaseTimes, rest: string): LiveProcess {
  return new LiveProcess(driverScript(store, lease, rest));
}

function driverScript(store: TestStore, lease: LeaseTimes, rest: string): string {
  return `
    import { batch, idOf, newRef, pipelineRun, rootWrite, runWrite } from ${JSON.stringify(batchesModule)};
    import { thisProcess } from ${JSON.stringify(new URL("../process-gone.ts", import.meta.url).href)};
    const lease = ${JSON.stringify(lease)};
    const backend = ${store.expression};
    const root = newRef();
    const right = { root, fence: 1 };
    const commit = async (parts) => {
      try {
        return (await backend.commit(batch({ ...parts, driver: right }))).refused.length;
      } catch (error) {
        return error.code;
      }
    };
    await commit({ pipelineRuns: [{ root, run: pipelineRun(root), driver: thisProcess() }], runs: [rootWrite(root)] });
    ${rest}`;
}

/** Everything that is recorded of a pipeline run. */
async function recorded(backend: Backend, id: string) {
  return {
    ...(await backend.getPipelineRun(id)),
    list: await backend.listRuns(id),
    events: await backend.eventsOf(id),
  };
}

/** Drivers that are killed, stopped or blocked. */
export function testDriverProcesses(create: () => Promise<TestStore>): void {
  describe("processes that drive", () => {
    test("one that was killed is replaced at once, whatever its grace, and only then", async () => {
      const store = await create();
      const live = driver(
        store,
        { grace: 3_600_000 },
        `backend.keepAlive(right);
         console.log(idOf(root));
         await released;`,
      );
      const id = (await live.line()) ?? "";
      await using backend = await store.open();
      expect(await backend.takeOver(id, thisProcess())).toMatchObject({ type: "alive" });
      await live.kill();
      expect(await backend.driverOf(id)).toMatchObject({ ended: expect.stringMatching(/is gone$/) });
      expect(await backend.takeOver(id, thisProcess())).toMatchObject({ type: "taken", lease: { fence: 2 } });
      expect(await backend.takeOver(id, thisProcess())).toMatchObject({ type: "alive" });
    });

    test("one that was stopped is replaced after its grace; awake again, it writes nothing and takes nothing back", async () => {
      const store = await create();
      const live = driver(
        store,
        { heartbeat: 50, grace: 1_000 },
        `const alive = backend.keepAlive(right);
         console.log(idOf(root));
         await released;
         const ended = { state: "FAILED", finishedAt: 2_000 };
         console.log(await commit({
           pipelineRuns: [{ root, run: pipelineRun(root, ended) }],
           runs: [rootWrite(root, ended), runWrite(root)],
           events: [{ root, run: null, time: 1, kind: "warning", message: "late" }],
         }));
         await alive[Symbol.asyncDispose]();
         console.log("no more beats");
         await backend[Symbol.asyncDispose]();`,
      );
      const id = (await live.line()) ?? "";
      await using backend = await store.open();
      // Its thread has begun, so that its own grace counts.
      await until(async () => ((await backend.driverOf(id))?.patience === 1_000 ? true : undefined));
      live.signal("SIGSTOP");
      const answer = await until(async () => {
        const answer = await backend.takeOver(id, thisProcess());
        return answer.type === "alive" ? undefined : answer;
      });
      expect(answer).toMatchObject({ type: "taken", lease: { fence: 2 } });
      const before = await recorded(backend, id);
      expect(before.events).toMatchObject([
        { kind: "resume", message: expect.stringMatching(/^Process .* which drove it, was not heard of for \d+ s\.$/) },
      ]);

      live.release();
      live.signal("SIGCONT");
      expect(await live.line()).toBe("DRIVER_REPLACED");
      expect(await live.line()).toBe("no more beats");
      expect(await live.line()).toBeUndefined();
      expect(await recorded(backend, id)).toEqual(before);
      expect(await backend.driverOf(id)).toMatchObject({
        driver: { pid: process.pid },
        patience: 600_000,
        ended: undefined,
      });
      if (answer.type !== "taken") throw new Error("taken");
      const more = batch({ runs: [runWrite(answer.lease.root)], driver: answer.lease });
      expect((await backend.commit(more)).refused).toEqual([]);
    });

    test("one whose event loop is blocked for three times its grace is not replaced", async () => {
      const store = await create();
      const grace = 1_500;
      const live = driver(
        store,
        { heartbeat: 50, grace },
        `import { writeSync } from "node:fs";
         backend.keepAlive(right);
         // From here on nothing of the event loop runs.
         writeSync(1, idOf(root) + "\\n");
         const end = Date.now() + ${3 * grace};
         while (Date.now() < end);
         const { refused } = backend.commit(batch({
           pipelineRuns: [{ root, run: pipelineRun(root, { state: "COMPLETE", finishedAt: 2_000 }) }],
           driver: right,
         }));
         writeSync(1, refused.length + "\\n");
         process.exit();`,
      );
      const id = (await live.line()) ?? "";
      await using backend = await store.open();
      await until(async () => ((await backend.driverOf(id))?.patience === grace ? true : undefined));
      const seen = new Set<string>();
      const answer = await until(async () => {
        const answer = await backend.takeOver(id, thisProcess());
        seen.add(answer.type);
        return answer.type === "alive" ? undefined : answer;
      });
      expect(answer).toEqual({ type: "finished", state: "COMPLETE" });
      expect([...seen]).toEqual(["alive", "finished"]);
      expect(await live.line()).toBe("0");
    });

    test("of many that want to go on with the same one, exactly one gets it", async () => {
      const store = await create();
      const processes = 6;
      await using backend = await store.open();
      const root = newRef();
      const dead = { ...thisProcess(), processStartedAt: 1_000 };
      await backend.commit(
        batch({ pipelineRuns: [{ root, run: pipelineRun(root), driver: dead }], runs: [rootWrite(root)] }),
      );
      const go = join(await temporaryFolder(), "go");
      const live = Array.from(
        { length: processes },
        () =>
          new LiveProcess(`
            import { existsSync } from "node:fs";
            import { thisProcess } from ${JSON.stringify(new URL("../process-gone.ts", import.meta.url).href)};
            await using backend = ${store.expression};
            console.log("ready");
            const pause = new Int32Array(new SharedArrayBuffer(4));
            while (!existsSync(${JSON.stringify(go)})) Atomics.wait(pause, 0, 0, 1);
            console.log((await backend.takeOver(${JSON.stringify(idOf(root))}, thisProcess())).type);
            await released;`),
      );
      for (const one of live) expect(await one.line()).toBe("ready");
      await writeFile(go, "");
      const answers = await Promise.all(live.map((one) => one.line()));
      expect(answers.filter((answer) => answer === "taken")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "alive")).toHaveLength(processes - 1);
      for (const one of live) one.release();
      for (const one of live) expect(await one.line()).toBeUndefined();
    });

    test("one that has begun to say that it is alive ends when it has nothing else to do", async () => {
      const store = await create();
      const script = driverScript(store, {}, `backend.keepAlive(right); console.log(idOf(root));`);
      const { code, stdout, stderr } = await runNode(`import * as store from ${JSON.stringify(storeIndex)}; ${script}`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      await using backend = await store.open();
      expect(await backend.takeOver(stdout.trim(), thisProcess())).toMatchObject({ type: "taken" });
    });
  });
}
