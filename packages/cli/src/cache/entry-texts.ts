import { formatDuration, type KeyVersion } from "@reprise/core";

/** The short form of a cache key: its first digits, because it is a hash. */
export function shortKey(key: string): string {
  return key.slice(0, 12);
}

/** A version for the eyes: the text that was given, or the beginning of the digest of the code. */
export function versionText({ kind, value }: KeyVersion): string {
  if (kind === "given") return value;
  return kind === "auto" ? value.slice(0, 8) : `body ${value.slice(0, 8)}`;
}

/** How long ago something was: `3 min 5 s`; a clock that was set back makes nothing younger than now. */
export function formatAge(time: number, now: number): string {
  const age = Math.max(0, now - time);
  const days = Math.floor(age / 86_400_000);
  return days < 2 ? formatDuration(age) : `${days} days`;
}
