// What reuse costs: calls whose results are there, recorded as all calls are, beside the bare database.
import { func } from "reprise";
import { atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { FilledHome, selectAndWrite, selectEntries } from "./cache/homes.ts";
import { interleave } from "./measure/interleave.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";

const half = func({ id: "cache-hits.half", cache: { version: "1" }, run: (value: number) => value / 2 + 0.25 });
const calls = func("cache-hits.calls", (count: number) => Array.from({ length: count }, (_, at) => half(at)));
const mapped = func("cache-hits.mapped", (count: number) => half.map(Array.from({ length: count }, (_, at) => at)));
const equal = func("cache-hits.equal", (count: number) => Array.from({ length: count }, () => half(7)));
const awaited = func("cache-hits.awaited", async (count: number) => {
  for (let at = 0; at < count; at += 1) await half(at).$value();
});

async function measureSize(report: Report, count: number): Promise<{ calls: number; mapped: number; equal: number }> {
  await using home = await FilledHome.make(
    () => calls(count),
    () => mapped(count),
  );
  const added = await home.added(() => mapped(count));
  const taken = await interleave(
    {
      select: () => home.withCopy(selectEntries),
      rows: () => home.withCopy((path) => selectAndWrite(path, added)),
      calls: () => home.time(() => calls(count)),
      equal: () => home.time(() => equal(count)),
      awaited: () => home.time(() => awaited(count)),
      mapped: () => home.time(() => mapped(count)),
    },
    { repetitions: 9, warmups: 3 },
  );
  const factor = 1000 / count;
  const size = `${count} runs`;
  const line = (
    what: string,
    name: "calls" | "equal" | "awaited" | "mapped",
    limit: "select" | "rows",
    most?: number,
  ) =>
    report.measure({
      what,
      size,
      unit: "µs/run",
      ...compared(
        limit === "select" ? "a select by key" : `selects, same rows in ${added.commits} commits`,
        taken[limit],
        taken[name],
        factor,
      ),
      ...(most === undefined || count !== 10_000
        ? {}
        : { verdict: atMost(most, taken[name].median / taken[limit].median) }),
    });
  line("hit", "calls", "select", 3);
  line("hit, equal to another call", "equal", "select", 2);
  line("hit, awaited before the next", "awaited", "select");
  line("hit of a map", "mapped", "select");
  line("hit of a map", "mapped", "rows", 2);
  return { calls: taken.calls.median, mapped: taken.mapped.median, equal: taken.equal.median };
}

export const cacheHits: Benchmark = {
  title: "Hits of the cache, recorded, in an embedded store: beside the bare database",
  async run(report) {
    const totals = { calls: [] as SizedTotal[], mapped: [] as SizedTotal[], equal: [] as SizedTotal[] };
    for (const size of [1000, 3000, 10_000]) {
      const taken = await measureSize(report, size);
      totals.calls.push({ size, total: taken.calls });
      totals.mapped.push({ size, total: taken.mapped });
      totals.equal.push({ size, total: taken.equal });
    }
    const growth = (what: string, of: keyof typeof totals): void =>
      report.growth({ what, sizes: "1,000 to 10,000 runs", ours: growthExponent(totals[of]) });
    growth("hit", "calls");
    growth("hit, equal to another call", "equal");
    growth("hit of a map", "mapped");
  },
};
