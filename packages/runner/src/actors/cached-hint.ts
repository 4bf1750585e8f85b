import { labelOfCached } from "./cached-brand.ts";
import { ownerOfLive } from "./live-values.ts";

/**
 * What to do instead where a future is needed and a cached function, or a value of one, was given; undefined for anything
 * else. The mistake that Union's own example of preloading makes: `load >> run` with `load` the cached function.
 */
export function cachedHint(value: unknown): string | undefined {
  const label = labelOfCached(value);
  const owner = label ?? ownerOfLive(value)?.label;
  if (owner === undefined) return undefined;
  const what = label === undefined ? `a value of the ${owner}` : `the ${owner}`;
  return `not ${what}, whose calls are no runs. Use the task call: order(loadTask(…), run(…)), with a func of the actor that calls the cached function. To load on every replica before its first task, give it to warmup.`;
}
