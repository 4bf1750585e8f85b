// Prints how many bytes the driver keeps for each standalone run that is over, has waited for a run itself, and whose future
// is held. With --expose-gc. Argument: home.
import { func, LocalRunner } from "../index.ts";

const collect = (globalThis as { gc?: () => void }).gc as () => void;

const child = func("held child", (n: number) => n);

const caller = func({
  id: "held caller",
  standalone: true,
  run: async (n: number, ballast: string) => (await child(n).$value()) + ballast.length,
});

const used = func("used heap", (values: readonly number[]) => {
  collect();
  return process.memoryUsage().heapUsed * Math.sign(values.length);
});

const held: unknown[] = [];
const root = func("held futures", (count: number) => {
  const all = Array.from({ length: count }, (__, at) => caller(at, `${at}`.padEnd(20_000, "x")));
  held.push(all);
  return used([...all]);
});

const [home = ""] = process.argv.slice(2);
await using runner = new LocalRunner({ home });
const before = await runner.run(root(10));
const after = await runner.run(root(500));
console.log((after - before) / 500);
