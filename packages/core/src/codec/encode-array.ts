import type { Encoder } from "./encoder.ts";
import { tag } from "./format.ts";
import { writeRegistered } from "./encode-registered.ts";
import { Refusal, refusedAt } from "./refusal.ts";
import { refuseUnknown } from "./refuse-unknown.ts";

/** Listing the keys of an array costs as much as encoding it, so that only short ones are searched for named ones. */
const maxSearched = 16;

/** Properties that the language itself puts on arrays: of matches, of template strings, of `matchAll`. */
const knownNames = ["index", "input", "groups", "indices", "raw"] as const;

export function writeArray(encoder: Encoder, array: readonly unknown[], prototype: object | null): void {
  if (prototype !== Array.prototype && !isArrayPrototype(prototype)) {
    if (!writeRegistered(encoder, array, prototype)) refuseUnknown(array);
    return;
  }
  const { length } = array;
  refuseNames(array);
  if (length > 0 && typeof array[0] === "number" && encoder.numbers(array)) return;
  // Holes are looked for first: starting over when one turns up would double the work at each level of nesting.
  if (hasHole(array)) {
    writeSparse(encoder, array);
    return;
  }
  encoder.head(tag.array, length);
  let index = 0;
  try {
    for (; index < length; index++) encoder.value(array[index]);
  } catch (error) {
    throw refusedAt(error, `[${index}]`);
  }
}

function hasHole(array: readonly unknown[]): boolean {
  const { length } = array;
  for (let index = 0; index < length; index++) {
    if (array[index] === undefined && !Object.hasOwn(array, index)) return true;
  }
  return false;
}

/** The prototype of arrays that another realm made is an array as well. */
function isArrayPrototype(prototype: object | null): boolean {
  return Array.isArray(prototype) && Object.getPrototypeOf(Object.getPrototypeOf(prototype)) === null;
}

function refuseNames(array: readonly unknown[]): void {
  const named = array as unknown as Record<string, unknown>;
  if (array.length > maxSearched) {
    for (const name of knownNames) if (named[name] !== undefined) refuseName(array, name);
    return;
  }
  const keys = Object.keys(array);
  // Named properties are listed after all indices.
  const last = keys.at(-1);
  if (last !== undefined && !isIndex(last)) refuseName(array, last);
}

function refuseName(array: readonly unknown[], name: string): void {
  if (!Object.prototype.propertyIsEnumerable.call(array, name)) return;
  throw new Refusal(
    `an array with the property ${JSON.stringify(name)} besides its elements; use an object, or [...array]`,
  );
}

function isIndex(key: string): boolean {
  const index = Number(key);
  return index >>> 0 === index && index !== 0xffffffff && String(index) === key;
}

/** Runs of elements between runs of holes. The array may be far longer than what it holds. */
function writeSparse(encoder: Encoder, array: readonly unknown[]): void {
  const runs: { readonly start: number; end: number }[] = [];
  for (const key of Object.keys(array)) {
    if (!isIndex(key)) refuseName(array, key);
    const index = Number(key);
    const run = runs.at(-1);
    if (run?.end === index) run.end++;
    else runs.push({ start: index, end: index + 1 });
  }
  encoder.head(tag.sparse, array.length);
  encoder.varint(runs.length);
  let position = 0;
  for (const { start, end } of runs) {
    encoder.varint(start - position);
    encoder.varint(end - start);
    for (let index = start; index < end; index++) writeElement(encoder, array, index);
    position = end;
  }
}

function writeElement(encoder: Encoder, array: readonly unknown[], index: number): void {
  try {
    encoder.value(array[index]);
  } catch (error) {
    throw refusedAt(error, `[${index}]`);
  }
}
