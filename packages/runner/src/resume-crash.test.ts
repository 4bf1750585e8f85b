import { expect, test } from "vitest";
import { compileCache } from "./testing/compile-cache.ts";
import { CrashedPipeline, type Hits, type Moment, type Undisturbed } from "./testing/resume-crashes.ts";
import { temporaryFolder } from "./testing/temporary-home.ts";

const kills = 50;
const killsOfReruns = 3;
/** So many ms the pipeline takes at most where nothing else is going on, and a process to load what it needs. */
const [longest, loading] = [700, 250];
/** Steps of writing, counted before and after each, of which the pipeline has about as many. */
const steps = 120;

// A failure names its seed: REPRISE_TEST_SEED=… repeats the moments, as far as time can be repeated.
const seed = Number(process.env["REPRISE_TEST_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const env = compileCache();

test.for(["ordered", "step"])(
  `a pipeline run whose driver is killed at ${kills} moments is resumed to the end it would have had: %s (seed ${seed})`,
  { timeout: 300_000 },
  async (durability) => {
    const folder = temporaryFolder();
    const undisturbed = await new CrashedPipeline(`${folder}/reference`, durability, env).undisturbed();
    const make = (path: string): CrashedPipeline => new CrashedPipeline(path, durability, env);
    const all = await crashMany(folder, kills, 1, undisturbed, make);
    // The kills have to hit the middle of things, or they would prove nothing.
    expect(sum(all, "kept")).toBeGreaterThan(kills * 10);
    expect(sum(all, "interrupted")).toBeGreaterThan(kills);
    expect(sum(all, "retrying")).toBeGreaterThan(0);
  },
);

test.for([
  ["digs deeper", 0.4],
  ["list", 0.2],
] as const)(
  `and so is a re-run from a run: of "%s", which takes %d of the time (seed ${seed})`,
  { timeout: 300_000 },
  async ([from, share]) => {
    const folder = temporaryFolder();
    const first = new CrashedPipeline(`${folder}/original`, "step", env);
    await first.undisturbed();
    const original = { folder: `${folder}/original`, from: first.runOf(from) };
    const make = (path: string): CrashedPipeline => new CrashedPipeline(path, "ordered", env, original);
    const undisturbed = await make(`${folder}/reference`).undisturbed();
    const all = await crashMany(folder, killsOfReruns, share, undisturbed, make);
    expect(sum(all, "kept")).toBeGreaterThan(killsOfReruns);
  },
);

/**
 * Crashes pipelines until they were killed so often, and resumes each of them to its end.
 *
 * @param share how long each takes, as a part of {@link longest}.
 */
async function crashMany(
  folder: string,
  enough: number,
  share: number,
  undisturbed: Undisturbed,
  make: (path: string) => CrashedPipeline,
): Promise<readonly Hits[]> {
  const all: Hits[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (sum(all, "kills") < enough) {
      const number = next;
      next += 1;
      all.push(await crashOften(make(`${folder}/${number}`), randomFrom(seed * 1_000 + number), share, undisturbed));
    }
  };
  // Two at once, so that the one is killed while the other makes the machine busy.
  await Promise.all([work(), work()]);
  return all;
}

/** One to six crashes in a row, each the earlier, the more there are, so that the last finds something to do; then the end. */
async function crashOften(
  pipeline: CrashedPipeline,
  random: () => number,
  share: number,
  undisturbed: Undisturbed,
): Promise<Hits> {
  const crashes = 1 + Math.floor(random() * 6);
  for (let crash = 0; crash < crashes; crash += 1) {
    if (!(await pipeline.crash(momentFrom(random, share / Math.sqrt(crashes))))) break;
  }
  return pipeline.finish(undisturbed);
}

function momentFrom(random: () => number, share: number): Moment {
  const kind = random();
  const moment = random() * share;
  if (kind < 0.1) return { type: "start", after: moment * loading };
  if (kind < 0.7) return { type: "time", after: moment * longest };
  return { type: "step", number: 1 + Math.floor(moment * steps) };
}

function sum(all: readonly Hits[], what: keyof Hits): number {
  return all.reduce((total, hits) => total + hits[what], 0);
}

/** Numbers from 0 up to 1 that are the same for the same seed, and others for the next one (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
