import type { PreparedMail } from "./mail.ts";

/** A mail, and which mails are nearly the same. */
export interface GroupedMail extends PreparedMail {
  /** Equal for near-duplicates: the id of the first of them. */
  readonly group: string;
}

/** How many words make one shingle: enough that two mails share one only if they share a phrase. */
const shingleLength = 4;
/** How many shingles stand for a mail. More tell more exactly how alike two mails are. */
const sketchSize = 64;
/** How many of those two mails are looked up by. Alike mails share at least one of them almost surely. */
const lookupSize = 12;

/**
 * Groups mails that are nearly the same: the same advertisement with another name or number in it, an answer that only
 * quotes. If one of them were used for training and another for the test, the test would only ask for what was learnt by
 * heart.
 *
 * Each mail is represented by the smallest hashes of its four-word phrases ("bottom-k sketch"); the share of hashes that
 * two sketches have in common estimates how much of their text is the same.
 *
 * @param likeness from 0 to 1: how much of their phrases two mails must share to be called near-duplicates.
 * @returns for each mail, the index of the first mail of its group.
 */
export function groupNearDuplicates(mails: readonly PreparedMail[], likeness = 0.6): Uint32Array {
  const groups = Uint32Array.from(mails, (_, index) => index);
  const sketches = mails.map((mail) => sketch(mail.tokens));
  const known = new Map<number, number[]>();
  for (const [index, own] of sketches.entries()) {
    const compared = new Set<number>();
    for (const hash of own.subarray(0, lookupSize)) {
      const others = known.get(hash);
      if (others === undefined) {
        known.set(hash, [index]);
        continue;
      }
      for (const other of others) {
        if (compared.has(other)) continue;
        compared.add(other);
        if (similarity(own, sketches[other] ?? own) >= likeness) join(groups, index, other);
      }
      others.push(index);
    }
  }
  return groups.map((_, index) => firstOf(groups, index));
}

/**
 * Leaves out mails whose subject aside everything is the same, and marks those that are nearly the same.
 *
 * A copy would count several times in the training and in the test, and teach nothing.
 */
export function removeDuplicates(mails: readonly PreparedMail[]): GroupedMail[] {
  const groups = groupNearDuplicates(mails);
  const known = new Set<string>();
  return mails.flatMap((mail, index) => {
    const text = contentOf(mail.tokens).join(" ");
    if (known.has(text)) return [];
    known.add(text);
    return [{ ...mail, group: mails[groups[index] ?? index]?.id ?? mail.id }];
  });
}

/** The words that tell mails apart. */
function contentOf(tokens: string): string[] {
  const all = tokens.split(" ");
  // What differs between copies of an advertisement is mostly numbers, links and its subject.
  const body = all.filter((token) => !/^(?:#|subject:)/.test(token));
  // Two mails that hold nothing but a picture are not the same mail.
  return body.length < 2 * shingleLength ? all : body;
}

/** The smallest hashes of a text's phrases, in order, each once. Texts shorter than a phrase count as one phrase. */
function sketch(tokens: string): Uint32Array {
  const words = contentOf(tokens);
  const hashes = new Set<number>();
  for (let start = 0; start <= Math.max(0, words.length - shingleLength); start++) {
    hashes.add(hash(words, start, Math.min(words.length, start + shingleLength)));
  }
  return Uint32Array.from(hashes).sort().slice(0, sketchSize);
}

/** FNV-1a over the words' characters, mixed at the end so that small hashes are spread evenly. */
function hash(words: readonly string[], start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let index = start; index < end; index++) {
    const word = words[index] ?? "";
    for (let at = 0; at < word.length; at++) value = Math.imul(value ^ word.charCodeAt(at), 0x01000193);
    value = Math.imul(value ^ 32, 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}

/** Share of the smallest hashes of both texts together that are in both. */
function similarity(left: Uint32Array, right: Uint32Array): number {
  let common = 0;
  let total = 0;
  let atLeft = 0;
  let atRight = 0;
  while (total < sketchSize && (atLeft < left.length || atRight < right.length)) {
    const a = left[atLeft] ?? Number.POSITIVE_INFINITY;
    const b = right[atRight] ?? Number.POSITIVE_INFINITY;
    if (a === b) common++;
    if (a <= b) atLeft++;
    if (b <= a) atRight++;
    total++;
  }
  return common / total;
}

function firstOf(groups: Uint32Array, index: number): number {
  let root = index;
  for (let next = groups[root] ?? root; next !== root; next = groups[root] ?? root) root = next;
  return root;
}

function join(groups: Uint32Array, index: number, other: number): void {
  const first = firstOf(groups, index);
  const second = firstOf(groups, other);
  groups[Math.max(first, second)] = Math.min(first, second);
}
