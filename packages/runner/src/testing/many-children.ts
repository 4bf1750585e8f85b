// Prints how many bytes the driver keeps for each run that a standalone body has called and that is over. With --expose-gc,
// which workers get too. Argument: home.
import { setTimeout as pause } from "node:timers/promises";
import { func, LocalRunner } from "../index.ts";

const collect = (globalThis as { gc?: () => void }).gc as () => void;
const batch = 250;

const child = func("counted child", (n: number) => `${n}`.padEnd(1_000, "x"));

const used = func("used heap", () => {
  collect();
  return process.memoryUsage().heapUsed;
});

const caller = func({
  id: "caller of many",
  standalone: true,
  run: async (batches: number) => {
    for (let done = 0; done < batches; done += 1) {
      await Promise.all(Array.from({ length: batch }, (_, at) => child(done * batch + at).$value()));
    }
    // What nobody refers to any more is told when it has been noticed.
    collect();
    await pause(50);
    return used().$value();
  },
});

const root = func("many children", (batches: number) => caller(batches));

const [home = ""] = process.argv.slice(2);
await using runner = new LocalRunner({ home });
const before = await runner.run(root(1));
const after = await runner.run(root(17));
console.log((after - before) / (16 * batch));
