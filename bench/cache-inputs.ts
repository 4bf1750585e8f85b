// Large inputs of cached funcs: the key needs their digest, and with it nothing is computed again.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { FileArtifact, func, LocalRunner } from "reprise";
import { atLeast, type Benchmark, compared, type Report } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { type Elapsed, startClock, timedAsync } from "./measure/stopwatch.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const mega = 2 ** 20;
const sizes = [64 * mega, 256 * mega, 1024 * mega];
const largest = 1024 * mega;

/** A file is remembered if it was left alone for this long, in ms, before it was hashed. */
const settling = 3000;

const cache = { version: "1" };
const sizeOf = func({ id: "cache-inputs.size", cache, run: (file: FileArtifact) => file.size });
const lengthOf = func({ id: "cache-inputs.length", cache, run: (array: Float64Array) => array.length });

/** Timed in the body: from the path to the result. */
const ofFile = func("cache-inputs.of-file", async (path: string): Promise<Elapsed> => {
  const clock = startClock();
  await sizeOf(await FileArtifact.from(path)).$value();
  return clock();
});

/** Too large to be handed to a func that is not measured. */
let array = new Float64Array();
const ofArray = func("cache-inputs.of-array", async (): Promise<Elapsed> => {
  const clock = startClock();
  await lengthOf(array).$value();
  return clock();
});

function hashWithTool(path: string): Promise<Elapsed> {
  return timedAsync(1, () => promisify(execFile)("sha256sum", [path]));
}

async function inFreshHome(path: string): Promise<Elapsed> {
  await using home = await TemporaryFolder.make();
  await using runner = new LocalRunner({ home: home.path });
  return await runner.run(ofFile(path));
}

async function measureSize(report: Report, size: number): Promise<Record<"cold" | "file" | "array", number>> {
  await using folder = await TemporaryFolder.make();
  const path = folder.file("floats.bin");
  array = new Float64Array(size / 8).map((_, at) => Math.sin(at));
  await writeFile(path, array, { flush: true });
  await pause(settling);
  await using home = await TemporaryFolder.make();
  await using runner = new LocalRunner({ home: home.path });
  await runner.run(ofFile(path));
  await runner.run(ofArray());
  const taken = await interleave(
    {
      limit: () => hashWithTool(path),
      cold: () => inFreshHome(path),
      file: () => runner.run(ofFile(path)),
      array: () => runner.run(ofArray()),
    },
    { repetitions: 5, warmups: 1, inChildren: true },
  );
  const lines = [
    ["file: miss, hashed and stored", "cold"],
    ["file: hit, file unchanged", "file"],
    ["Float64Array: hit", "array"],
  ] as const;
  for (const [what, name] of lines) {
    report.measure({
      what,
      size: `${size / mega} MiB`,
      unit: "ms",
      ...compared("sha256sum", taken.limit, taken[name], 1),
      ...(size === largest ? { verdict: atLeast(3, taken.limit.median / taken[name].median, "× faster") } : {}),
    });
  }
  return { cold: taken.cold.median, file: taken.file.median, array: taken.array.median };
}

export const cacheInputs: Benchmark = {
  title: "Calls of cached funcs with large inputs, from input to result, beside sha256sum (one thread)",
  async run(report) {
    const totals = { cold: [] as SizedTotal[], file: [] as SizedTotal[], array: [] as SizedTotal[] };
    for (const size of sizes) {
      const { cold, file, array } = await measureSize(report, size);
      totals.cold.push({ size, total: cold });
      totals.file.push({ size, total: file });
      totals.array.push({ size, total: array });
    }
    const growth = (what: string, of: keyof typeof totals): void =>
      report.growth({ what, sizes: "64 MiB to 1 GiB", ours: growthExponent(totals[of]) });
    growth("file: miss", "cold");
    growth("file: hit", "file");
    growth("Float64Array: hit", "array");
  },
};
