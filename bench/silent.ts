// What a run costs when nothing is recorded: the scheduler, futures and contexts alone.
import { func, type Future, SilentRunner } from "reprise";
import { atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { interleave, liveBytes, type Series } from "./measure/interleave.ts";
import { timed, timedAsync } from "./measure/stopwatch.ts";
import { growthExponent } from "./measure/statistics.ts";

const body = (value: number): number => value + 1;
const step = func("silent.step", body);

/** One body calls `count` funcs and returns all their futures. */
const fanOut = func("silent.fan-out", (count: number) => Array.from({ length: count }, (_, at) => step(at)));

/** Each call takes the future of the one before. */
const linked = func("silent.chain", (count: number) => {
  let last: Future<number> = step(0);
  for (let made = 1; made < count; made += 1) last = step(last);
  return last;
});

/** The body waits for each call before it makes the next. */
const awaited = func("silent.awaited-chain", async (count: number) => {
  let value = 0;
  for (let made = 0; made < count; made += 1) value = await step(value).$value();
  return value;
});

// The limit: the bodies alone, called directly in the same shape. What they give is kept, or they would be optimised away.
const kept: { value: unknown } = { value: undefined };

function bareFanOut(count: number): void {
  kept.value = Array.from({ length: count }, (_, at) => body(at));
}

function bareChain(count: number): void {
  let value = 0;
  for (let made = 0; made < count; made += 1) value = body(value);
  kept.value = value;
}

interface Shape {
  readonly what: string;
  readonly pipeline: (count: number) => Future<unknown>;
  readonly bare: (count: number) => void;
  /** Whether the targets speak of this shape. */
  readonly judged: boolean;
}

const shapes: readonly Shape[] = [
  { what: "fan-out", pipeline: fanOut, bare: bareFanOut, judged: true },
  { what: "chain of futures", pipeline: linked, bare: bareChain, judged: false },
  { what: "chain, each awaited", pipeline: awaited, bare: bareChain, judged: false },
];

const sizes = [
  { count: 1000, loops: 40, repetitions: 9 },
  { count: 10_000, loops: 4, repetitions: 9 },
  { count: 100_000, loops: 1, repetitions: 7 },
] as const;

/** Median times of the pipeline and of its bare bodies, in ms for all runs. */
async function compare(
  { pipeline, bare }: Shape,
  { count, loops, repetitions }: { readonly count: number; readonly loops: number; readonly repetitions: number },
): Promise<{ readonly ours: Series; readonly limit: Series }> {
  const runner = new SilentRunner();
  return interleave(
    {
      limit: () => timed(loops, () => bare(count)),
      ours: () => timedAsync(loops, () => runner.run(pipeline(count))),
    },
    { repetitions },
  );
}

/** The share of one run. */
function perRun(series: Series, count: number): Series {
  const { median, best, processor } = series;
  return { ...series, median: median / count, best: best / count, processor: processor / count };
}

async function measureTimes(report: Report): Promise<void> {
  for (const shape of shapes) {
    const totals = [];
    for (const size of sizes) {
      const { ours, limit } = await compare(shape, size);
      const above = ((ours.median - limit.median) * 1000) / size.count;
      report.measure({
        what: shape.what,
        size: `${size.count} runs`,
        unit: "µs/run",
        ...compared("bare bodies", limit, ours, 1000 / size.count),
        ...(shape.judged && size.count === 100_000 ? { verdict: atMost(3, above, "µs above") } : {}),
      });
      totals.push({ size: size.count, total: ours.median });
    }
    report.growth({ what: shape.what, sizes: "1,000 to 100,000 runs", ours: growthExponent(totals) });
  }
}

/** Keeps what a body made until its end: runs whose futures somebody holds are alive. */
function hold(value: unknown): void {
  kept.value = value;
}

/** Bytes a run, when all calls are made and none has begun, and when all are finished and their futures still held. */
const heldBytes = func("silent.held-bytes", async (count: number) => {
  const before = liveBytes().heap;
  const futures = Array.from({ length: count }, (_, at) => step(at));
  const made = liveBytes().heap;
  await futures.at(-1)?.$value();
  const finished = liveBytes().heap;
  hold(futures);
  return { waiting: (made - before) / count, finished: (finished - before) / count };
});

/** The same for an array of the bare results. */
function bareBytes(count: number): number {
  kept.value = undefined;
  const before = liveBytes().heap;
  bareFanOut(count);
  const after = liveBytes().heap;
  kept.value = undefined;
  return (after - before) / count;
}

async function measureBytes(report: Report): Promise<void> {
  const runner = new SilentRunner();
  await runner.run(heldBytes(1000));
  bareBytes(1000);
  for (const { count } of sizes) {
    const limit = bareBytes(count);
    const { waiting, finished } = await runner.run(heldBytes(count));
    kept.value = undefined;
    for (const [state, bytes] of [
      ["called, not begun", waiting],
      ["finished, future held", finished],
    ] as const) {
      report.measure({
        what: `memory: ${state}`,
        size: `${count} runs`,
        against: "array of results",
        limit,
        ours: bytes,
        unit: "B/run",
        ...(count === 100_000 ? { verdict: atMost(500, bytes - limit, "B above") } : {}),
      });
    }
  }
}

async function measureMillion(report: Report): Promise<void> {
  const million = 1_000_000;
  for (const shape of shapes) {
    const runner = new SilentRunner();
    const sample = (count: number) => timedAsync(1, () => runner.run(shape.pipeline(count)));
    const { many, fewer } = await interleave(
      { fewer: () => sample(million / 10), many: () => sample(million) },
      { repetitions: 3, warmups: 1 },
    );
    const [perMany, perFewer] = [perRun(many, million), perRun(fewer, million / 10)];
    report.measure({
      what: `${shape.what}, a million`,
      size: `${million} runs`,
      unit: "µs/run",
      ...compared("100,000 runs", perFewer, perMany, 1000),
      ...(shape.judged ? { verdict: atMost(1.3, perMany.median / perFewer.median) } : {}),
    });
  }
}

export const silent: Benchmark = {
  title: "Silent runner: trivial funcs beside their bare bodies",
  async run(report, { onceMillion }) {
    await measureTimes(report);
    await measureBytes(report);
    if (onceMillion) await measureMillion(report);
    else report.note("a million runs: with --once-million");
  },
};
