// Funcs that execute in workers. This file is loaded there as well, so it does nothing but define them.
import { func, type Future } from "reprise";
import { numbersFrom, sumOf } from "./numbers.ts";

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
