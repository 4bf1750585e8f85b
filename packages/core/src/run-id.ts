/**
 * Ids of runs: UUIDv7, so that they sort by time of creation. Pure: time and randomness are arguments.
 */

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * Writes a UUIDv7 into `bytes` (16).
 *
 * @param now milliseconds since 1970 UTC.
 * @param sequence 0 to 4095: keeps the order of ids made in one millisecond.
 * @param random at least 8 random bytes from `offset`.
 */
export function writeRunId(bytes: Uint8Array, now: number, sequence: number, random: Uint8Array, offset: number): void {
  const high = Math.floor(now / 0x1_0000_0000);
  const low = now % 0x1_0000_0000;
  bytes[0] = high >>> 8;
  bytes[1] = high;
  bytes[2] = low >>> 24;
  bytes[3] = low >>> 16;
  bytes[4] = low >>> 8;
  bytes[5] = low;
  bytes[6] = 0x70 | (sequence >>> 8);
  bytes[7] = sequence;
  for (let at = 0; at < 8; at += 1) bytes[8 + at] = random[offset + at] as number;
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
}

/** The text form of 16 bytes: `0193…-….`, 36 characters. */
export function formatRunId(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < 16; at += 1) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += "-";
    text += hex[bytes[at] as number];
  }
  return text;
}

/** The 16 bytes of a full id in text form, or undefined if it is none. */
export function parseRunId(id: string): Uint8Array | undefined {
  const digits = id.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(digits)) return undefined;
  return Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16));
}
