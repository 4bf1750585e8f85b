import type { Summarizer } from "./summarizer.ts";
import type { Summary, SummaryNode } from "./summarize.ts";
import { cut } from "./cut.ts";

/** Characters that an element costs besides its content: comma, quotes, brackets. */
const overhead = 12;
/** Below this an element is not worth showing, except the first. */
const leastSpace = 24;

/** Summary of an array, object, Map, Set or bytes. */
export function containerSummary(
  summarizer: Summarizer,
  value: object,
  type: string | undefined,
  space: number,
): Summary {
  if (Array.isArray(value)) return arraySummary(summarizer, value, space);
  if (value instanceof Map) return mapSummary(summarizer, value, space);
  if (value instanceof Set) {
    const items = shownItems(summarizer, value, value.size, space);
    return { $: "Set", length: value.size, items };
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return bytesSummary(summarizer, value, type ?? "ArrayBuffer", space);
  }
  if (type === "object") return objectSummary(summarizer, value, space);
  return { $: "more", text: cut(type ?? "object", 100) };
}

function arraySummary(summarizer: Summarizer, array: readonly unknown[], space: number): Summary {
  const items = shownItems(summarizer, elementsOf(array), array.length, space);
  return items.length === array.length ? items : { $: "array", length: array.length, items };
}

const hole = Symbol("hole");

/** Elements with holes told from undefined ones; taken one by one, since the array may be endless. */
function* elementsOf(array: readonly unknown[]): Generator {
  for (let index = 0; index < array.length; index++) {
    const element = array[index];
    yield element === undefined && !Object.hasOwn(array, index) ? hole : element;
  }
}

function shownItems(summarizer: Summarizer, elements: Iterable<unknown>, count: number, space: number): Summary[] {
  const items: Summary[] = [];
  const shares = new Shares(summarizer.maxItems, count, space);
  for (const element of elements) {
    const share = shares.next();
    if (share === undefined) break;
    const item: Summary = element === hole ? { $: "hole" } : summarizer.summarize(element, share);
    shares.spend(sizeOf(item));
    items.push(item);
  }
  return items;
}

function shownEntries(
  summarizer: Summarizer,
  entries: Iterable<readonly [unknown, unknown]>,
  count: number,
  space: number,
): [Summary, Summary][] {
  const shown: [Summary, Summary][] = [];
  const shares = new Shares(summarizer.maxItems, count, space);
  for (const [key, value] of entries) {
    const share = shares.next();
    if (share === undefined) break;
    const shownKey = summarizer.summarize(key, share / 2);
    const entry: [Summary, Summary] = [shownKey, summarizer.summarize(value, share - sizeOf(shownKey))];
    shares.spend(sizeOf(entry));
    shown.push(entry);
  }
  return shown;
}

function mapSummary(summarizer: Summarizer, map: ReadonlyMap<unknown, unknown>, space: number): SummaryNode {
  return { $: "Map", length: map.size, entries: shownEntries(summarizer, map, map.size, space) };
}

function objectSummary(summarizer: Summarizer, value: object, space: number): Summary {
  const keys = Object.keys(value);
  const entries = shownEntries(summarizer, propertiesOf(value, keys), keys.length, space);
  const complete = entries.length === keys.length && entries.every(([key]) => typeof key === "string");
  // A property called $ would look like a summary of something else.
  if (!complete || keys.includes("$")) return { $: "object", length: keys.length, entries };
  return Object.fromEntries(entries) as Summary;
}

function* propertiesOf(value: object, keys: readonly string[]): Generator<[string, unknown]> {
  for (const key of keys) yield [key, (value as Record<string, unknown>)[key]];
}

function bytesSummary(
  summarizer: Summarizer,
  value: ArrayBufferView | ArrayBufferLike,
  type: string,
  space: number,
): SummaryNode {
  const elements =
    ArrayBuffer.isView(value) && !(value instanceof DataView)
      ? (value as unknown as ArrayLike<number | bigint>)
      : new Uint8Array(ArrayBuffer.isView(value) ? value.buffer : value, ...rangeOf(value));
  const items = shownItems(
    summarizer,
    Array.prototype.slice.call(elements, 0, summarizer.maxItems),
    elements.length,
    space,
  );
  return { $: type, length: elements.length, items };
}

function rangeOf(value: ArrayBufferView | ArrayBufferLike): [] | [number, number] {
  return ArrayBuffer.isView(value) ? [value.byteOffset, value.byteLength] : [];
}

/** Shares space fairly among the elements that will be shown; what one does not need goes to those after it. */
class Shares {
  readonly #planned: number;
  #given = 0;
  #left: number;

  constructor(maxItems: number, count: number, space: number) {
    this.#planned = Math.min(count, maxItems, Math.max(1, Math.floor(space / leastSpace)));
    this.#left = space;
  }

  /** Space for the next element, or undefined if no more are shown. The first always is. */
  next(): number | undefined {
    if (this.#given === this.#planned || (this.#given > 0 && this.#left < leastSpace)) return undefined;
    const share = this.#left / (this.#planned - this.#given) - overhead;
    this.#given++;
    return Math.max(0, share);
  }

  spend(size: number): void {
    this.#left -= size + 1;
  }
}

/** Characters of a summary as JSON, roughly. */
function sizeOf(summary: unknown): number {
  if (typeof summary === "string") return summary.length + 2;
  if (typeof summary !== "object" || summary === null) return 8;
  let size = 2;
  if (Array.isArray(summary)) for (const item of summary) size += sizeOf(item) + 1;
  else for (const [key, value] of Object.entries(summary)) size += key.length + 4 + sizeOf(value);
  return size;
}
