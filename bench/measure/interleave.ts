import { isDisturbed, mayRepeat, shortestWatched, waitForQuiet, watchOthers } from "./quiet.ts";
import { median, spread } from "./statistics.ts";
import { startClock, type Elapsed } from "./stopwatch.ts";

/** What is compared: does its work once and returns what it took, without what it only prepares. */
export type Contestant = () => Elapsed | Promise<Elapsed>;

/** The samples of one contestant. */
export interface Series {
  /** Milliseconds. */
  readonly median: number;
  /** The fastest sample, in ms: what is left when nobody disturbs. */
  readonly best: number;
  /** Processor time of this process, in ms: the median. Says what the work costs where others slow the clock. */
  readonly processor: number;
  /** (largest − smallest) / median. */
  readonly spread: number;
  /** Cores that other processes used meanwhile: the median over the samples; undefined where nobody could tell. */
  readonly others: number | undefined;
}

/** How to interleave. */
export interface InterleaveOptions {
  /** Samples of each contestant. Default: 7. */
  readonly repetitions?: number;
  /** Rounds before the first that counts, so that all code is compiled. Default: 2. */
  readonly warmups?: number;
  /** The contestants work in processes of their own, whose share cannot be told from others'. Default: false. */
  readonly inChildren?: boolean;
}

interface Sample extends Elapsed {
  readonly others: number | undefined;
}

/**
 * Takes samples of all contestants in turn, so that whatever changes on the machine meanwhile meets them all. Each sample
 * begins with an empty nursery on a quiet machine, and is taken again if others disturbed it.
 */
export async function interleave<Name extends string>(
  contestants: Readonly<Record<Name, Contestant>>,
  { repetitions = 7, warmups = 2, inChildren = false }: InterleaveOptions = {},
): Promise<Record<Name, Series>> {
  const names = Object.keys(contestants) as Name[];
  const samples = new Map<Name, Sample[]>(names.map((name) => [name, []]));
  for (let round = -warmups; round < repetitions; round += 1) {
    // Whoever comes second finds warmer caches: the order turns.
    const turn = Math.abs(round) % names.length;
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      if (round < 0) await contestants[name]();
      else samples.get(name)?.push(await takeSample(contestants[name], inChildren));
    }
  }
  return Object.fromEntries([...samples].map(([name, taken]) => [name, seriesOf(taken)])) as Record<Name, Series>;
}

async function takeSample(contestant: Contestant, inChildren: boolean): Promise<Sample> {
  for (;;) {
    await waitForQuiet();
    // A full collection would also shrink the nursery, and the sample would pay for growing it again.
    collectGarbage("minor");
    const others = watchOthers();
    const clock = startClock();
    const { time, processor } = await contestant();
    const whole = clock().time;
    const disturbance = inChildren || whole < shortestWatched ? undefined : others();
    if (disturbance === undefined || !isDisturbed(disturbance) || !mayRepeat(whole)) {
      return { time, processor: inChildren ? 0 : processor, others: disturbance };
    }
  }
}

function seriesOf(samples: readonly Sample[]): Series {
  const times = samples.map(({ time }) => time);
  const watched = samples.flatMap(({ others }) => others ?? []);
  return {
    median: median(times),
    best: Math.min(...times),
    processor: median(samples.map(({ processor }) => processor)),
    spread: spread(times),
    others: watched.length === 0 ? undefined : median(watched),
  };
}

/** Collects garbage: benchmarks run with `--expose-gc`. */
function collectGarbage(type: "major" | "minor"): void {
  if (globalThis.gc === undefined) throw new Error("Start benchmarks with `npm run bench`: they need --expose-gc.");
  globalThis.gc({ type });
}

/** Bytes that live objects occupy, on the heap of JavaScript and beside it. */
export function liveBytes(): { readonly heap: number; readonly all: number } {
  collectGarbage("major");
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, all: heapUsed + external };
}
