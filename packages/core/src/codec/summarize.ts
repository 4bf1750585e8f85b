import { Buffer } from "node:buffer";
import { defaultRegistry, type TypeRegistry } from "./type-registry.ts";
import { Summarizer } from "./summarizer.ts";

/**
 * A value as JSON for the eyes. Strings, finite numbers, booleans, null, arrays and objects stand for themselves, as long
 * as they are complete; everything else is an object whose `$` says what it is, see {@link SummaryNode}.
 */
export type Summary = null | boolean | number | string | Summary[] | { readonly [key: string]: Summary } | SummaryNode;

/** A part of a summary that JSON has no form for, or that is cut. */
export interface SummaryNode {
  /**
   * - `number`, `bigint`, `undefined`, `Date`, `RegExp`, `URL`, `Error`: with `text`
   * - `string`, `array`, `object`, `Map`, `Set`, a typed array, `Buffer`, `ArrayBuffer`: with its true `length` and its
   *   first `text`, `items` or `entries`
   * - `hole`: a missing element of an array
   * - `type`: a value of a registered type, with `name`, `render` if it has a renderer, and `value`
   * - `blob`: with `digest` and `length`
   * - `more`: something that is left out for lack of space or depth, with its type as `text`
   */
  readonly $: string;
  readonly text?: string;
  readonly length?: number;
  readonly items?: readonly Summary[];
  readonly entries?: readonly (readonly [Summary, Summary])[];
  readonly name?: string;
  readonly render?: string;
  readonly value?: Summary;
  readonly digest?: string;
}

/** Options of {@link summarize}. */
export interface SummaryOptions {
  /** Bytes of JSON that the summary may have. Default and maximum: 131,072 (128 KiB); at least 1,024. */
  readonly maxBytes?: number;
  /** Elements or properties shown of each container. Default: 200. */
  readonly maxItems?: number;
  /** Containers shown within containers. Default: 12. */
  readonly maxDepth?: number;
  /** The types known besides the built-in ones. Default: those of `registerType` and `registerClass`. */
  readonly registry?: TypeRegistry;
}

const maxBytes = 128 * 1024;

/**
 * A summary of a value for the dashboard and the terminal: JSON of at most 128 KiB. What is cut tells its true length and
 * keeps at least its first element. Never throws: what cannot be read is shown as such.
 *
 * @example
 * ```ts
 * summarize({ loss: Number.NaN, tags: new Set(["a"]) });
 * // { loss: { $: "number", text: "NaN" }, tags: { $: "Set", length: 1, items: ["a"] } }
 * ```
 */
export function summarize(value: unknown, options: SummaryOptions = {}): Summary {
  const limit = Math.max(1_024, Math.min(maxBytes, options.maxBytes ?? maxBytes));
  const summarizer = new Summarizer(
    options.registry ?? defaultRegistry,
    options.maxItems ?? 200,
    options.maxDepth ?? 12,
  );
  // The space is an estimate while the summary is made, so what comes out is measured.
  for (let space = limit; ; space = Math.floor(space * 0.75)) {
    const summary = summarizer.summarize(value, space);
    if (space < 64 || Buffer.byteLength(JSON.stringify(summary)) <= limit) return summary;
  }
}
