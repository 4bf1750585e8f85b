/** What a piece of work took, in ms. */
export interface Elapsed {
  /** By the clock. */
  readonly time: number;
  /** Of processors, all threads of this process together. */
  readonly processor: number;
}

/** Starts a stopwatch; the function returned reads it. */
export function startClock(): () => Elapsed {
  const processor = process.cpuUsage();
  const began = performance.now();
  return () => {
    const time = performance.now() - began;
    const { user, system } = process.cpuUsage(processor);
    return { time, processor: (user + system) / 1000 };
  };
}

/** What `work` takes; the mean of `loops` executions, for work that is too short for the clock. */
export function timed(loops: number, work: () => unknown): Elapsed {
  const clock = startClock();
  for (let done = 0; done < loops; done += 1) work();
  return meanOf(clock(), loops);
}

/** As {@link timed}, for work that is asynchronous. */
export async function timedAsync(loops: number, work: () => Promise<unknown>): Promise<Elapsed> {
  const clock = startClock();
  for (let done = 0; done < loops; done += 1) await work();
  return meanOf(clock(), loops);
}

/** The share of one of `count` equal pieces of work. */
export function meanOf({ time, processor }: Elapsed, count: number): Elapsed {
  return { time: time / count, processor: processor / count };
}
