/** The beginning of a text; at least sixteen units, and never half of a surrogate pair. */
export function cut(text: string, space: number): string {
  const length = Math.max(16, Math.floor(space));
  return text.length <= length ? text : text.slice(0, length).toWellFormed();
}
