// Funcs that execute in workers. This file is loaded there as well, so it does nothing but define them.
import { func, type Future } from "reprise";

/** Opens the store, keeps the program, and has one worker started. */
export const first = func({ id: "workers.first", standalone: true, run: () => process.pid });

export const next = func({ id: "workers.next", standalone: true, run: (value: number) => value + 1 });

/** Calls one after the other has ended. */
export const chain = func("workers.chain", async (count: number) => {
  let value = 0;
  for (let made = 0; made < count; made += 1) value = await next(value).$value();
  return value;
});

/** Calls all at once. */
export const fanOut = func("workers.fan-out", (count: number) => Array.from({ length: count }, (_, at) => next(at)));

const makeNumbers = func({
  id: "workers.numbers",
  standalone: true,
  run: (length: number) => numbersFrom(length),
});
const sumNumbers = func({
  id: "workers.sum",
  standalone: true,
  run: (numbers: Float64Array) => sumOf(numbers),
});

/** One worker makes an array, another gets it. */
export const passArray = func("workers.pass", (length: number): Future<number> => sumNumbers(makeNumbers(length)));

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
