import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { thisProcess } from "../process-gone.ts";
import { batch, idOf, newRef, pipelineRun, rootWrite } from "../testing/batches.ts";
import { batchesModule, runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import { until } from "../cache/testing/live-process.ts";
import { SqliteBackend } from "./sqlite-backend.ts";

/** A pipeline run that a process of another host drives, with a bare connection to its file. */
async function drivenFromAfar(lease?: { readonly heartbeat: number; readonly grace: number }) {
  const path = join(await temporaryFolder(), "reprise.db");
  const backend = SqliteBackend.open(path, lease === undefined ? {} : { lease });
  const database = new DatabaseSync(path);
  onTestFinished(async () => {
    database.close();
    await backend[Symbol.asyncDispose]();
  });
  const root = newRef();
  const driver = { host: "far away", pid: 1, processStartedAt: 1_000 };
  backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root), driver }], runs: [rootWrite(root)] }));
  const shift = (milliseconds: number) =>
    database.exec(`UPDATE pipeline_runs SET alive_at = alive_at + ${milliseconds}`);
  const takeOver = async () => (await backend.takeOver(idOf(root), thisProcess())).type;
  return { backend, root, shift, takeOver };
}

const minute = 60_000;

describe("a driver on another host", () => {
  test("that never began to say that it is alive counts as gone after ten minutes", async () => {
    const { backend, root, shift, takeOver } = await drivenFromAfar();
    expect(await takeOver()).toBe("alive");
    shift(-9 * minute);
    expect(await takeOver()).toBe("alive");
    const known = await backend.driverOf(idOf(root));
    expect(known).toMatchObject({ driver: { host: "far away" }, patience: 10 * minute, ended: undefined });
    expect(known?.silent).toBeGreaterThanOrEqual(9 * minute);
    shift(-minute - 1);
    expect((await backend.driverOf(idOf(root)))?.ended).toBe(
      "process 1 on far away, which drove it, was not heard of for 600 s",
    );
    expect(await takeOver()).toBe("taken");
  });

  test("that did counts as gone after its own grace, not after that of who asks", async () => {
    const { backend, root, shift, takeOver } = await drivenFromAfar({ heartbeat: minute, grace: 3 * minute });
    await using _alive = backend.keepAlive({ root, fence: 1 });
    await until(async () => ((await backend.driverOf(idOf(root)))?.patience === 3 * minute ? true : undefined));
    shift(-2 * minute);
    expect(await takeOver()).toBe("alive");
    shift(-minute - 1);
    expect(await takeOver()).toBe("taken");
  });

  test("that was last heard of in a future that a clock has left is gone, since it would have been heard of again", async () => {
    const { shift, takeOver } = await drivenFromAfar();
    shift(9 * minute);
    expect(await takeOver()).toBe("alive");
    shift(2 * minute);
    expect(await takeOver()).toBe("taken");
  });
});

test("a file that is open for reading alone tells who drives, and cannot be taken over", async () => {
  const { backend, root, shift } = await drivenFromAfar();
  await using reader = SqliteBackend.open(backend.place, { readOnly: true });
  expect(await reader.driverOf(idOf(root))).toMatchObject({ driver: { host: "far away" } });
  expect(reader.readGraph(idOf(root))?.runs).toHaveLength(1);
  expect(await reader.takeOver(idOf(root), thisProcess())).toMatchObject({ type: "alive" });
  shift(-11 * minute);
  await expect(reader.takeOver(idOf(root), thisProcess())).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
  await using nothing = SqliteBackend.empty(join(await temporaryFolder(), "reprise.db"));
  expect(nothing.readGraph(idOf(root))).toBeUndefined();
  expect(await nothing.driverOf(idOf(root))).toBeUndefined();
});

test("a pipeline run that was ended and removed meanwhile is written by nobody, and that is told", async () => {
  const { backend, root } = await drivenFromAfar();
  await backend.cancelPipelineRun(idOf(root), "enough", 1_000);
  await backend.prune({ endedBefore: 2_000, unusedBefore: 2_000, dryRun: false });
  const late = batch({ runs: [rootWrite(root)], driver: { root, fence: 1 } });
  const message = expect.stringMatching(`^Pipeline run ${idOf(root)} was ended from outside and removed, `);
  expect(() => backend.commit(late)).toThrow(expect.objectContaining({ code: "DRIVER_REPLACED", message }));
  expect(await backend.statistics()).toMatchObject({ pipelineRuns: 0, runs: 0 });
});

describe("the heartbeat of a driver", () => {
  test("goes on after a file was locked, and brings one that was removed not back", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "reprise.db");
    const { code, stdout, stderr } = await runNode(`
      import { existsSync, readdirSync, rmSync } from "node:fs";
      import { DatabaseSync } from "node:sqlite";
      import { setTimeout as pause } from "node:timers/promises";
      import { SqliteBackend } from ${JSON.stringify(storeIndex)};
      import { batch, newRef, pipelineRun, rootWrite } from ${JSON.stringify(batchesModule)};
      const [folder, path] = ${JSON.stringify([folder, path])};
      const backend = SqliteBackend.open(path, { lease: { heartbeat: 5 } });
      const root = newRef();
      const driver = { host: "h", pid: 1, processStartedAt: 1 };
      backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root), driver }], runs: [rootWrite(root)] }));
      const alive = backend.keepAlive({ root, fence: 1 });
      const database = new DatabaseSync(path);
      const beat = () => database.prepare("SELECT alive_at FROM pipeline_runs").get().alive_at;
      for (let before = beat(); beat() === before; ) await pause(5);
      database.exec("BEGIN IMMEDIATE");
      await pause(700);
      database.exec("ROLLBACK");
      for (let before = beat(); beat() === before; ) await pause(5);
      // While it cannot beat it opens the file again and again.
      database.exec("ALTER TABLE pipeline_runs RENAME TO others");
      database.close();
      await pause(100);
      for (const name of readdirSync(folder)) rmSync(folder + "/" + name);
      await pause(300);
      console.log(existsSync(path));
      await alive[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
      console.log(existsSync(path));`);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "false\nfalse\n", stderr: "" });
  });
});
