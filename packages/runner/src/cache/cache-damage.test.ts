import { readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Home } from "@reprise/store";
import { describe, expect, test } from "vitest";
import { func } from "../func.ts";
import { expectedResults, fileText, makeResults, readResults, type Results } from "../testing/cache-values.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { verifyHome } from "../testing/verify-home.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const inRow = func({
  id: "in a row",
  cache: { version: "1" },
  run: (seed: number) => ({ seed, made: count("body") > 0, list: [1, 2, 3] }),
});
const inBlobs = func({
  id: "in blobs",
  cache: { version: "1" },
  run: (seed: number) => {
    count("body");
    return makeResults(seed);
  },
});

/** Harm to a file, in such a way that its time of modification tells nothing. */
const harms: Readonly<Record<string, (path: string) => void>> = {
  "with one other byte": (path) => {
    const { atime, mtime } = statSync(path);
    const bytes = readFileSync(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    utimesSync(path, atime, mtime);
  },
  "cut short": (path) => {
    const { atime, mtime, size } = statSync(path);
    truncateSync(path, size - 1);
    utimesSync(path, atime, mtime);
  },
  empty: (path) => truncateSync(path, 0),
  missing: (path) => rmSync(path),
};

/** The three blobs of the value: what their sizes tell. */
const blobs: Readonly<Record<string, (size: number) => boolean>> = {
  "the bytes": (size) => size === 150_000,
  "the file deep inside": (size) => size === fileText(7).length,
  "the document": (size) => size > 140_000 && size < 150_000,
};

async function runBlobs(home: string) {
  const { runner, told } = runnerFor(home);
  await using _ = runner;
  const value: Results = await runner.run(inBlobs(7));
  expect(await readResults(value)).toEqual(expectedResults(7));
  return { statuses: told.statuses["in blobs"], warnings: told.warnings };
}

async function runRow(home: string) {
  const { runner, told } = runnerFor(home);
  await using _ = runner;
  expect(await runner.run(inRow(7))).toEqual({ seed: 7, made: true, list: [1, 2, 3] });
  return { statuses: told.statuses["in a row"], warnings: told.warnings };
}

/** Resolves when what is done to a file from now on has a later time than the entry, however coarse the clock of files is. */
async function entryIsOld(home: Home): Promise<void> {
  const [entry] = await home.cache.list();
  const probe = join(home.path, "probe");
  await expect
    .poll(() => {
      writeFileSync(probe, "");
      return statSync(probe).ctimeMs > (entry?.createdAt ?? Infinity);
    })
    .toBe(true);
}

async function verifyRepaired(path: string, pipelines = 3): Promise<void> {
  expect(counts).toEqual({ body: 2 });
  await using home = await homeOf(path);
  await verifyHome(home);
  const entries = await home.cache.list();
  expect(entries).toHaveLength(1);
  const pipelineRuns = await home.backend.listPipelineRuns();
  expect(pipelineRuns.map(({ state }) => state)).toEqual(Array.from({ length: pipelines }, () => "COMPLETE"));
  // The last run but one has computed what is reused since.
  expect(entries[0]?.originRootId).toBe(pipelineRuns[1]?.id);
  expect(await home.cache.leases()).toEqual([]);
}

const missed = { statuses: ["MISS"], warnings: [expect.stringMatching(/^An earlier result .* is computed again: /)] };

describe("a stored result whose blobs are harmed is computed again, and stored in place of the old one", () => {
  const cases = Object.keys(blobs).flatMap((blob) => Object.keys(harms).map((harm) => ({ blob, harm })));

  test.each(cases)("$blob $harm", async ({ blob, harm }) => {
    resetCounts();
    const path = temporaryFolder();
    expect(await runBlobs(path)).toEqual({ statuses: ["MISS"], warnings: [] });
    await using home = await homeOf(path);
    await entryIsOld(home);
    const stored = (await Array.fromAsync(home.blobs.list())).filter(({ size }) => blobs[blob]?.(size));
    expect(stored).toHaveLength(1);
    const digest = stored[0]?.digest ?? "";
    harms[harm]?.(join(path, "blobs", digest.slice(0, 2), digest.slice(2)));

    expect(await runBlobs(path)).toEqual(missed);
    expect(await runBlobs(path)).toEqual({ statuses: ["HIT"], warnings: [] });
    await verifyRepaired(path);
  });

  test("all of them", async () => {
    resetCounts();
    const path = temporaryFolder();
    await runBlobs(path);
    rmSync(join(path, "blobs"), { recursive: true });
    expect(await runBlobs(path)).toEqual(missed);
    expect(await runBlobs(path)).toEqual({ statuses: ["HIT"], warnings: [] });
    await verifyRepaired(path);
  });
});

describe("a stored result whose row is harmed is computed again, and stored in place of the old one", () => {
  const change = (sql: string) => async (path: string) => {
    const database = new DatabaseSync(`${path}/reprise.db`);
    // The document of the result, which no other artifact is as long as.
    database.exec(
      `UPDATE artifacts SET document = ${sql} WHERE document_size = (SELECT max(document_size) FROM artifacts)`,
    );
    expect(database.prepare("SELECT changes() AS changes").get()).toEqual({ changes: 1 });
    database.close();
  };

  test.each<{ readonly harm: string; readonly harmed: (path: string) => Promise<void> }>([
    {
      harm: "with one other byte",
      harmed: change("CAST(substr(document, 1, length(document) - 1) || X'7f' AS BLOB)"),
    },
    { harm: "cut short", harmed: change("substr(document, 1, length(document) - 1)") },
    { harm: "empty", harmed: change("X''") },
  ])("$harm", async ({ harmed }) => {
    resetCounts();
    const path = temporaryFolder();
    expect(await runRow(path)).toEqual({ statuses: ["MISS"], warnings: [] });
    await harmed(path);
    expect(await runRow(path)).toEqual(missed);
    expect(await runRow(path)).toEqual({ statuses: ["HIT"], warnings: [] });
    await verifyRepaired(path);
  });
});

test.each(["row", "blobs"])("a stored result in %s that was removed with its run is computed again", async (where) => {
  resetCounts();
  const path = temporaryFolder();
  const run = where === "row" ? runRow : runBlobs;
  await run(path);
  {
    await using home = await homeOf(path);
    const later = Date.now() + 60_000;
    const removed = await home.backend.prune({ endedBefore: later, unusedBefore: later, dryRun: false });
    expect(removed).toMatchObject({ pipelineRuns: 1, runs: 1, artifacts: 2 });
  }
  expect(await run(path)).toEqual(missed);
  expect(await run(path)).toEqual({ statuses: ["HIT"], warnings: [] });
  await verifyRepaired(path, 2);
});
