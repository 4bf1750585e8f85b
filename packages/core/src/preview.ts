import { cut } from "./codec/cut.ts";
import { summarize, type Summary, type SummaryNode } from "./codec/summarize.ts";
import type { TypeRegistry } from "./codec/type-registry.ts";

/** Units of text that a preview has at most. */
const previewLength = 80;

/** A value on one line of at most 80 units, whatever the value. */
export function preview(value: unknown, registry: TypeRegistry): string {
  const text = lineOf(summarize(value, { registry, maxBytes: 1_024, maxItems: 8, maxDepth: 4 }));
  return text.length <= previewLength ? text : `${cut(text, previewLength - 1)}…`;
}

function lineOf(summary: Summary): string {
  if (typeof summary === "string") return JSON.stringify(summary);
  if (typeof summary !== "object" || summary === null) return String(summary);
  if (Array.isArray(summary)) return `[${summary.map(lineOf).join(", ")}]`;
  if (isNode(summary)) return nodeLine(summary);
  const fields = Object.entries(summary).map(([key, value]) => `${keyText(key)}: ${lineOf(value)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

/** An object that has a property `$` of its own is not summarized as a plain object. */
function isNode(summary: object): summary is SummaryNode {
  return typeof (summary as { $?: unknown }).$ === "string";
}

function nodeLine(node: SummaryNode): string {
  const { $: kind, text = "", length, items, entries, name, value, digest = "" } = node;
  switch (kind) {
    case "undefined":
      return "undefined";
    case "hole":
      return "<hole>";
    case "number":
    case "RegExp":
      return oneLine(text);
    case "bigint":
      return `${text}${length === undefined ? "n" : "…"}`;
    case "string":
      return `${JSON.stringify(text)}… (${length} units)`;
    case "Date":
    case "URL":
      return `${kind}(${oneLine(text)})`;
    case "Error":
      return `${name}(${JSON.stringify(text)})`;
    case "blob":
      return `blob ${digest.slice(0, 12)} (${length} bytes)`;
    case "type":
      return value === undefined ? (name ?? "") : `${name} ${lineOf(value)}`;
    case "more":
      return `<${oneLine(text)}>`;
    default:
      return containerLine(kind, length ?? 0, items, entries);
  }
}

function containerLine(
  kind: string,
  length: number,
  items: SummaryNode["items"],
  entries: SummaryNode["entries"],
): string {
  const rest = (shown: number): readonly string[] => (length > shown ? ["…"] : []);
  const head = kind === "array" || kind === "object" ? "" : `${kind}(${length}) `;
  if (entries === undefined)
    return `${head}[${[...(items ?? []).map(lineOf), ...rest(items?.length ?? 0)].join(", ")}]`;
  const arrow = kind === "Map" ? " => " : ": ";
  const parts = entries.map(([key, value]) => {
    const name = kind === "object" && typeof key === "string" ? keyText(key) : lineOf(key);
    return `${name}${arrow}${lineOf(value)}`;
  });
  return `${head}{ ${[...parts, ...rest(parts.length)].join(", ")} }`;
}

function keyText(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
