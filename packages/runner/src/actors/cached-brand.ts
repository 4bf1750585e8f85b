/** Symbol under which a cached function carries its table; the same in every copy of the library. */
export const cachedBrand = Symbol.for("reprise.cached");

/** How a cached function is called in errors; undefined for anything else. */
export function labelOfCached(value: unknown): string | undefined {
  if (typeof value !== "function") return undefined;
  return (value as { [cachedBrand]?: { readonly label: string } })[cachedBrand]?.label;
}
