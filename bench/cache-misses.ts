// What a cache costs where nothing is there to be reused: looking, leases, and storing what was computed.
import { func } from "reprise";
import { type Benchmark, compared, type Report } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { record } from "./tracked/tracked-run.ts";

const first = func("cache-misses.first", () => 0);
const half = func("cache-misses.half", (value: number) => value / 2 + 0.25);
const version = { cache: { version: "1" } };

const plain = func("cache-misses.plain", (count: number) => Array.from({ length: count }, (_, at) => half(at)));
const cached = func("cache-misses.cached", (count: number) =>
  Array.from({ length: count }, (_, at) => half(at).$set(version)),
);
const plainChain = func("cache-misses.plain-chain", async (count: number) => {
  for (let at = 0; at < count; at += 1) await half(at).$value();
});
const cachedChain = func("cache-misses.cached-chain", async (count: number) => {
  for (let at = 0; at < count; at += 1) await half(at).$set(version).$value();
});

async function measurePair(
  report: Report,
  what: string,
  count: number,
  [limit, ours]: readonly [typeof plain, typeof plain] | readonly [typeof plainChain, typeof plainChain],
): Promise<SizedTotal> {
  const taken = await interleave(
    {
      plain: async () => (await record(first, () => limit(count))).elapsed,
      cached: async () => (await record(first, () => ours(count))).elapsed,
    },
    { repetitions: 9, warmups: 3 },
  );
  report.measure({
    what,
    size: `${count} runs`,
    unit: "µs/run",
    ...compared("the same calls, not cached", taken.plain, taken.cached, 1000 / count),
  });
  return { size: count, total: taken.cached.median };
}

export const cacheMisses: Benchmark = {
  title: "Misses of the cache: the first pipeline run in an empty store",
  async run(report) {
    const totals: SizedTotal[] = [];
    for (const count of [1000, 3000, 10_000]) {
      totals.push(await measurePair(report, "fan-out", count, [plain, cached]));
    }
    report.growth({ what: "fan-out", sizes: "1,000 to 10,000 runs", ours: growthExponent(totals) });
    await measurePair(report, "awaited before the next", 2000, [plainChain, cachedChain]);
  },
};
