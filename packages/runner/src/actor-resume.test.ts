import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { stopAllPools } from "./actors/testing/stop-pools.ts";
import { Child } from "./testing/child.ts";
import { temporaryFolder } from "./testing/temporary-home.ts";

it("what a killed driver had on a replica executes there again when its pipeline run goes on", async () => {
  const home = temporaryFolder();
  const marks = join(home, "marks");
  const read = (): string => (existsSync(marks) ? readFileSync(marks, "utf8") : "");
  onTestFinished(() => stopAllPools(home));
  const driver = new Child("actor-driver.ts", [home, marks]);
  while (!read().includes("began")) await pause(5);
  driver.kill("SIGKILL");
  const { stdout } = await driver.ended;
  // The replica has let go of the attempt, which has the same number when it is made again.
  while (!read().includes("left")) await pause(5);
  const resumed = new Child("actor-driver.ts", [home, marks, stdout.trim()]);
  onTestFinished(() => resumed.kill("SIGKILL"));
  const [, result] = (await resumed.ended).stdout.split("\n");
  expect(read()).toBe(`began ${result}\nleft\nbegan ${result}\n`);
});
