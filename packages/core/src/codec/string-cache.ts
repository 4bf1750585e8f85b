/**
 * Strings repeat: keys from record to record, labels from row to row. The cache gives the string that was made before,
 * which spares making it, lets V8 find a property at once and keeps one copy in memory. Direct-mapped, so bounded; ASCII
 * only, so that units and bytes are the same.
 */
export class StringCache {
  readonly #slots: string[];

  /** @param size how many strings are kept; a power of two. */
  constructor(size: number) {
    this.#slots = Array.from({ length: size }, () => "");
  }

  /** The string of `size` bytes at `position`, if it was remembered. */
  find(bytes: Uint8Array, position: number, size: number): string | undefined {
    const text = this.#slots[this.#slotOf(bytes, position, size)] ?? "";
    if (text.length !== size) return undefined;
    for (let index = 0; index < size; index++) {
      if (text.charCodeAt(index) !== bytes[position + index]) return undefined;
    }
    return text;
  }

  /** Remembers the string of `size` bytes at `position`, unless it is not ASCII. */
  remember(text: string, bytes: Uint8Array, position: number, size: number): void {
    if (text.length === size) this.#slots[this.#slotOf(bytes, position, size)] = text;
  }

  #slotOf(bytes: Uint8Array, position: number, size: number): number {
    const first = bytes[position] ?? 0;
    const middle = bytes[position + (size >> 1)] ?? 0;
    const last = bytes[position + size - 1] ?? 0;
    const mix = Math.imul(Math.imul(Math.imul(size, 31) + first, 31) + middle, 31) + last;
    return mix & (this.#slots.length - 1);
  }
}
