import type { PreparedMail } from "./mail.ts";

/** A mail that the filter judged wrongly. */
export interface Mistake {
  readonly id: string;
  readonly subject: string;
  /** How likely the filter held it to be spam. */
  readonly probability: number;
}

/** The worst mistakes of each kind, worst first. */
export interface Mistakes {
  /** Good mail that was called spam. */
  readonly goodLost: readonly Mistake[];
  /** Spam that came through. */
  readonly spamMissed: readonly Mistake[];
}

/**
 * Finds the mails that were judged wrongly with the most conviction.
 *
 * @param limit mail of a higher probability is called spam.
 * @param most how many of each kind. Default: 5.
 */
export function worstMistakes(
  mails: readonly PreparedMail[],
  probabilities: Float64Array,
  limit: number,
  most = 5,
): Mistakes {
  const judged = mails.map(({ id, spam, subject }, row) => ({
    spam,
    mistake: { id, subject, probability: probabilities[row] ?? 0 },
  }));
  judged.sort((a, b) => b.mistake.probability - a.mistake.probability);
  const goodLost = judged.filter(({ spam, mistake }) => !spam && mistake.probability > limit);
  const spamMissed = judged.filter(({ spam, mistake }) => spam && mistake.probability <= limit).reverse();
  return {
    goodLost: goodLost.slice(0, most).map(({ mistake }) => mistake),
    spamMissed: spamMissed.slice(0, most).map(({ mistake }) => mistake),
  };
}
