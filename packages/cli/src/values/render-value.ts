import { inspect } from "node:util";
import { summarize } from "@reprise/core";
import type { Paint } from "../terminal/paint.ts";
import { tameLine, textWidth } from "../terminal/text-width.ts";
import { tableLines, tableOf } from "./table.ts";
import { typedValue } from "./typed-value.ts";

/** How to render a value. */
export interface RenderOptions {
  /** Columns. Default: 100. */
  readonly width?: number;
  readonly colored: boolean;
  readonly paint: Paint;
  /** Lines at most; the rest is told as a count. Default: 120. */
  readonly maxLines?: number;
}

const maxRows = 40;
const maxDepth = 6;

/**
 * Lines that show a value to people: small values whole, objects field by field, arrays of flat objects as aligned tables,
 * charts by name, the rest as Node inspects it. Bounded, whatever the value.
 */
export function renderValue(value: unknown, options: RenderOptions): string[] {
  const width = options.width ?? 100;
  const maxLines = options.maxLines ?? 120;
  const lines = new ValuePen(width, options).block(value, 0);
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines), options.paint("dim", `… ${lines.length - maxLines} more lines`)];
}

class ValuePen {
  readonly #width: number;
  readonly #options: RenderOptions;

  constructor(width: number, options: RenderOptions) {
    this.#width = width;
    this.#options = options;
  }

  block(value: unknown, depth: number): string[] {
    if (typeof value === "string") return this.#text(value);
    const typed = isOwnType(value) ? typedValue(value) : undefined;
    if (typed !== undefined) return depth > 0 ? [typed.line] : [typed.line, ...typed.more.map((line) => `  ${line}`)];
    const inline = this.#inline(value, this.#width - 2 * depth);
    if (inline !== undefined) return [inline];
    if (Array.isArray(value)) return this.#array(value, depth);
    if (isPlain(value) && depth < maxDepth) return this.#fields(value, depth);
    return this.#inspected(value, depth);
  }

  #text(text: string): string[] {
    return text.split("\n").map((line) => tameLine(line, false));
  }

  #array(value: readonly unknown[], depth: number): string[] {
    const { paint } = this.#options;
    const table = tableOf(value, maxRows);
    if (table !== undefined) {
      const rest = value.length - table.rows.length;
      const more = rest === 0 ? [] : [paint("dim", `… ${rest.toLocaleString("en-US")} more rows`)];
      return [...tableLines(table, this.#width - 2 * depth, paint), ...more];
    }
    if (value.length <= 20 && value.some((item) => isPlain(item) || isOwnType(item)) && depth < maxDepth) {
      return value.flatMap((item) => bullet(this.block(item, depth + 1)));
    }
    return this.#inspected(value, depth);
  }

  #fields(value: Readonly<Record<string, unknown>>, depth: number): string[] {
    const { paint } = this.#options;
    const entries = Object.entries(value);
    const inline = entries.map(([key, part]) => this.#inline(part, this.#width - 2 * depth - key.length - 2));
    const nameWidth = Math.min(
      24,
      Math.max(...entries.map(([key], at) => (inline[at] === undefined ? 0 : textWidth(key)))),
    );
    return entries.slice(0, 100).flatMap(([key, part], at) => {
      const name = tameLine(key, false);
      const short = inline[at];
      if (short !== undefined)
        return [`${paint("bold", name)}${" ".repeat(Math.max(0, nameWidth - textWidth(name)))}  ${short}`];
      return [paint("bold", name)].concat(this.block(part, depth + 1).map((line) => `  ${line}`));
    });
  }

  /** The value on one line, if it is simple or small enough. */
  #inline(value: unknown, width: number): string | undefined {
    if (typeof value === "string")
      return value.includes("\n") || textWidth(value) > width ? undefined : tameLine(value, false);
    const chart = chartName(value);
    if (chart !== undefined) return chart;
    const typed = isOwnType(value) ? typedValue(value) : undefined;
    if (typed !== undefined) return typed.line;
    if (typeof value === "object" && value !== null && !isSmall(value)) return undefined;
    const text = this.#inspect(value, Number.POSITIVE_INFINITY);
    return text.includes("\n") || textWidth(text) > width ? undefined : text;
  }

  #inspected(value: unknown, depth: number): string[] {
    return this.#inspect(value, this.#width - 2 * depth).split("\n");
  }

  #inspect(value: unknown, breakLength: number): string {
    const { colored } = this.#options;
    // A class may say itself how it is inspected.
    const known = typeof value !== "object" || value === null || isBuiltIn(value) || inspect.custom in value;
    const shown: unknown = known ? value : { [value.constructor.name]: summarize(value) };
    return inspect(shown, { colors: colored, depth: 4, maxArrayLength: 20, maxStringLength: 400, breakLength });
  }
}

/** The name of a Vega-Lite or Vega chart, which nobody wants to read as data. */
function chartName(value: unknown): string | undefined {
  if (!isPlain(value) || typeof value["$schema"] !== "string") return undefined;
  const kind = /\/schema\/(vega(?:-lite)?)\//.exec(value["$schema"])?.[1];
  if (kind === undefined) return undefined;
  const title = value["title"];
  const text = typeof title === "string" ? title : isPlain(title) ? String(title["text"]) : "";
  return `${kind === "vega" ? "Vega" : "Vega-Lite"} chart${text === "" ? "" : `: ${tameLine(text, false)}`}`;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** Whether it is worth trying to put the value on one line. */
function isSmall(value: object): boolean {
  if (Array.isArray(value))
    return value.length <= 8 && value.every((item) => typeof item !== "object" || item === null);
  if (!isPlain(value)) return true;
  const fields = Object.values(value);
  return fields.length <= 4 && fields.every((field) => typeof field !== "object" || field === null);
}

function isBuiltIn(value: object): boolean {
  if (Array.isArray(value) || isPlain(value) || ArrayBuffer.isView(value)) return true;
  return [Date, RegExp, URL, Error, Map, Set, ArrayBuffer].some((type) => value instanceof type);
}

/** Whether the value is of a class that was registered, ours or the user's. */
function isOwnType(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isBuiltIn(value);
}

function bullet(lines: readonly string[]): string[] {
  return lines.map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`));
}
