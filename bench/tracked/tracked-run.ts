import { type Durability, type Future, LocalRunner } from "reprise";
import { type Elapsed, startClock } from "../measure/stopwatch.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { type Contents, countCommits, readContents } from "./same-rows.ts";

/** One recorded pipeline run in a home of its own. */
export interface Recorded {
  /** From the call of `run` until the result is there, and with it everything on disk. */
  readonly elapsed: Elapsed;
  readonly commits: number;
  /** What the database holds afterwards; only if asked for. */
  readonly contents: Contents | undefined;
}

/** How to record. */
export interface RecordOptions {
  readonly durability?: Durability;
  /** Also count commits and read what was written; such a run must not be timed. Default: false. */
  readonly inspect?: boolean;
}

/** Records the run of what `start` calls in an empty store. Opening the store is not timed. */
export async function record(
  first: () => Future<unknown>,
  start: () => Future<unknown>,
  { durability = "ordered", inspect = false }: RecordOptions = {},
): Promise<Recorded> {
  await using folder = await TemporaryFolder.make();
  await using runner = new LocalRunner({ home: folder.path, durability });
  await runner.run(first());
  let elapsed: Elapsed = { time: 0, processor: 0 };
  const run = async (): Promise<void> => {
    const clock = startClock();
    await runner.run(start());
    elapsed = clock();
  };
  let commits = 0;
  if (inspect) commits = await countCommits(run);
  else await run();
  const contents = inspect ? readContents(folder.file("reprise.db")) : undefined;
  return { elapsed, commits, contents };
}
