// Runs, or goes on with, a pipeline whose bodies execute in workers. Arguments: home, folder for marks, id to go on with.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { func, LocalRunner } from "../index.ts";

const marked = func({
  id: "driven marked",
  standalone: true,
  run: async (folder: string, at: number) => {
    appendFileSync(join(folder, "marks"), `${at} ${process.pid}\n`);
    // Some execute when the driver is killed, one of them without an event loop.
    if (at % 5 === 4) for (const until = performance.now() + 300; performance.now() < until;);
    else await pause(20);
    return at;
  },
});

const waiting = func({
  id: "driven waiting",
  standalone: true,
  run: async (folder: string, at: number) => (await marked(folder, at).$value()) * 2,
});

const root = func("driven root", (folder: string) =>
  waiting.map(Array.from({ length: 20 }, (_, at) => [folder, at] as const)),
);

const [home = "", folder = "", resume] = process.argv.slice(2);
const runner = new LocalRunner({ home, maxParallelism: 2, ...(resume === undefined ? {} : { resume }) });
const handle = await runner.submit(
  resume === undefined ? root(folder) : (root as unknown as () => ReturnType<typeof root>)(),
);
console.log(handle.id);
console.log(JSON.stringify(await handle.result()));
