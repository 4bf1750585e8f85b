import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { Child, runChild } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

it("a driver that is killed leaves no worker, and its pipeline run goes on with what was finished", async () => {
  const home = temporaryFolder();
  const marks = join(home, "marks");
  mkdirSync(marks);
  const driver = new Child("standalone-driver.ts", [home, marks]);
  while (marksIn(marks).length < 9) await pause(5);
  driver.process.kill("SIGKILL");
  const { stdout } = await driver.ended;
  for (const { pid } of marksIn(marks)) while (isThere(pid)) await pause(5);

  const before = await homeOf(home);
  const id = stdout.trim();
  const done = (await before.backend.listRuns(id))
    .filter(({ func, state }) => func.id === "driven marked" && state === "RESOLVED")
    .map(({ parentId }) => parentId);
  expect(done.length).toBeGreaterThan(0);
  const marked = marksIn(marks).length;

  const resumed = await runChild("standalone-driver.ts", [home, marks, id]);
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(resumed.stdout.split("\n")[1] as string)).toEqual(Array.from({ length: 20 }, (_, at) => at * 2));
  expect(marksIn(marks).length - marked).toBe(20 - done.length);
  await verifyHome(before);
});

function marksIn(folder: string): { readonly at: number; readonly pid: number }[] {
  const file = join(folder, "marks");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [at, pid] = line.split(" ").map(Number);
    return { at: at as number, pid: pid as number };
  });
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
