import { RepriseError } from "./errors.ts";

/** A length of time: milliseconds, or a number with a unit, as in `"90s"`, `"1.5h"`, `"250ms"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const unitLengths = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Milliseconds of a duration.
 *
 * @param what names the option in the error, e.g. `timeout of func "train"`.
 * @throws RepriseError `INVALID_OPTION` if it is not a finite, positive length of time.
 * @example
 * ```ts
 * parseDuration("90s", "timeout"); // 90000
 * ```
 */
export function parseDuration(duration: Duration, what: string): number {
  const length = typeof duration === "number" ? duration : parseText(duration);
  if (Number.isFinite(length) && length > 0) return length;
  throw new RepriseError(
    "INVALID_OPTION",
    `${what}: ${JSON.stringify(duration)} is not a length of time. Give milliseconds above 0 or a number with a unit: "250ms", "90s", "30m", "2h", "1d".`,
  );
}

function parseText(text: unknown): number {
  if (typeof text !== "string") return Number.NaN;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return Number.NaN;
  return Number(match[1]) * unitLengths[match[2] as keyof typeof unitLengths];
}

/** A duration for the eyes: `"12 ms"`, `"3.4 s"`, `"2 min 5 s"`, `"1 h 2 min"`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
