import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openHome } from "@reprise/store";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { func } from "./func.ts";
import { LocalRunner } from "./local-runner.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "reprise-settings-"));
});
afterEach(() => rm(home, { recursive: true }));

let executing = 0;
let most = 0;
const busy = func("busy", async (turn: number) => {
  executing += 1;
  most = Math.max(most, executing);
  await new Promise(setImmediate);
  executing -= 1;
  return turn;
});
const crowd = func("crowd", () => [busy(1), busy(2), busy(3)]);

async function mostAtOnce(concurrency?: number): Promise<number> {
  most = 0;
  await using runner = new LocalRunner({ home, ...(concurrency === undefined ? {} : { concurrency }) });
  await runner.run(crowd());
  return most;
}

describe("the setting CONCURRENCY", () => {
  test("limits bodies where the runner says nothing, and yields to the runner's option", async () => {
    expect(await mostAtOnce()).toBe(3);
    await using opened = await openHome({ path: home });
    await opened.settings.set("CONCURRENCY", "1");
    expect(await mostAtOnce()).toBe(1);
    expect(await mostAtOnce(2)).toBe(2);
  });
});

const look = func("look", (path: string) => {
  // Read by a connection of its own, while the body blocks the event loop: nothing can be committed meanwhile.
  const database = new DatabaseSync(join(path, "reprise.db"), { readOnly: true });
  const rows = database.prepare("SELECT count(*) AS count FROM pipeline_runs").get();
  database.close();
  return rows?.["count"];
});

test("a pipeline run is on disk before its first body begins", async () => {
  await using runner = new LocalRunner({ home });
  expect(await runner.run(look(home))).toBe(1);
});
