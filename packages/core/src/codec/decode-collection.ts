import type { Decoder } from "./decoder.ts";
import { compareRanges } from "./encode-collection.ts";

export function readNumbers(decoder: Decoder): number[] {
  const count = decoder.count(8);
  if (count === 0) decoder.fail("no numbers in an array of numbers");
  const numbers: number[] = [];
  for (let index = 0; index < count; index++) numbers.push(decoder.float());
  return numbers;
}

export function readMap(decoder: Decoder): Map<unknown, unknown> {
  const count = decoder.count(2);
  const map = new Map<unknown, unknown>();
  let previous = decoder.position;
  for (let index = 0; index < count; index++) {
    const start = decoder.position;
    const key = decoder.value();
    if (Object.is(key, -0)) decoder.fail("a Map with the key −0");
    map.set(key, decoder.value());
    checkOrder(decoder, previous, start);
    previous = start;
  }
  if (map.size !== count) decoder.fail("a key that is twice in a Map");
  return map;
}

export function readSet(decoder: Decoder): Set<unknown> {
  const count = decoder.count(1);
  const set = new Set<unknown>();
  let previous = decoder.position;
  for (let index = 0; index < count; index++) {
    const start = decoder.position;
    const item = decoder.value();
    if (Object.is(item, -0)) decoder.fail("a Set with the item −0");
    set.add(item);
    checkOrder(decoder, previous, start);
    previous = start;
  }
  if (set.size !== count) decoder.fail("an item that is twice in a Set");
  return set;
}

/** The segment from `start` to where the decoder is must not come before the one from `previous` to `start`. */
function checkOrder(decoder: Decoder, previous: number, start: number): void {
  if (previous === start) return;
  if (compareRanges(decoder.bytes, previous, start, start, decoder.position) > 0) {
    decoder.fail("entries that are not sorted");
  }
}

/** Arrays from this length on are made in the form that takes memory only for what they hold. */
const denseLength = 1_024;

export function readSparse(decoder: Decoder): unknown[] {
  const length = decoder.varint();
  if (length === 0 || length > 0xffffffff) decoder.fail("an array of impossible length");
  const array = holes(length);
  const runs = decoder.count(3);
  let position = 0;
  let present = 0;
  for (let run = 0; run < runs; run++) {
    const gap = decoder.varint();
    const count = decoder.count(1);
    if (count === 0 || (gap === 0 && run > 0)) decoder.fail("an empty run in an array");
    position += gap;
    if (position + count > length) decoder.fail("an array that is longer than its length");
    for (let index = 0; index < count; index++) array[position + index] = decoder.value();
    position += count;
    present += count;
  }
  if (present === length) decoder.fail("an array without holes in the form of one with holes");
  return array;
}

function holes(length: number): unknown[] {
  const array: unknown[] = [];
  if (length > denseLength) {
    // An element far from the others makes V8 keep a dictionary; setting the length alone would allocate all of it.
    array[length - 1] = undefined;
    Reflect.deleteProperty(array, String(length - 1));
  }
  array.length = length;
  return array;
}
