/** The middle value; the mean of the two middle ones of an even number. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** How far the samples lie apart: (largest − smallest) / median. */
export function spread(numbers: readonly number[]): number {
  return (Math.max(...numbers) - Math.min(...numbers)) / median(numbers);
}

/** A total that belongs to a size. */
export interface SizedTotal {
  readonly size: number;
  readonly total: number;
}

/** The exponent `e` of `total ~ size ** e`: slope of the line through the logarithms. 1 is linear. */
export function growthExponent(points: readonly SizedTotal[]): number {
  const logs = points.map(({ size, total }) => [Math.log(size), Math.log(total)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, point) => sum + point[of], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
