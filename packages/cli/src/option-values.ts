import { type Duration, parseDuration, RepriseError } from "@reprise/core";

/** The value of `--limit`. @throws RepriseError `USAGE` if it is no whole number from 1. */
export function readLimit(command: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new RepriseError("USAGE", `${command}: --limit must be a whole number from 1, not ${JSON.stringify(value)}.`);
}

/** A length of time in milliseconds, e.g. of `--older-than 30d`. @throws RepriseError `USAGE` that names the option. */
export function readAge(command: string, option: string, value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  if (/^\d+$/.test(value)) {
    throw new RepriseError("USAGE", `${command}: --${option} needs a unit, e.g. ${value}d, ${value}h.`);
  }
  try {
    return parseDuration(value as Duration, `--${option}`);
  } catch (error) {
    throw new RepriseError("USAGE", `${command}: ${(error as Error).message}`);
  }
}

const unitSizes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * A number of bytes, e.g. of `--larger-than 500MB`: a number with a unit, kB to TB by thousands, KiB to TiB by 1,024.
 *
 * @throws RepriseError `USAGE` that names the option.
 */
export function readSize(command: string, option: string, value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(value.trim());
  const [, digits = "", unit = ""] = match ?? [];
  const size = Number(digits) * (unitSizes[unit.toLowerCase()] ?? Number.NaN);
  if (match !== null && value.trim() === "0") return 0;
  if (match !== null && Number.isFinite(size)) return Math.round(size);
  throw new RepriseError(
    "USAGE",
    `${command}: --${option}: ${JSON.stringify(value)} is no size. Give a number with a unit: 10kB, 500MB, 2GiB.`,
  );
}
