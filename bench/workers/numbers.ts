/** Numbers that no file system can make smaller. */
export function numbersFrom(length: number): Float64Array {
  const numbers = new Float64Array(length);
  let state = 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    numbers[at] = state / 3;
  }
  return numbers;
}

/** Reads all of an array. */
export function sumOf(numbers: Float64Array): number {
  let sum = 0;
  for (const value of numbers) sum += value;
  return sum;
}
