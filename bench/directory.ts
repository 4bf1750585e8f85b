// A directory as a value: hashed and stored, beside the tools of the system, which only hash.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DirectoryArtifact, func, LocalRunner } from "reprise";
import { atMost, type Benchmark, compared } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { type Elapsed, startClock, timedAsync } from "./measure/stopwatch.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const perFolder = 100;

/** Timed in the body, because there the store of the run is the one that files go to. */
const take = func("directory.take", async (path: string): Promise<Elapsed> => {
  const clock = startClock();
  await DirectoryArtifact.from(path);
  return clock();
});

/** Files of 1 to 8 KiB in folders of a hundred. */
async function writeFiles(path: string, count: number): Promise<void> {
  for (let first = 0; first < count; first += perFolder) {
    const folder = join(path, `folder-${first / perFolder}`);
    await mkdir(folder, { recursive: true });
    for (let at = first; at < Math.min(first + perFolder, count); at += 1) {
      await writeFile(join(folder, `file-${at}.bin`), randomBytes(1024 * (1 + (at % 8))));
    }
  }
}

async function takeIntoFreshStore(path: string): Promise<Elapsed> {
  await using home = await TemporaryFolder.make();
  await using runner = new LocalRunner({ home: home.path });
  return await runner.run(take(path));
}

const xargs = 'find "$0" -type f -print0 | xargs -0 -P4 -n 256 sha256sum > /dev/null';

function hashWithTools(path: string): Promise<Elapsed> {
  return timedAsync(1, () => promisify(execFile)("sh", ["-c", xargs, path]));
}

export const directory: Benchmark = {
  title: "Directories of small files beside find | xargs -P4 sha256sum, which stores nothing",
  async run(report) {
    const totals: SizedTotal[] = [];
    const limits: SizedTotal[] = [];
    for (const count of [1000, 3000, 10_000]) {
      await using folder = await TemporaryFolder.make();
      await writeFiles(folder.path, count);
      await using home = await TemporaryFolder.make();
      await using runner = new LocalRunner({ home: home.path });
      await runner.run(take(folder.path));
      const { limit, fresh, again } = await interleave(
        {
          limit: () => hashWithTools(folder.path),
          fresh: () => takeIntoFreshStore(folder.path),
          again: () => runner.run(take(folder.path)),
        },
        { repetitions: 7, inChildren: true },
      );
      report.measure({
        what: "from: hashed and stored",
        size: `${count} files`,
        unit: "ms",
        ...compared("xargs -P4 sha256sum", limit, fresh, 1),
        ...(count === 10_000 ? { verdict: atMost(0.8, fresh.median / limit.median) } : {}),
      });
      report.measure({
        what: "from: again, unchanged",
        size: `${count} files`,
        unit: "ms",
        ...compared("xargs -P4 sha256sum", limit, again, 1),
      });
      limits.push({ size: count, total: limit.median });
      totals.push({ size: count, total: fresh.median });
    }
    report.growth({
      what: "from: hashed and stored",
      sizes: "1,000 to 10,000 files",
      limit: growthExponent(limits),
      ours: growthExponent(totals),
    });
  },
};
