import type { ClassDefinition, ClassOf } from "./type-registry.ts";

class OrderedMap<K, V> extends Map<K, V> {}
class OrderedSet<T> extends Set<T> {}

/**
 * The same entries in a Map or Set whose insertion order counts: it is part of the key, stored and restored. Without it
 * two Maps or Sets with equal entries are equal in whatever order they were filled, and are restored in an order of the
 * encoding. The result is a copy; it stays ordered when it is restored.
 *
 * @example
 * ```ts
 * encode(ordered(new Map([["b", 1], ["a", 2]]))); // not what the same entries with "a" first give
 * ```
 */
export function ordered<K, V>(map: Map<K, V>): Map<K, V>;
export function ordered<T>(set: Set<T>): Set<T>;
export function ordered(collection: Map<unknown, unknown> | Set<unknown>): Map<unknown, unknown> | Set<unknown> {
  return collection instanceof Map ? new OrderedMap(collection) : new OrderedSet(collection);
}

/** Registered in every registry. */
export const orderedTypes: readonly (readonly [ClassOf<unknown>, ClassDefinition<unknown>])[] = [
  [
    OrderedMap,
    {
      name: "reprise/OrderedMap",
      // Keys and values in turn: a list of pairs would cost a container for each entry.
      encode: (map: OrderedMap<unknown, unknown>) => [...map].flat(1),
      decode: (parts: unknown) => whole(new OrderedMap(pairs(parts as unknown[])), (parts as unknown[]).length / 2),
      summary: (map: OrderedMap<unknown, unknown>) => new Map(map),
    },
  ],
  [
    OrderedSet,
    {
      name: "reprise/OrderedSet",
      encode: (set: OrderedSet<unknown>) => [...set],
      decode: (parts: unknown) => whole(new OrderedSet(parts as unknown[]), (parts as unknown[]).length),
      summary: (set: OrderedSet<unknown>) => new Set(set),
    },
  ],
];

function* pairs(parts: readonly unknown[]): Generator<[unknown, unknown]> {
  for (let index = 0; index + 1 < parts.length; index += 2) yield [parts[index], parts[index + 1]];
}

function whole<T extends { readonly size: number }>(collection: T, size: number): T {
  if (collection.size === size) return collection;
  throw new Error(`${collection.size} different entries among ${size}`);
}
