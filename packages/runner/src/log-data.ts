import { inspect } from "node:util";

/** Longer data is kept as a text with its beginning. */
const maxData = 64 * 1024;
/** So much of a text is kept. */
const maxText = 1024 * 1024;

/**
 * What is given to a log, as JSON keeps it, as it is now. A line of a log must never be what a run fails for, so what JSON
 * cannot keep becomes text.
 *
 * @param limit characters of JSON above which it becomes a text with their beginning.
 */
export function logData(data: unknown, limit = maxData): unknown {
  if (data === undefined || data === null) return data;
  try {
    const json = JSON.stringify(data, readable);
    if (json === undefined) return inspect(data);
    return json.length <= limit ? JSON.parse(json) : shortened(json, limit);
  } catch {
    return shortened(inspect(data), limit);
  }
}

/** A text for the log, with its length if it is too long. */
export function logText(text: string): string {
  return shortened(text, maxText);
}

function readable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return Object.assign({}, value, { name, message, stack, cause });
}

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}
