import { Tiktoken } from "js-tiktoken/lite";
import ranks from "js-tiktoken/ranks/cl100k_base";

/** Splits texts into the pieces that a vocabulary of 100,000 knows: whole words where they are common, parts where not. */
export interface Tokenizer {
  /** The numbers of the pieces of a text, in order. Case, punctuation and markup do not count. */
  tokens(text: string): number[];
}

/** Makes the tokenizer of GPT-4. It takes a quarter of a second and 60 MB: its merges are packed in one long text. */
export function loadTokenizer(): Tokenizer {
  const encoding = new Tiktoken(ranks);
  return {
    tokens: (text) => {
      const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
      // A word is one piece more often with the space before it.
      return words.flatMap((word) => encoding.encode(` ${word}`));
    },
  };
}
