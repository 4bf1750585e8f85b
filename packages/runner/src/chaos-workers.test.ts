import { fileURLToPath } from "node:url";
import { isInfrastructureFailure, type Run } from "@reprise/core";
import { expect, it, onTestFinished } from "vitest";
import { listPools } from "./actors/supervisor-control.ts";
import { stopAllPools } from "./actors/testing/stop-pools.ts";
import { LocalRunner } from "./index.ts";
import { chaos, expected } from "./testing/actor-chaos.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";
import { poolOf } from "./workers/process-pool.ts";

it("completes though workers and replicas are killed at random, without a retry of any func", async () => {
  const path = temporaryFolder();
  onTestFinished(() => stopAllPools(path));
  const kills: Promise<boolean>[] = [];
  let begun = 0;
  await using runner = new LocalRunner({
    home: path,
    maxParallelism: 3,
    infrastructureRetries: 100,
    forwardOutput: false,
    // Paced by what the pipeline achieves, so that it gets on however busy the machine is.
    onEvent: (event) => {
      if (event.type === "run" && event.state === "RUNNING" && ++begun % 25 === 0) kills.push(killOne(path));
    },
  });
  const result = runner.run(chaos());
  expect(await result).toEqual(expected);
  const home = await homeOf(path);
  const { runs: known } = await verifyHome(home);
  const runs = [...known.values()];
  expect(runs.filter(({ state }) => state === "RESOLVED").length).toBeGreaterThan(500);
  // What an attempt had called that was lost is called again by the next.
  const ofLost = ({ state, parentId, parentAttempt }: Run): boolean =>
    state === "CANCELED" && parentAttempt < (known.get(parentId ?? "")?.attempt ?? 0);
  expect(runs.filter((run) => run.state !== "RESOLVED" && !ofLost(run))).toEqual([]);
  const attempts = (await Promise.all(runs.map(({ id }) => home.backend.attemptsOf(id)))).flat();
  expect(attempts.filter(({ failure }) => !isInfrastructureFailure(failure))).toEqual([]);
  expect((await Promise.all(kills)).filter(Boolean).length).toBeGreaterThan(5);
  expect(attempts.length).toBeGreaterThan(0);
}, 180_000);

/** Kills a process by chance; false if none was there. */
async function killOne(home: string): Promise<boolean> {
  const pids = [...(await replicas(home)), ...workers(home)];
  const pid = pids[Math.floor(Math.random() * pids.length)];
  return pid !== undefined && kill(pid);
}

/** Processes of the replicas of a home. One that is killed before it is ready counts as one that cannot start. */
async function replicas(home: string): Promise<readonly number[]> {
  const pools = await listPools(home);
  return pools.flatMap(({ replicas: all }) => all.filter(({ state }) => state === "ready").map(({ pid }) => pid));
}

/** Worker processes of this process. */
function workers(home: string): readonly number[] {
  const files = [fileURLToPath(new URL("testing/actor-chaos.ts", import.meta.url))];
  return poolOf({ home, program: { kind: "files", files } }).pids;
}

/** False if it has ended by itself. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
