import type { Encoder } from "./encoder.ts";
import { tag } from "./format.ts";
import { refuseProperties } from "./own-properties.ts";
import { mapStep, refusedAt } from "./refusal.ts";

/** Writes entries sorted by their bytes, so that the order in which they were added does not count. */
export function writeMap(encoder: Encoder, map: Map<unknown, unknown>): void {
  refuseProperties(map, "Map");
  encoder.head(tag.map, map.size);
  const starts: number[] = [];
  for (const [key, value] of map) {
    starts.push(encoder.position);
    try {
      encoder.value(key);
    } catch (error) {
      throw refusedAt(error, `.keys()[${starts.length - 1}]`);
    }
    try {
      encoder.value(value);
    } catch (error) {
      throw refusedAt(error, mapStep(key, starts.length - 1));
    }
  }
  sortSegments(encoder, starts);
}

/** Writes items sorted by their bytes. */
export function writeSet(encoder: Encoder, set: Set<unknown>): void {
  refuseProperties(set, "Set");
  encoder.head(tag.set, set.size);
  const starts: number[] = [];
  for (const item of set) {
    starts.push(encoder.position);
    try {
      encoder.value(item);
    } catch (error) {
      throw refusedAt(error, `.values()[${starts.length - 1}]`);
    }
  }
  sortSegments(encoder, starts);
}

/** Sorts what was written since the first of `starts`, a segment beginning at each of them. */
function sortSegments(encoder: Encoder, starts: readonly number[]): void {
  const [first] = starts;
  if (first === undefined || starts.length === 1) return;
  const end = encoder.position;
  const content = encoder.bytes.subarray(first, end);
  const ends = new Uint32Array(starts.length);
  for (let index = 0; index < ends.length; index++) ends[index] = (starts[index + 1] ?? end) - first;
  const startOf = (index: number) => (index === 0 ? 0 : (ends[index - 1] ?? 0));
  const compare = (left: number, right: number) =>
    compareRanges(content, startOf(left), ends[left] ?? 0, startOf(right), ends[right] ?? 0);
  const order = new Uint32Array(starts.length);
  let sorted = true;
  for (let index = 0; index < order.length; index++) {
    order[index] = index;
    if (sorted && index > 0 && compare(index - 1, index) > 0) sorted = false;
  }
  if (sorted) return;
  order.sort(compare);
  const copy = Uint8Array.prototype.slice.call(content);
  let position = 0;
  for (const index of order) {
    const segment = copy.subarray(startOf(index), ends[index]);
    content.set(segment, position);
    position += segment.length;
  }
}

/** Order of two ranges of bytes; a range that the other begins with comes first. */
export function compareRanges(
  bytes: Uint8Array,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
): number {
  const length = Math.min(end - start, otherEnd - otherStart);
  for (let index = 0; index < length; index++) {
    const difference = (bytes[start + index] ?? 0) - (bytes[otherStart + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return end - start - (otherEnd - otherStart);
}
