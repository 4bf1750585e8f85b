// Naming large content by its hash, beside the tools of the system.
import { execFile } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { open, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
// oxlint-disable-next-line eslint/no-restricted-imports -- users reach the codec only through runs; here it is measured alone
import { encode } from "@reprise/core";
// oxlint-disable-next-line eslint/no-restricted-imports -- as above: what FileArtifact.from does before it stores anything
import { hashFile } from "@reprise/store";
import { atLeast, atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { timed, timedAsync } from "./measure/stopwatch.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const execute = promisify(execFile);
const mega = 2 ** 20;
const sizes = [64 * mega, 256 * mega, 1024 * mega];

async function hasSha256sum(): Promise<boolean> {
  try {
    await execute("sha256sum", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

/** A file of random bytes, so that nothing on the way can compress it. */
async function writeRandom(path: string, size: number): Promise<void> {
  const piece = Buffer.alloc(8 * mega);
  const file = await open(path, "w");
  for (let written = 0; written < size; written += piece.length) {
    randomFillSync(piece);
    await file.write(piece);
  }
  await file.sync();
  await file.close();
}

async function hashPath(path: string): Promise<void> {
  const file = await open(path);
  try {
    await hashFile(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** The target: more threads, more speed. Up to three it is that of one. */
const atLeastFaster = availableParallelism() >= 4 ? 8 : 3;

async function measureFiles(report: Report): Promise<void> {
  const limits: SizedTotal[] = [];
  const totals: SizedTotal[] = [];
  for (const size of sizes) {
    await using folder = await TemporaryFolder.make();
    const path = folder.file("random.bin");
    await writeRandom(path, size);
    const before = process.resourceUsage().maxRSS;
    const { limit, ours } = await interleave(
      {
        limit: () => timedAsync(1, () => execute("sha256sum", [path])),
        ours: () => timedAsync(1, () => hashPath(path)),
      },
      { repetitions: 5, warmups: 1, inChildren: true },
    );
    const isLargest = size === sizes.at(-1);
    report.measure({
      what: "file",
      size: `${size / mega} MiB`,
      unit: "ms",
      ...compared("sha256sum", limit, ours, 1),
      ...(isLargest ? { verdict: atLeast(atLeastFaster, limit.median / ours.median, "× faster") } : {}),
    });
    if (isLargest) {
      const grown = (process.resourceUsage().maxRSS - before) / 1024;
      report.measure({
        what: "file: growth of memory",
        size: `${size / mega} MiB`,
        ours: grown,
        unit: "MiB",
        verdict: atMost(64, grown, "MiB"),
      });
    }
    limits.push({ size, total: limit.median });
    totals.push({ size, total: ours.median });
  }
  report.growth({
    what: "file",
    sizes: "64 MiB to 1 GiB",
    limit: growthExponent(limits),
    ours: growthExponent(totals),
  });
}

async function measureArrays(report: Report): Promise<void> {
  const totals: SizedTotal[] = [];
  for (const size of sizes) {
    await using folder = await TemporaryFolder.make();
    const path = folder.file("floats.bin");
    const floats = new Float64Array(size / 8).map((_, at) => Math.sin(at));
    await writeFile(path, floats);
    const { limit, ours } = await interleave(
      {
        limit: () => timedAsync(1, () => execute("sha256sum", [path])),
        ours: () => timed(1, () => encode(floats)),
      },
      { repetitions: 5, warmups: 1, inChildren: true },
    );
    report.measure({
      what: "Float64Array: encode + digest",
      size: `${size / mega} MiB`,
      unit: "ms",
      ...compared("sha256sum of its bytes in a file", limit, ours, 1),
      ...(size === sizes.at(-1) ? { verdict: atLeast(3, limit.median / ours.median, "× faster") } : {}),
    });
    totals.push({ size, total: ours.median });
  }
  report.growth({ what: "Float64Array", sizes: "64 MiB to 1 GiB", ours: growthExponent(totals) });
}

export const digest: Benchmark = {
  title: "Digests of large content beside sha256sum (one thread)",
  async run(report) {
    if (!(await hasSha256sum())) {
      report.note("there is no sha256sum on this machine to compare with");
      return;
    }
    await measureFiles(report);
    await measureArrays(report);
  },
};
