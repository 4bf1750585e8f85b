import { forEachPiece, pieceColumns } from "./letter-pieces.ts";
import type { PreparedMail } from "./mail.ts";

/** What a model looks at, and how much each of it says. Its columns: first tokens, then marks, then pieces of letters. */
export interface Vocabulary {
  /** Tokens and pairs of tokens, most frequent first, with one space between two. */
  readonly tokens: string;
  /** Marks, likewise. */
  readonly marks: string;
  /** Weight of each column: what is rare says more (inverse document frequency). */
  readonly weights: Float64Array;
}

/** Tokens in fewer mails than this are typing errors and names. */
const rarest = 3;

/**
 * Learns what to look at. Give it training mail only: what is frequent in the test mail must not be known.
 *
 * @param size how many tokens and pairs of tokens to keep, the most frequent ones.
 */
export function learnVocabulary(mails: readonly PreparedMail[], size: number): Vocabulary {
  const tokens = mostFrequent(mails.map(tokensAndPairs), size);
  const marks = mostFrequent(
    mails.map((mail) => mail.marks.split(" ")),
    size,
  );
  const counts = [...tokens.values(), ...marks.values(), ...pieceFrequency(mails)];
  return {
    tokens: [...tokens.keys()].join(" "),
    marks: [...marks.keys()].join(" "),
    weights: Float64Array.from(counts, (count) => Math.log((1 + mails.length) / (1 + count)) + 1),
  };
}

/** A mail's tokens and pairs of neighbours: "click here" says more than both words do. */
export function tokensAndPairs(mail: PreparedMail): string[] {
  const tokens = mail.tokens.split(" ");
  const pairs = tokens.slice(1).map((token, index) => `${tokens[index] ?? ""}_${token}`);
  return tokens.concat(pairs);
}

/** In how many of the lists each word is, for the `size` most frequent words. */
function mostFrequent(lists: readonly (readonly string[])[], size: number): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const list of lists) {
    for (const word of new Set(list)) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  }
  const kept = [...frequency].filter(([, count]) => count >= rarest);
  // By the word where frequencies are equal, so that the order of the mails does not count.
  kept.sort(([left, a], [right, b]) => b - a || (left < right ? -1 : 1));
  return new Map(kept.slice(0, size));
}

/** In how many mails each piece of letters is. */
function pieceFrequency(mails: readonly PreparedMail[]): Uint32Array {
  const frequency = new Uint32Array(pieceColumns);
  const lastMail = new Int32Array(pieceColumns).fill(-1);
  for (const [index, mail] of mails.entries()) {
    forEachPiece(mail.letters, (piece) => {
      if (lastMail[piece] === index) return;
      lastMail[piece] = index;
      frequency[piece] = (frequency[piece] as number) + 1;
    });
  }
  return frequency;
}
