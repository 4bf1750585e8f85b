// What a driver that lives long keeps of runs that are over.
import { setImmediate as nextTurn } from "node:timers/promises";
import { func, LocalRunner, type Runner, SilentRunner } from "reprise";
import { atMost, type Benchmark, type Report } from "./benchmark.ts";
import { liveBytes } from "./measure/interleave.ts";
import { growthExponent } from "./measure/statistics.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const small = func("memory.small", (value: number) => value / 2 + 0.25);
const chunkBytes = 200 * 1024;
/** Each value is another one, so that no two share their bytes in the store. */
const large = func("memory.large", (value: number) => {
  const bytes = new Uint8Array(chunkBytes);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
});

/** Live bytes when so many runs are finished. */
interface Mark {
  readonly runs: number;
  readonly heap: number;
  readonly all: number;
}

async function mark(runs: number): Promise<Mark> {
  // What waits to be written belongs to the runs that are under way: its turn comes first.
  // And bytes beside the heap are given back some time after the collection that found them free, so there are several.
  for (let turn = 0; turn < 10; turn += 1) {
    await nextTurn();
    liveBytes();
  }
  return { runs, ...liveBytes() };
}

/** Starts children one after the other, waits for each, and looks at the memory at some of them. */
const longLived = func("memory.long-lived", async (marks: readonly number[]) => {
  const taken: Mark[] = [];
  let done = 0;
  for (const runs of marks) {
    for (; done < runs; done += 1) await small(done).$value();
    taken.push(await mark(runs));
  }
  return taken;
});

/** The same with a large value from each child, which the body looks at and drops. */
const largeValues = func("memory.large-values", async (marks: readonly number[]) => {
  const taken = [await mark(0)];
  let done = 0;
  for (const runs of marks) {
    for (; done < runs; done += 1) {
      const bytes = await large(done).$value();
      if (bytes.length !== chunkBytes) throw new Error("The value is not the one that was made.");
    }
    taken.push(await mark(runs));
  }
  return taken;
});

/** Bytes of heap for each run between the first mark and the last. */
function slope(marks: readonly Mark[]): number {
  const [first, last] = [marks[0] as Mark, marks.at(-1) as Mark];
  return (last.heap - first.heap) / (last.runs - first.runs);
}

async function measureRunner(report: Report, name: string, runner: Runner): Promise<void> {
  await runner.run(longLived([100, 200]));
  // The first mark is past what grows once: compiled code, statements, the store's caches.
  const marks = await runner.run(longLived([10_000, 40_000, 70_000, 100_000]));
  const kept = slope(marks);
  report.measure({
    what: `${name}: finished run`,
    size: "100000 runs",
    ours: kept,
    unit: "B/run",
    verdict: atMost(400, kept, "B"),
  });
  const [start, ...rest] = marks as [Mark, ...Mark[]];
  const exponent = growthExponent(
    rest.map(({ runs, heap }) => ({ size: runs - start.runs, total: heap - start.heap })),
  );
  // Where next to nothing is kept there is nothing that grows, and an exponent would tell of noise.
  if (kept < 50 || Number.isNaN(exponent)) return;
  report.growth({ what: `${name}: memory of finished runs`, sizes: "30,000 to 90,000 more runs", ours: exponent });
}

/**
 * How many of the values are still there, counted from before the first: a slope between two later marks would hide
 * what was already held at the earlier one.
 */
async function measureValues(report: Report, name: string, runner: Runner): Promise<void> {
  const [before, ...marks] = (await runner.run(largeValues([60, 200, 1000, 3000]))) as [Mark, ...Mark[]];
  for (const { runs, all } of marks) {
    report.measure({
      what: `${name}: 200 KiB values held`,
      size: `${runs} runs`,
      against: "all of them",
      limit: runs,
      ours: (all - before.all) / chunkBytes,
      unit: "values",
    });
  }
}

export const memory: Benchmark = {
  title: "Memory that finished runs keep while their parent lives",
  async run(report) {
    await using folder = await TemporaryFolder.make();
    await using tracked = new LocalRunner({ home: folder.path });
    for (const [name, runner] of [
      ["local runner", tracked],
      ["silent runner", new SilentRunner()],
    ] as const) {
      await measureRunner(report, name, runner);
      await measureValues(report, name, runner);
    }
  },
};
