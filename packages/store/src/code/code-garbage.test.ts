import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collectGarbage } from "../gc.ts";
import { type Home, openHome } from "../home.ts";
import { batch, newRef, pipelineRun, rootWrite } from "../testing/batches.ts";
import { temporaryFolder } from "../testing/processes.ts";

const hour = 3_600_000;

async function keep(home: Home, text: string): Promise<string> {
  const program = Buffer.from(text);
  return home.code.put({ program, map: Buffer.from("{}"), entry: "/e", notes: [], funcs: [] });
}

async function storeRun(home: Home, code: string | null, endedAt: number): Promise<void> {
  const root = newRef();
  await home.backend.commit(
    batch({
      pipelineRuns: [{ root, run: pipelineRun(root, { state: "COMPLETE", finishedAt: endedAt, code }) }],
      runs: [rootWrite(root, { state: "RESOLVED", finishedAt: endedAt })],
    }),
  );
}

test("programs go when no pipeline run names them, but not in the hour after they were used", async () => {
  await using home = await openHome({ path: await temporaryFolder() });
  const now = Date.now();
  const [named, ofOldRun, unnamed, fresh] = await Promise.all(["1", "2", "3", "4"].map((text) => keep(home, text)));
  const old = [named!, ofOldRun!, unnamed!];
  for (const digest of old) {
    await utimes(join(home.code.place, digest, "about.json"), (now - 2 * hour) / 1_000, (now - 2 * hour) / 1_000);
  }
  await storeRun(home, named!, now - hour);
  await storeRun(home, named!, now - 50 * hour);
  await storeRun(home, ofOldRun!, now - 50 * hour);
  await storeRun(home, null, now - 50 * hour);
  expect([...(await home.backend.codeInUse())].sort()).toEqual([named!, ofOldRun!].sort());

  const options = { home, olderThan: 24 * hour, now };
  const told = await collectGarbage({ ...options, dryRun: true });
  expect(told).toMatchObject({ pipelineRuns: 3, programs: 2, programBytes: expect.any(Number) });
  expect(await home.code.list()).toHaveLength(4);
  expect(await collectGarbage(options)).toEqual(told);
  expect((await home.code.list()).map(({ digest }) => digest).sort()).toEqual([named!, fresh!].sort());
  expect(await home.backend.codeInUse()).toEqual([named]);
  expect(await collectGarbage(options)).toMatchObject({ programs: 0, programBytes: 0 });
});
