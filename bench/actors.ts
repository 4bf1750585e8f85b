// What actors give: tasks that find loaded what they need, beside processes that load it each time.
import { LocalRunner } from "reprise";
import { atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { keyKinds, loadAndUse, timeHits, timeMap, timeOnReplica, useOften } from "./actors/funcs.ts";
import { interleave } from "./measure/interleave.ts";
import { type Elapsed, meanOf, startClock } from "./measure/stopwatch.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { BareChild, bareProgram } from "./workers/bare-child.ts";

const hits = 100_000;

function elapsed(time: number): Elapsed {
  return { time, processor: 0 };
}

async function measureHits(report: Report, runner: LocalRunner): Promise<void> {
  for (const kind of keyKinds) {
    const { map, here, replica } = await interleave(
      {
        map: () => elapsed(timeMap(hits)),
        here: () => elapsed(timeHits(kind, hits)),
        replica: async () => elapsed(await runner.run(timeOnReplica(kind, hits))),
      },
      { inChildren: true },
    );
    for (const [where, ours] of [
      ["outside of bodies", here],
      ["on a replica", replica],
    ] as const) {
      report.measure({
        what: `cache hit, ${kind}, ${where}`,
        size: `${hits} hits`,
        unit: "µs",
        ...compared("get of a Map", map, ours, 1000),
        verdict: atMost(2, ours.median * 1000, "µs"),
      });
    }
  }
}

async function measureTasks(report: Report, runner: LocalRunner, folder: TemporaryFolder): Promise<void> {
  const count = 500;
  await using bare = await BareChild.start(bareProgram(folder));
  let fresh = 0;
  const inFreshWorker = async (): Promise<Elapsed> => {
    // A worker has the environment of its driver at the time: with another one, another worker is needed.
    process.env["REPRISE_BENCH_FRESH"] = String((fresh += 1));
    const clock = startClock();
    await runner.run(loadAndUse(fresh));
    return clock();
  };
  const { trip, replica, worker } = await interleave(
    {
      trip: () => bare.roundTrips(count),
      replica: async () => {
        const clock = startClock();
        await runner.run(useOften(count));
        return meanOf(clock(), count);
      },
      worker: inFreshWorker,
    },
    { repetitions: 9, inChildren: true },
  );
  const size = `${count} runs`;
  report.measure({
    what: "task on a warm replica",
    size,
    unit: "µs/run",
    ...compared("bare IPC round trip, 1 KB", trip, replica, 1000),
  });
  report.measure({
    what: "the same in a fresh worker",
    size: "1 run",
    unit: "µs/run",
    ...compared("on a warm replica", replica, worker, 1000),
  });
}

export const actors: Benchmark = {
  title: "Actors: hits of their caches, and tasks that find loaded what they need",
  async run(report) {
    await using folder = await TemporaryFolder.make();
    await using runner = new LocalRunner({ home: folder.file("home") });
    await measureHits(report, runner);
    await measureTasks(report, runner, folder);
  },
};
