// A driver that holds many large values, and reads them again later. Arguments: home, number of values, bytes of each.
import { func, LocalRunner } from "../index.ts";

const [home = "", count = "", size = ""] = process.argv.slice(2);
const length = Number(size);

const bytes = func("bytes", (number: number) => new Float64Array(length / 8).fill(number));
const text = func("text", (number: number) => String(number % 10).repeat(length));
const first = func("first", (value: Float64Array | string) => Number(value[0]));
const all = func("all", async () => {
  const values = Array.from({ length: Number(count) }, (_, number) =>
    number % 5 === 4 ? text(number) : bytes(number),
  );
  let sum = 0;
  for (const value of values) await value.$value();
  for (const value of values) sum += await first(value).$value();
  return sum;
});

const sum = await new LocalRunner({ home }).run(all());
console.log(JSON.stringify({ sum, megabytes: Math.round(process.resourceUsage().maxRSS / 1024) }));
