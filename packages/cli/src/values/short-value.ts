import { inspect } from "node:util";
import { summarize } from "@reprise/core";
import type { Home } from "@reprise/store";
import { fitText, tameLine } from "../terminal/text-width.ts";
import { formatBytes } from "../when.ts";
import { readStored } from "../why/run-inputs.ts";
import { typedValue } from "./typed-value.ts";

/** Larger values are not read for one line. */
const readUpTo = 100_000;

/** A value on one line of at most `width` columns, without colors. */
function shortValue(value: unknown, width: number): string {
  const typed = typedValue(value);
  if (typed !== undefined) return fitText(typed.line, width);
  const text = inspect(isOfOwnClass(value) ? { [value.constructor.name]: summarize(value) } : value, {
    depth: 2,
    maxArrayLength: 8,
    maxStringLength: width,
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
  });
  return fitText(tameLine(text.replace(/\s*\n\s*/g, " "), false), width);
}

/** As {@link shortValue}, of a stored value: its type and size where it is large, gone, or known only to its program. */
export async function shortArtifact(home: Home, artifactId: string, width: number): Promise<string> {
  const stored = await home.backend.getArtifact(artifactId);
  if (stored === undefined) return "not in the store";
  const { size, typeName } = stored.artifact;
  const read = size > readUpTo ? undefined : await readStored(home, artifactId);
  return read === undefined ? fitText(`${typeName}, ${formatBytes(size)}`, width) : shortValue(read.value, width);
}

function isOfOwnClass(value: unknown): value is object {
  if (typeof value !== "object" || value === null || inspect.custom in value) return false;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) return false;
  return ![Date, RegExp, URL, Error, Map, Set, ArrayBuffer].some((type) => value instanceof type);
}
