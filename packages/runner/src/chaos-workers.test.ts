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
  await using runner = new LocalRunner({
    home: path,
    maxParallelism: 3,
    infrastructureRetries: 100,
    forwardOutput: false,
  });
  const handle = await runner.submit(chaos());
  const result = handle.result();
  let over = false;
  result.finally(() => (over = true)).catch(() => undefined);
  let kills = 0;
  while (!over) {
    const pids = [...(await replicas(path)), ...workers(path)];
    const pid = pids[Math.floor(Math.random() * pids.length)];
    if (pid !== undefined && kill(pid)) kills += 1;
    await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 200));
  }
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
  expect(kills).toBeGreaterThan(5);
  expect(attempts.length).toBeGreaterThan(0);
}, 180_000);

/** Processes of the replicas of a home. */
async function replicas(home: string): Promise<readonly number[]> {
  const pools = await listPools(home);
  return pools.flatMap(({ replicas: all }) => all.map(({ pid }) => pid));
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
