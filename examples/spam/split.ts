import { seededShuffle } from "./seeded-random.ts";

/** Which mails are for learning, for choosing among what was learnt, and for judging the choice: their places in the list. */
export interface Split {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/** How to split. */
export interface SplitOptions {
  /** Part of the mails for choosing, from 0 to 1. */
  readonly validation: number;
  /** Part of the mails for judging, from 0 to 1. */
  readonly test: number;
  /** The same seed gives the same split. */
  readonly seed: number;
}

/**
 * Splits at random, with the same share of spam in every part, and never a group between two parts: near-duplicates in
 * training and test would make the test easy.
 *
 * @throws RangeError if no mail would be left for training.
 */
export function splitMails(
  mails: readonly { readonly spam: boolean; readonly group: string }[],
  options: SplitOptions,
): Split {
  if (options.validation + options.test >= 1) {
    throw new RangeError(`validation ${options.validation} and test ${options.test} leave nothing to train on`);
  }
  const shuffle = seededShuffle(options.seed);
  const parts = { train: [] as number[], validation: [] as number[], test: [] as number[] };
  const groups = Map.groupBy(mails.keys(), (place) => mails[place]?.group);
  // A group may hold both kinds; it goes with its first mail.
  const kinds = Map.groupBy(groups.values(), ([first = 0]) => mails[first]?.spam);
  for (const spam of [false, true]) {
    const ofKind = kinds.get(spam) ?? [];
    const total = ofKind.reduce((sum, group) => sum + group.length, 0);
    let placed = 0;
    for (const group of shuffle(ofKind)) {
      const middle = (placed + group.length / 2) / total;
      const part = middle < options.test ? "test" : middle < options.test + options.validation ? "validation" : "train";
      parts[part].push(...group);
      placed += group.length;
    }
  }
  return {
    train: Uint32Array.from(shuffle(parts.train)),
    validation: Uint32Array.from(shuffle(parts.validation)),
    test: Uint32Array.from(shuffle(parts.test)),
  };
}
