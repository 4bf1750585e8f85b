import { summarize } from "@reprise/core";

/**
 * The JSON form of a value, for `--json` and scripts: JSON as far as JSON goes; what it cannot say is an object with one key
 * that starts with `$`: `$undefined`, `$number` (NaN, Infinity, -0), `$bigint`, `$date`, `$regexp`, `$url`, `$bytes` (base64),
 * `$numbers` (typed arrays), `$map`, `$set`, `$error`, `$value` (the summary of a registered type).
 */
export function toJson(value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "object":
      return value === null ? null : objectToJson(value);
    default:
      return { $undefined: true };
  }
}

function objectToJson(value: object): unknown {
  if (Array.isArray(value)) return Array.from(value, toJson);
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toJson(part)]));
  }
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? "invalid" : value.toISOString() };
  if (value instanceof Map) return { $map: [...value].map(([key, part]) => [toJson(key), toJson(part)]) };
  if (value instanceof Set) return { $set: [...value].map(toJson) };
  if (value instanceof RegExp) return { $regexp: String(value) };
  if (value instanceof URL) return { $url: value.href };
  if (value instanceof Error) return { $error: { name: value.name, message: value.message } };
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("base64") };
  if (value instanceof Uint8Array || value instanceof DataView) {
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (ArrayBuffer.isView(value)) {
    const numbers = Array.from(value as unknown as ArrayLike<number | bigint>, toJson);
    return { $numbers: { type: value.constructor.name, values: numbers } };
  }
  return { $value: summarize(value) };
}
