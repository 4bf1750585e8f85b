import { expect, test } from "vitest";
import { LocalRunner } from "../local-runner.ts";
import type { RunnerEvent } from "../runner-events.ts";
import { expectedResults, readResults, results } from "../testing/cache-values.ts";
import { runChild } from "../testing/child.ts";
import { compileCache } from "../testing/compile-cache.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { verifyHome } from "../testing/verify-home.ts";

const env = compileCache();

/** Runs the func as a process that comes later would; gives what the cache did for it. */
async function runOnce(home: string): Promise<string | undefined> {
  let status: string | undefined;
  const onEvent = (event: RunnerEvent): void => {
    if (event.type === "run") status = event.cache?.status;
    if (event.type === "warning") throw new Error(event.message);
  };
  await using runner = new LocalRunner({ home, onEvent });
  expect(await readResults(await runner.run(results(7)))).toEqual(expectedResults(7));
  return status;
}

/** Ends a process the given time that it comes to a step. What the next one finds, or undefined if it came to its end. */
async function crashAt(step: string, time: number, path: string): Promise<string | undefined> {
  const { code, signal, stdout, stderr } = await runChild("cache-crash-scenario.ts", [path, step, String(time)], {
    env,
  });
  const ended = signal === "SIGKILL";
  expect({ code, stdout, stderr }).toEqual({
    code: ended ? null : 0,
    stdout: ended ? "ends\n" : "unharmed\n",
    stderr: "",
  });
  const status = await runOnce(path);
  expect(await runOnce(path)).toBe("HIT");
  await using home = await homeOf(path);
  const { resolved } = await verifyHome(home);
  expect(resolved).toBeGreaterThanOrEqual(2);
  expect(await home.cache.list()).toHaveLength(1);
  expect(await home.cache.leases()).toEqual([]);
  expect(status).toBe(ended ? status : "HIT");
  return ended ? status : undefined;
}

test.each<{ readonly step: string; readonly found: readonly string[] }>([
  { step: "before claim", found: ["MISS"] },
  { step: "after claim", found: ["MISS"] },
  // The value's document, its bytes, and the file that it names.
  { step: "blob created", found: ["MISS", "MISS", "MISS"] },
  { step: "blob written", found: ["MISS", "MISS", "MISS"] },
  { step: "blob synced", found: ["MISS", "MISS", "MISS"] },
  { step: "blob renamed", found: ["MISS", "MISS", "MISS"] },
  { step: "before write", found: ["MISS"] },
  { step: "after write", found: ["HIT"] },
])("a process killed at `$step` of storing a result leaves all of it, or nothing", async ({ step, found }) => {
  const folder = temporaryFolder();
  const statuses: string[] = [];
  for (let time = 1; ; time += 1) {
    const status = await crashAt(step, time, `${folder}/${time}`);
    if (status === undefined) break;
    statuses.push(status);
  }
  expect(statuses).toEqual(found);
});

test.each(["before commit", "after commit"])("a process killed at any `%s` of records does so, too", async (step) => {
  const folder = temporaryFolder();
  const statuses: string[] = [];
  for (let time = 1; ; time += 1) {
    const status = await crashAt(step, time, `${folder}/${time}`);
    if (status === undefined) break;
    statuses.push(status);
  }
  // How many there are, and how many of them come after the entry, depends on the time; the first never does.
  expect(statuses.length).toBeGreaterThan(2);
  expect(statuses[0]).toBe("MISS");
});
