import { diffValues } from "@reprise/core";
import type { Difference } from "./difference.ts";

/** A value that differs, by the digests of what was there and of what is there. */
export interface ChangedValue {
  readonly ingredient: "inputs" | "output";
  /** Of the argument; empty for an output. */
  readonly name: string;
  /** Digest, another word for what was there (`ignored`), or null where nothing was. */
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * Where two values differ, in words; digests where the values cannot be read, or where there are more places than `limit`.
 *
 * @param read the two values; undefined if they cannot be read.
 * @param options `equal`: what to say if the values turn out to be equal.
 */
export async function valueDifferences(
  changed: ChangedValue,
  read: () => Promise<readonly [before: unknown, after: unknown] | undefined>,
  { equal, limit }: { readonly equal: string; readonly limit: number },
): Promise<readonly Difference[]> {
  const known = await read();
  const places = known === undefined ? [] : diffValues(known[0], known[1], { limit: limit + 1 });
  const told = places.slice(0, limit).map(({ path, before, after }): Difference => {
    const label = valueLabel(changed, path);
    return {
      ingredient: changed.ingredient,
      name: label,
      text: `${[word(changed), label].filter(Boolean).join(" ")}: ${before} → ${after}`,
      before,
      after,
      diff: [],
    };
  });
  if (places.length > limit) told.push(digestDifference(changed, "more of it differs"));
  if (told.length > 0) return told;
  return [digestDifference(changed, known === undefined ? "" : equal)];
}

/** Whether a text is a digest, and no word for what was there. */
export function isDigest(value: string | null): value is string {
  return value !== null && /^[0-9a-f]{64}$/.test(value);
}

function digestDifference({ before, after, ...changed }: ChangedValue, note: string): Difference {
  const text = (value: string | null) => (value === null ? "missing" : isDigest(value) ? value.slice(0, 12) : value);
  const more = note === "" ? "" : `  (${note})`;
  const { ingredient, name } = changed;
  const label = [ingredient === "inputs" ? "input" : "output", name].filter(Boolean).join(" ");
  return { ingredient, name, text: `${label}: ${text(before)} → ${text(after)}${more}`, before, after, diff: [] };
}

function word({ ingredient }: ChangedValue): string {
  return ingredient === "inputs" ? "input" : "output";
}

/** `lr` rather than `input.lr` for a func whose one argument has no name of its own. */
function valueLabel({ ingredient, name }: ChangedValue, path: string): string {
  if (ingredient === "output") return path.startsWith(".") ? path.slice(1) : path;
  return name === "input" && path.startsWith(".") ? path.slice(1) : `${name}${path}`;
}
