// What recording costs: everything a run leaves in the store, durable, beside a loop that writes the same rows.
import { func } from "reprise";
import { atLeast, atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { type Elapsed, meanOf } from "./measure/stopwatch.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { type Contents, countRows, freshDatabase, writeRows } from "./tracked/same-rows.ts";
import { record, type Recorded } from "./tracked/tracked-run.ts";

// Every input and every output is another value, so that each run has two artifacts of its own.
const half = func("tracked.half", (value: number) => value / 2 + 0.25);
const fanOut = func("tracked.fan-out", (count: number) => Array.from({ length: count }, (_, at) => half(at)));

const next = func("tracked.next", (value: number) => value + 1);
const chain = func("tracked.chain", async (count: number) => {
  let value = 0;
  for (let made = 0; made < count; made += 1) value = await next(value).$value();
  return value;
});

const first = () => half(0.5);

/** Writes the rows of a recorded run again, into a database of its own. */
async function writeAgain(contents: Contents, batches: number): Promise<Elapsed> {
  await using folder = await TemporaryFolder.make();
  const database = freshDatabase(folder.file("limit.db"), contents);
  try {
    return writeRows(database, contents, batches);
  } finally {
    database.close();
  }
}

/** Inserts rows of runs, each in a transaction of its own; returns what each took. */
async function insertAlone({ schema, tables }: Contents, count: number): Promise<Elapsed> {
  const runs = tables.filter(({ insert }) => insert.startsWith("INSERT INTO runs "));
  const alone = { schema, tables: runs.map(({ insert, rows }) => ({ insert, rows: rows.slice(0, count) })) };
  return meanOf(await writeAgain(alone, countRows(alone)), countRows(alone));
}

function sameRows(contents: Contents, { commits }: Recorded): string {
  return `same ${countRows(contents).toLocaleString("en")} rows in ${commits} commits`;
}

/** A run that was looked into, and what it wrote. */
async function inspect(start: Parameters<typeof record>[1]): Promise<{ contents: Contents; recorded: Recorded }> {
  const recorded = await record(first, start, { inspect: true });
  return { contents: recorded.contents as Contents, recorded };
}

async function measureFanOut(report: Report): Promise<void> {
  const limits: SizedTotal[] = [];
  const totals: SizedTotal[] = [];
  for (const { count, repetitions } of [
    { count: 1000, repetitions: 11 },
    { count: 10_000, repetitions: 9 },
    { count: 100_000, repetitions: 5 },
  ]) {
    const { contents, recorded } = await inspect(() => fanOut(count));
    const { limit, ours } = await interleave(
      {
        limit: () => writeAgain(contents, recorded.commits),
        ours: async () => (await record(first, () => fanOut(count))).elapsed,
      },
      { repetitions, warmups: count === 100_000 ? 1 : 3 },
    );
    report.measure({
      what: "fan-out",
      size: `${count} runs`,
      unit: "µs/run",
      ...compared(sameRows(contents, recorded), limit, ours, 1000 / count),
      ...(count === 1000 ? {} : { verdict: atMost(2, ours.median / limit.median) }),
    });
    limits.push({ size: count, total: limit.median });
    totals.push({ size: count, total: ours.median });
  }
  report.growth({
    what: "fan-out",
    sizes: "1,000 to 100,000 runs",
    limit: growthExponent(limits),
    ours: growthExponent(totals),
  });
}

async function measureChain(report: Report): Promise<void> {
  const totals = { ordered: [] as SizedTotal[], step: [] as SizedTotal[] };
  for (const count of [500, 1000, 2000]) {
    const { contents, recorded } = await inspect(() => chain(count));
    const { same, insert, ordered, step } = await interleave({
      same: () => writeAgain(contents, recorded.commits),
      insert: () => insertAlone(contents, count),
      ordered: async () => (await record(first, () => chain(count))).elapsed,
      // A step is compared with one insert.
      step: async () => meanOf((await record(first, () => chain(count), { durability: "step" })).elapsed, count),
    });
    const isTarget = count === 2000;
    const faster = (step.median * count) / ordered.median;
    report.measure({
      what: "awaited chain, ordered",
      size: `${count} runs`,
      unit: "µs/run",
      ...compared(sameRows(contents, recorded), same, ordered, 1000 / count),
      ...(isTarget ? { verdict: { ...atLeast(10, faster, "× faster than step") } } : {}),
    });
    report.measure({
      what: "awaited chain, step",
      size: `${count} runs`,
      unit: "µs/run",
      ...compared("one autocommit insert", insert, step, 1000),
      ...(isTarget ? { verdict: atMost(1.5, step.median / insert.median) } : {}),
    });
    totals.ordered.push({ size: count, total: ordered.median });
    totals.step.push({ size: count, total: step.median * count });
  }
  const sizes = "500 to 2,000 runs";
  report.growth({ what: "awaited chain, ordered", sizes, ours: growthExponent(totals.ordered) });
  report.growth({ what: "awaited chain, step", sizes, ours: growthExponent(totals.step) });
}

export const tracked: Benchmark = {
  title: "Local runner, embedded store: trivial funcs beside the bare database",
  async run(report) {
    await measureFanOut(report);
    await measureChain(report);
  },
};
