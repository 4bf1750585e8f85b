import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where a func is defined. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What can be read of a func's source. */
export interface Source {
  readonly text: string;
  /** The JSDoc comment in front of the definition, without its marks. */
  readonly comment: string | undefined;
}

/** The place from which the function that calls `caller` was called. */
export function callPlace(caller: (...args: never[]) => unknown): SourcePlace | undefined {
  const holder: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, caller);
  const line = holder.stack?.split("\n")[1] ?? "";
  Error.stackTraceLimit = stackTraceLimit;
  const match = /(?:\(|^\s*at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/.exec(line);
  if (match === null) return undefined;
  const [, url = "", row, column] = match;
  const file = url.startsWith("file://") ? fileURLToPath(url.replace(/\?.*$/, "")) : url;
  return { file, line: Number(row), column: Number(column) };
}

/** `file:line:column`, as terminals make links of. */
export function formatPlace(place: SourcePlace | undefined): string {
  return place === undefined ? "a place that is not known" : `${place.file}:${place.line}:${place.column}`;
}

/**
 * The source of a func's body as it was written, types included, if its file can be read; else as it executes.
 *
 * Type stripping keeps every character in its place and leaves blanks where types were, so the text that executes is
 * found in the file by comparing with its blanks as wildcards. That needs no compiler, which would take longer than many
 * a pipeline.
 */
export function readSource(run: (...args: never[]) => unknown, place: SourcePlace | undefined): Source {
  const executed = Function.prototype.toString.call(run);
  if (place === undefined) return { text: executed, comment: undefined };
  try {
    const file = readFileSync(place.file, "utf8");
    const from = offsetOf(file, place.line);
    const isTypeScript = /\.[mc]?ts$/.test(place.file);
    const find = isTypeScript ? findStripped : (text: string, part: string, at: number) => text.indexOf(part, at);
    const behind = find(file, executed, from);
    const at = behind < 0 ? find(file, executed, 0) : behind;
    return { text: at < 0 ? executed : file.slice(at, at + executed.length), comment: commentBefore(file, from) };
  } catch {
    return { text: executed, comment: undefined };
  }
}

/** Where a text without types stands in the text that has them, or -1. */
function findStripped(file: string, stripped: string, from: number): number {
  const first = stripped[0] ?? "";
  for (let at = file.indexOf(first, from); at >= 0; at = file.indexOf(first, at + 1)) {
    if (at + stripped.length > file.length) return -1;
    if (isStrippedAt(file, stripped, at)) return at;
  }
  return -1;
}

function isStrippedAt(file: string, stripped: string, at: number): boolean {
  for (let index = 0; index < stripped.length; index += 1) {
    const code = stripped.charCodeAt(index);
    if (code !== 32 /* blank */ && code !== file.charCodeAt(at + index)) return false;
  }
  return true;
}

function offsetOf(text: string, line: number): number {
  let offset = 0;
  for (let row = 1; row < line; row += 1) {
    const next = text.indexOf("\n", offset);
    if (next < 0) return offset;
    offset = next + 1;
  }
  return offset;
}

/** The head of a declaration whose value begins on a later line. */
const declaration = /(?:export\s+)?(?:const|let|var)\s+[\w$]+\s*(?::[^=;]*)?=\s*$/;

function commentBefore(file: string, offset: number): string | undefined {
  const before = file.slice(Math.max(0, offset - 8_192), offset).replace(declaration, "");
  const match = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(before);
  if (match === null) return undefined;
  const lines = (match[1] ?? "").split("\n").map((line) => line.replace(/^\s*\*? ?/, "").trimEnd());
  const text = lines.join("\n").trim();
  return text === "" ? undefined : text;
}
