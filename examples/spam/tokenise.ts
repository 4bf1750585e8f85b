import { stemmer } from "stemmer";
import type { CleanMail, PreparedMail } from "./mail.ts";

/** What is told apart in a text, in order of precedence. Words of letters, with an apostrophe inside, come last. */
const pattern =
  /(?<link>(?:https?:\/\/|www\.)[^\s<>"]+)|(?<address>[\w.+-]+@[\w-]+\.[\w.-]+)|(?<money>[$£€]\s?\d[\d.,]*)|(?<percent>\d+(?:\.\d+)?\s?%)|(?<number>\d[\d.,:/-]*)|(?<shout>[!?]{2,})|(?<sign>[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])|(?<word>\p{L}+(?:['’]\p{L}+)?)/gu;

const longestWord = 24;
const longestLetters = 4000;

/**
 * Splits a mail into tokens: stems of words in lower case, and kinds of things in place of things that are hardly ever
 * the same twice (`#link`, `#money`, `#number`). Tokens of the subject start with `subject:`, because the same word means
 * another thing there.
 */
export function tokenise(mail: CleanMail): PreparedMail {
  const tokens = [...tokensOf(mail.subject).map((token) => `subject:${token}`), ...tokensOf(mail.text)];
  return {
    id: mail.id,
    spam: mail.spam,
    subject: mail.subject,
    tokens: tokens.join(" "),
    marks: mail.marks.join(" "),
    letters: lettersOf(`${mail.subject}\n${mail.text}`),
  };
}

/** The beginning of a text in small letters, with one space between words and every digit as 0. */
function lettersOf(text: string): string {
  return text.slice(0, longestLetters).toLowerCase().replace(/\s+/g, " ").replace(/\d/g, "0");
}

/** The tokens of a text, in order. */
export function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (const { groups = {} } of text.matchAll(pattern)) {
    if (groups["word"] !== undefined) {
      addWord(groups["word"], tokens);
    } else if (groups["sign"] !== undefined) {
      tokens.push(groups["sign"]);
    } else if (groups["link"] !== undefined) {
      tokens.push("#link", ...linkTokens(groups["link"]));
    } else {
      const kind = Object.keys(groups).find((name) => groups[name] !== undefined);
      if (kind !== undefined) tokens.push(`#${kind}`);
    }
  }
  return tokens;
}

function addWord(word: string, tokens: string[]): void {
  if (word.length > longestWord) {
    tokens.push("#long");
    return;
  }
  if (word.length > 3 && word === word.toUpperCase() && word !== word.toLowerCase()) tokens.push("#capitals");
  const lower = word.toLowerCase().replaceAll("’", "'");
  if (lower.length > 1) tokens.push(stem(lower));
}

/** Links to a bare number, with a port or a long query say more about the sender than the words around them. */
function linkTokens(link: string): string[] {
  const tokens: string[] = [];
  if (/^https?:\/\/\d+\.\d+\.\d+\.\d+/.test(link)) tokens.push("#link-to-number");
  if (/[?&]\w+=/.test(link)) tokens.push("#link-with-query");
  if (/\.(?:gif|jpe?g|png)$/i.test(link)) tokens.push("#link-to-image");
  return tokens;
}

// Few words make most of a text, and stemming one costs more than looking it up.
const stems = new Map<string, string>();

function stem(word: string): string {
  let result = stems.get(word);
  if (result === undefined) {
    result = stemmer(word);
    stems.set(word, result);
  }
  return result;
}
