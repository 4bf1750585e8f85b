// What it costs to execute in another process, beside messages and processes without reprise.
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { type Future, LocalRunner } from "reprise";
import { atLeast, atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { type Elapsed, meanOf, startClock } from "./measure/stopwatch.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { BareChild, bareProgram } from "./workers/bare-child.ts";
import type { ColdQuestion } from "./workers/cold-driver.ts";
import { chain, fanOut, first, passArray } from "./workers/funcs.ts";
import { PoolTasks } from "./workers/pool-tasks.ts";
import { bareGrid, grid, inDriver, inWorkers, trainingMails } from "./workers/spam-grid.ts";

const execute = promisify(execFile);
const writer = fileURLToPath(new URL("./workers/write-and-read.ts", import.meta.url));

/** A home with a runner whose workers are there. */
async function withRunner<T>(maxParallelism: number, use: (runner: LocalRunner) => Promise<T>): Promise<T> {
  await using home = await TemporaryFolder.make();
  await using runner = new LocalRunner({ home: home.path, maxParallelism });
  await runner.run(first());
  return await use(runner);
}

async function timeRun(runner: LocalRunner, start: () => Future<unknown>): Promise<Elapsed> {
  const clock = startClock();
  await runner.run(start());
  return clock();
}

async function measureWarm(report: Report, bare: BareChild): Promise<void> {
  const count = 1000;
  await using tasks = await PoolTasks.start();
  await withRunner(1, async (runner) => {
    const { limit, pooled, recorded } = await interleave({
      limit: () => bare.roundTrips(count),
      pooled: () => tasks.roundTrips(count),
      recorded: async () => meanOf(await timeRun(runner, () => chain(count)), count),
    });
    const size = `${count} runs`;
    const against = "bare IPC round trip, 1 KB";
    report.measure({
      what: "warm, one by one, no store",
      size,
      unit: "µs/run",
      ...compared(against, limit, pooled, 1000),
      verdict: atMost(1.5, pooled.median / limit.median),
    });
    report.measure({
      what: "warm, one by one, recorded",
      size,
      unit: "µs/run",
      ...compared(against, limit, recorded, 1000),
      verdict: atMost(2, recorded.median / limit.median),
    });
  });
}

async function measurePipelined(report: Report, bare: BareChild): Promise<void> {
  const count = 3000;
  await using tasks = await PoolTasks.start();
  await withRunner(1, async (runner) => {
    const { limit, pooled, recorded } = await interleave({
      limit: () => bare.pipelined(count),
      pooled: () => tasks.pipelined(count),
      recorded: async () => meanOf(await timeRun(runner, () => fanOut(count)), count),
    });
    const size = `${count} runs`;
    const against = "bare messages, 1 KB, there and back";
    const rate = (of: typeof limit) => atLeast(0.3, limit.median / of.median, "of the rate");
    report.measure({
      what: "pipelined, no store",
      size,
      unit: "µs/run",
      ...compared(against, limit, pooled, 1000),
      verdict: rate(pooled),
    });
    report.measure({
      what: "pipelined, recorded",
      size,
      unit: "µs/run",
      ...compared(against, limit, recorded, 1000),
      verdict: rate(recorded),
    });
  });
}

/** Bundles a user's program, where `reprise` is installed. */
async function buildDriver(folder: TemporaryFolder): Promise<string> {
  const entry = fileURLToPath(import.meta.resolve("reprise"));
  await mkdir(folder.file("node_modules"));
  await symlink(dirname(dirname(entry)), folder.file("node_modules/reprise"));
  await writeFile(folder.file("package.json"), JSON.stringify({ name: "project", type: "module" }));
  const outfile = folder.file("driver.js");
  await build({
    entryPoints: [fileURLToPath(new URL("./workers/cold-driver.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    // That of the repository leads `reprise` to its sources.
    tsconfigRaw: "{}",
    logLevel: "warning",
  });
  return outfile;
}

async function measureCold(report: Report, folder: TemporaryFolder, bare: string): Promise<void> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const driver = fork(await buildDriver(folder), ["drive"], {
    execArgv: [],
    env: { ...inherited, REPRISE_HOME: folder.file("home") },
    cwd: folder.path,
  });
  await once(driver, "message");
  const ask = async (question: ColdQuestion): Promise<Elapsed> => {
    const answer = once(driver, "message");
    driver.send(question);
    return ((await answer) as [Elapsed])[0];
  };
  const { forked, worker } = await interleave(
    { forked: () => ask({ work: "fork", file: bare }), worker: () => ask({ work: "worker" }) },
    { repetitions: 15, warmups: 3, inChildren: true },
  );
  driver.disconnect();
  await once(driver, "exit");
  report.measure({
    what: "cold, with a bundle",
    size: "1 run",
    unit: "ms",
    ...compared("bare fork to its first message", forked, worker, 1),
    verdict: atMost(2.5, worker.median / forked.median),
  });
}

async function measureArray(report: Report): Promise<void> {
  for (const length of [2 ** 24, 2 ** 27]) {
    await using folder = await TemporaryFolder.make();
    const writeAndRead = async (): Promise<Elapsed> => {
      const { stdout } = await execute(process.execPath, [writer, folder.file("numbers.bin"), String(length)]);
      return JSON.parse(stdout) as Elapsed;
    };
    // Each sample in a home of its own: what is stored already would not be written again.
    const { limit, passed } = await interleave(
      { limit: writeAndRead, passed: () => withRunner(2, (runner) => timeRun(runner, () => passArray(length))) },
      { repetitions: 5, warmups: 1, inChildren: true },
    );
    report.measure({
      what: "Float64Array between two workers",
      size: `${(length * 8) / 2 ** 20} MiB`,
      unit: "ms",
      ...compared("made, written, synced, read, summed", limit, passed, 1),
    });
  }
  report.note(`memory of the driver at most: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
}

async function measureGrid(report: Report): Promise<void> {
  const data = await trainingMails(1);
  const workers = Math.max(2, availableParallelism());
  const size = `${grid.length} models`;
  const bare = async (): Promise<Elapsed> => {
    const clock = startClock();
    await bareGrid(data);
    return clock();
  };
  await withRunner(1, (one) =>
    withRunner(workers, async (many) => {
      const { loop, inline, single, several } = await interleave(
        {
          loop: bare,
          inline: () => timeRun(one, () => inDriver(data)),
          single: () => timeRun(one, () => inWorkers(data)),
          several: () => timeRun(many, () => inWorkers(data)),
        },
        { repetitions: 5, warmups: 1, inChildren: true },
      );
      const line = (what: string, ours: typeof loop) =>
        report.measure({ what, size, unit: "ms", ...compared("the bare loop", loop, ours, 1) });
      line("spam grid, in the driver", inline);
      line("spam grid, 1 worker", single);
      const speedUp = single.median / several.median;
      report.measure({
        what: `spam grid, ${workers} workers`,
        size,
        unit: "ms",
        ...compared("1 worker", single, several, 1),
      });
      const efficiency = Math.round((speedUp / workers) * 100);
      report.note(`${workers} workers are ${speedUp.toFixed(2)} times as fast as one: ${efficiency} % of ${workers}`);
    }),
  );
}

export const workers: Benchmark = {
  title: "Standalone funcs: worker processes beside bare ones",
  async run(report) {
    await using folder = await TemporaryFolder.make();
    const program = bareProgram(folder);
    {
      await using bare = await BareChild.start(program);
      await measureWarm(report, bare);
      await measurePipelined(report, bare);
    }
    await measureCold(report, folder, program);
    await measureArray(report);
    await measureGrid(report);
  },
};
