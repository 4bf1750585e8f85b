// What a re-run costs for each run that it takes over, and a resumed pipeline run for each that had ended.
// oxlint-disable-next-line eslint/no-restricted-imports -- users reach plans only through runners and commands; here they are measured alone
import { planRerun } from "@reprise/core";
// oxlint-disable-next-line eslint/no-restricted-imports -- as above
import { graphRunsOf } from "@reprise/runner";
// oxlint-disable-next-line eslint/no-restricted-imports -- as above: what a re-run reads before it begins
import { openHome } from "@reprise/store";
import { atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { FilledHome, writeAdded } from "./cache/homes.ts";
import { interleave, type Series } from "./measure/interleave.ts";
import { timed, timedAsync } from "./measure/stopwatch.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { first, rerunShapes, type ResumeName, resumeShapes, type Shape } from "./rerun/pipelines.ts";
import { interrupt, lastIds, selectGraph } from "./rerun/recorded.ts";
import { timeRun } from "./rerun/time-run.ts";

const sizes = [1000, 3000, 10_000] as const;
const largest = 10_000;
const repetitions = { repetitions: 7, warmups: 3 };

function sizeOf(count: number): string {
  return `${count} runs`;
}

/** What each of `count` runs adds to what executes anyway, in µs, against the target. */
function verdictOf(count: number, ours: Series, limit: Series) {
  if (count !== largest) return {};
  return { verdict: atMost(20, ((ours.median - limit.median) * 1000) / count, "µs above") };
}

async function measureRerun(report: Report, shape: Shape, count: number): Promise<Record<"from" | "all", number>> {
  await using home = await FilledHome.make(first, () => shape.start(count));
  const { root, last } = await home.withCopy(lastIds);
  const rerun = (path: string) => timeRun(path, shape.again, { rerunFrom: last });
  const added = await home.addedBy(rerun);
  const { rest, rows, from, all } = await interleave(
    {
      rest: () => home.withCopy((path) => timeRun(path, shape.remainder)),
      rows: () => home.withCopy((path) => writeAdded(path, added)),
      from: () => home.withCopy(rerun),
      all: () => home.withCopy((path) => timeRun(path, shape.again, { rerunFrom: root, rerunMode: "continue" })),
    },
    repetitions,
  );
  const line = (what: string, against: string, limit: Series, ours: Series, judged: boolean): void =>
    report.measure({
      what: `${shape.what}: ${what}`,
      size: sizeOf(count),
      unit: "µs/run",
      ...compared(against, limit, ours, 1000 / count),
      ...(judged ? verdictOf(count, ours, limit) : {}),
    });
  line("from the last", "what executes", rest, from, true);
  line("from the last", `same rows in ${added.commits} commits`, rows, from, false);
  line("continue, all there", "what executes", rest, all, false);
  return { from: from.median, all: all.median };
}

async function measureReruns(report: Report): Promise<void> {
  for (const shape of rerunShapes) {
    const totals = { from: [] as SizedTotal[], all: [] as SizedTotal[] };
    for (const size of sizes) {
      const { from, all } = await measureRerun(report, shape, size);
      totals.from.push({ size, total: from });
      totals.all.push({ size, total: all });
    }
    const growth = (what: string, of: keyof typeof totals): void =>
      report.growth({
        what: `${shape.what}: ${what}`,
        sizes: "1,000 to 10,000 runs",
        ours: growthExponent(totals[of]),
      });
    growth("from the last", "from");
    growth("continue", "all");
  }
}

async function measureResume(report: Report, name: ResumeName, count: number): Promise<SizedTotal> {
  const shape = resumeShapes[name];
  await using home = await FilledHome.make(first);
  await home.change((path) => interrupt(path, name, count));
  const { root: resume } = await home.withCopy(lastIds);
  const { rest, whole, resumed } = await interleave(
    {
      rest: () => home.withCopy((path) => timeRun(path, shape.remainder)),
      whole: () => home.withCopy((path) => timeRun(path, () => shape.start(count))),
      resumed: () => home.withCopy((path) => timeRun(path, shape.again, { resume })),
    },
    repetitions,
  );
  const what = `${shape.what}: resumed`;
  const each = 1000 / count;
  report.measure({
    what,
    size: sizeOf(count),
    unit: "µs/run",
    ...compared("what executes", rest, resumed, each),
    ...verdictOf(count, resumed, rest),
  });
  report.measure({ what, size: sizeOf(count), unit: "µs/run", ...compared("all of it again", whole, resumed, each) });
  return { size: count, total: resumed.median };
}

async function measureResumes(report: Report): Promise<void> {
  for (const name of ["returned", "waited"] as const) {
    const totals: SizedTotal[] = [];
    for (const size of sizes) totals.push(await measureResume(report, name, size));
    report.growth({
      what: `${resumeShapes[name].what}: resumed`,
      sizes: "1,000 to 10,000 runs",
      ours: growthExponent(totals),
    });
  }
}

/** What a re-run does before it begins: reading the graph, and deciding on each of its runs. */
async function measurePlan(report: Report, shape: Shape, count: number): Promise<Record<"read" | "plan", number>> {
  await using filled = await FilledHome.make(first, () => shape.start(count));
  return await filled.withCopy(async (path) => {
    const { root, last } = lastIds(path);
    await using home = await openHome({ path });
    const graph = await home.backend.readGraph(root);
    if (graph === undefined) throw new Error("The pipeline run is not there.");
    const runs = graphRunsOf(graph);
    const { select, read, plan } = await interleave({
      select: () => selectGraph(path),
      read: () => timedAsync(1, async () => home.backend.readGraph(root)),
      plan: () => timed(1, () => planRerun(graphRunsOf(graph), { mode: "from", target: last })),
    });
    const size = sizeOf(runs.length - 1);
    report.measure({
      what: `${shape.what}: read`,
      size,
      unit: "µs/run",
      ...compared("the bare selects", select, read, 1000 / count),
    });
    const each = 1000 / count;
    report.measure({
      what: `${shape.what}: plan`,
      size,
      unit: "µs/run",
      ours: plan.median * each,
      spread: plan.spread,
    });
    return { read: read.median, plan: plan.median };
  });
}

async function measurePlans(report: Report): Promise<void> {
  for (const shape of rerunShapes.slice(0, 3)) {
    const totals = { read: [] as SizedTotal[], plan: [] as SizedTotal[] };
    for (const size of sizes) {
      const { read, plan } = await measurePlan(report, shape, size);
      totals.read.push({ size, total: read });
      totals.plan.push({ size, total: plan });
    }
    for (const part of ["read", "plan"] as const) {
      report.growth({
        what: `${shape.what}: ${part}`,
        sizes: "1,000 to 10,000 runs",
        ours: growthExponent(totals[part]),
      });
    }
  }
}

export const rerun: Benchmark = {
  title: "Re-running and resuming: what each run costs that does not execute",
  async run(report) {
    await measureReruns(report);
    await measureResumes(report);
    await measurePlans(report);
  },
};
