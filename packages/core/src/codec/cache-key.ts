/**
 * Name of the method that gives the value by which an instance takes part in cache keys, as hash and equals do for
 * Union's actor cache: two instances of one registered class with equal `[cacheKey]()` are the same to the cache.
 * Artifacts are not affected. Own symbol properties of plain objects are not looked at.
 *
 * @example
 * ```ts
 * class Model {
 *   constructor(readonly path: string, readonly session: Session) {}
 *   [cacheKey]() {
 *     return this.path;
 *   }
 * }
 * registerClass(Model, { name: "acme/Model" });
 * ```
 */
export const cacheKey: unique symbol = Symbol.for("reprise.cacheKey") as never;

/** What `[cacheKey]` of an instance is, if it has that method. */
export function cacheKeyMethod(value: object): (() => unknown) | undefined {
  const method = (value as { [cacheKey]?: unknown })[cacheKey];
  return typeof method === "function" ? (method as () => unknown) : undefined;
}
