import { holdRuns } from "../runner.ts";

/** So long, in ms, a program that has begun to run something by itself may go on defining funcs. */
const patience = 2_000;

/**
 * Loads a program for the sake of its funcs. Pipeline runs that it starts by itself meanwhile are not executed, and what
 * would have come after them is not done.
 *
 * Rejects as `load` does, unless the program has begun to run something: whatever it does without the result that it
 * waits for, its funcs are defined.
 *
 * @param why what runners in other places are told.
 * @param isComplete whether all funcs are defined that are expected.
 */
export async function loadHeld(why: string, load: () => Promise<unknown>, isComplete: () => boolean): Promise<void> {
  let isHeld = false;
  const begun = Promise.withResolvers<void>();
  const release = holdRuns(why, () => {
    isHeld = true;
    begun.resolve();
  });
  const loading = load().catch((error: unknown) => {
    if (!isHeld) throw error;
  });
  try {
    await Promise.race([loading, begun.promise.then(() => expectFuncs(isComplete, loading))]);
  } finally {
    release();
  }
}

/** Resolves when all expected funcs are defined, or no more can be expected. */
export async function expectFuncs(isComplete: () => boolean, loading: Promise<unknown>): Promise<void> {
  const until = performance.now() + patience;
  while (performance.now() < until && !isComplete()) {
    const pause = new Promise<boolean>((resolve) => setTimeout(resolve, 5, false));
    if (await Promise.race([loading.then(() => true), pause])) return;
  }
}
