/** Longest text that is put together here; V8 makes longer concatenations lazily, which costs more in the end. */
export const maxShortText = 12;

const text = String.fromCharCode;

/**
 * The ASCII text of `size` bytes, up to {@link maxShortText}, several times quicker than a native call. Undefined if a
 * byte is not ASCII.
 */
export function shortText(bytes: Uint8Array, start: number, size: number): string | undefined {
  let all = 0;
  for (let index = 0; index < size; index++) all |= bytes[start + index] ?? 0;
  if (all > 0x7f) return undefined;
  if (size <= 4) return upToFour(bytes, start, size);
  if (size <= 8) return four(bytes, start) + upToFour(bytes, start + 4, size - 4);
  return eight(bytes, start) + upToFour(bytes, start + 8, size - 8);
}

function at(bytes: Uint8Array, place: number): number {
  return bytes[place] ?? 0;
}

function upToFour(bytes: Uint8Array, start: number, size: number): string {
  if (size === 4) return four(bytes, start);
  if (size === 3) return text(at(bytes, start), at(bytes, start + 1), at(bytes, start + 2));
  if (size === 2) return text(at(bytes, start), at(bytes, start + 1));
  return size === 1 ? text(at(bytes, start)) : "";
}

function four(bytes: Uint8Array, start: number): string {
  return text(at(bytes, start), at(bytes, start + 1), at(bytes, start + 2), at(bytes, start + 3));
}

function eight(bytes: Uint8Array, start: number): string {
  return text(
    at(bytes, start),
    at(bytes, start + 1),
    at(bytes, start + 2),
    at(bytes, start + 3),
    at(bytes, start + 4),
    at(bytes, start + 5),
    at(bytes, start + 6),
    at(bytes, start + 7),
  );
}
