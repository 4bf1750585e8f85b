import { ByteWriter } from "./byte-writer.ts";

/** The keys of an object in the order of the encoding, ready to be copied. */
export interface Shape {
  /** Keys as `Object.keys` lists them. */
  readonly keys: readonly string[];
  readonly sorted: readonly string[];
  /** Place in `keys` of each key in `sorted`; null if they are the same order. */
  readonly order: Int32Array | null;
  /** The string node of each key in `sorted`. */
  readonly nodes: readonly Uint8Array[];
}

const slots = 2_048;
const maxCachedKeys = 48;
const maxCachedKeyLength = 64;

/**
 * Records of one kind have the same keys, so sorting and encoding them once is most of the work of encoding objects. The
 * cache is direct-mapped: bounded, without bookkeeping, and a collision only costs time.
 */
const cache: (Shape | undefined)[] = Array.from({ length: slots });

/** The shape of an object whose keys are the first `count` of `keys`. */
export function shapeOf(keys: readonly string[], count: number): Shape {
  if (count > maxCachedKeys) return makeShape(keys.slice(0, count));
  const slot = slotOf(keys, count);
  const cached = cache[slot];
  if (cached !== undefined && cached.keys.length === count && sameKeys(cached.keys, keys)) return cached;
  const shape = makeShape(keys.slice(0, count));
  if (shape.keys.every((key) => key.length <= maxCachedKeyLength)) cache[slot] = shape;
  return shape;
}

function slotOf(keys: readonly string[], count: number): number {
  let mix = count;
  for (let index = 0; index < count; index++) {
    const key = keys[index] ?? "";
    mix = (Math.imul(mix, 31) + key.length) | 0;
  }
  mix = Math.imul(mix, 31) + (keys[0] ?? "").charCodeAt(0);
  mix = Math.imul(mix, 31) + (keys[count - 1] ?? "").charCodeAt(0);
  return (mix ^ (mix >>> 11)) & (slots - 1);
}

/** Whether `keys` begin with `prefix`. */
function sameKeys(prefix: readonly string[], keys: readonly string[]): boolean {
  for (let index = 0; index < prefix.length; index++) if (prefix[index] !== keys[index]) return false;
  return true;
}

const keyWriter = new ByteWriter();

function makeShape(keys: readonly string[]): Shape {
  // The default order of sort() is that of UTF-16 units, the same in every locale.
  const sorted = keys.toSorted();
  let order: Int32Array | null = null;
  if (!sameKeys(sorted, keys)) {
    const places = new Map(keys.map((key, place) => [key, place]));
    order = Int32Array.from(sorted, (key) => places.get(key) ?? 0);
  }
  const nodes = sorted.map((key) => {
    keyWriter.position = 0;
    keyWriter.string(key);
    return Uint8Array.prototype.slice.call(keyWriter.bytes, 0, keyWriter.position);
  });
  return { keys, sorted, order, nodes };
}
