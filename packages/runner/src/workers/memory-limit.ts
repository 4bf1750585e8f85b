const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/** The bytes of an amount of memory such as `"512Mi"`, as `resources.memory` has it; null for none. */
export function memoryBytes(amount: string | undefined): number | null {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(amount ?? "") ?? [];
  const factor = units[unit];
  return number === undefined || factor === undefined ? null : Math.max(1, Math.floor(Number(number) * factor));
}

/** An amount of memory as people read it. */
export function memoryWords(bytes: number): string {
  for (const unit of ["Ti", "Gi", "Mi", "Ki"]) {
    const size = units[unit] ?? 1;
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}B`;
  }
  return `${bytes} bytes`;
}

/** So much of its memory a process has besides what JavaScript keeps in its heap, in bytes. */
const besides = 128 * 1024 ** 2;

/**
 * The option of Node that keeps its heap within a limit of the process's memory: so the garbage is collected before the
 * process grows beyond it.
 */
export function heapOption(memory: number): string {
  const heap = Math.max(memory / 2, memory - besides);
  return `--max-old-space-size=${Math.max(8, Math.floor(heap / 1024 ** 2))}`;
}
