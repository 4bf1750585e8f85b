import { summarize } from "@reprise/core";
import { tameLine } from "../terminal/text-width.ts";
import { formatBytes } from "../when.ts";

const maxEntries = 20;

/** A file, a directory or a link, for people. */
export interface TypedValue {
  readonly line: string;
  /** What is told besides where the value stands alone. */
  readonly more: readonly string[];
}

/** How a value of a registered type says that it is to be shown, or undefined if it is shown as any other value. */
export function typedValue(value: unknown): TypedValue | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { render, value: parts } = summarize(value) as { readonly render?: unknown; readonly value?: unknown };
  if (typeof render !== "string" || typeof parts !== "object" || parts === null) return undefined;
  return writers[render]?.(value.constructor.name, parts as Parts);
}

/** What the summaries of all of them hold; each has some of it. */
interface Parts {
  readonly name: string | null;
  readonly size: number;
  readonly digest: string;
  readonly text: string | null;
  readonly files: number;
  readonly entries: readonly { readonly path: string; readonly size?: number; readonly target?: string }[];
  readonly more: number;
  readonly url: string;
  readonly label: string;
}

const writers: Readonly<Record<string, (type: string, parts: Parts) => TypedValue>> = {
  file: (type, { name, size, digest, text }) => ({
    line: facts(type, [...(name === null ? [] : [tameLine(name, false)]), formatBytes(size), shortDigest(digest)]),
    more: (text ?? "")
      .split("\n")
      .slice(0, maxEntries)
      .filter((line) => line !== "")
      .map((line) => tameLine(line, false)),
  }),
  directory: (type, { size, files, digest, entries, more }) => {
    const rest = entries.length - maxEntries + more;
    const shown = entries.slice(0, maxEntries).map(({ path, size: bytes, target }) => {
      const what = target === undefined ? formatBytes(bytes ?? 0) : `→ ${tameLine(target, false)}`;
      return `${tameLine(path, false)}  ${what}`;
    });
    return {
      line: facts(type, [`${files} ${files === 1 ? "file" : "files"}`, formatBytes(size), shortDigest(digest)]),
      more: rest > 0 ? [...shown, `… ${rest} more entries`] : shown,
    };
  },
  link: (type, { url, label }) => ({
    line: facts(type, label === url ? [url] : [tameLine(label, false), url]),
    more: [],
  }),
};

function facts(type: string, parts: readonly string[]): string {
  return `${type}: ${parts.join(", ")}`;
}

function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}
