/** Hex of bytes. */
export function formatHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/**
 * The lowest and the highest value of `length` bytes whose hex begins with `prefix` (dashes do not count), or undefined
 * if no id can begin so.
 */
export function prefixRange(
  prefix: string,
  length: number,
): { readonly from: Uint8Array; readonly to: Uint8Array } | undefined {
  const hex = prefix.replaceAll("-", "").toLowerCase();
  if (!/^[0-9a-f]*$/.test(hex) || hex.length > length * 2) return undefined;
  return {
    from: Buffer.from(hex.padEnd(length * 2, "0"), "hex"),
    to: Buffer.from(hex.padEnd(length * 2, "f"), "hex"),
  };
}
