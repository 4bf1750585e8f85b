import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A function that puts a list into a random order, in place. The same seed gives the same orders everywhere. */
export function seededShuffle(seed: number): <T>(list: T[]) => T[] {
  const generator = xoroshiro128plus(seed);
  return <T>(list: T[]) => {
    for (let last = list.length - 1; last > 0; last--) {
      const other = uniformInt(generator, 0, last);
      const kept = list[last] as T;
      list[last] = list[other] as T;
      list[other] = kept;
    }
    return list;
  };
}
