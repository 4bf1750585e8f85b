// A driver with a pool: starts funcs of `executor-funcs.ts`, as `<func> <arguments in JSON>`, says "begun" when each of them
// has, and then does what its first argument says.
import { openHome } from "@reprise/store";
import { poolOf } from "../process-pool.ts";
import { executorProgram } from "./executor-program.ts";
import { TaskLab } from "./test-task.ts";

const [how, path = "", ...funcs] = process.argv.slice(2);
const home = await openHome({ path });
const pool = poolOf({ home: path, program: executorProgram });
const lab = new TaskLab(pool, home, { name: "standalone", limit: 8 });
const tasks = await Promise.all(
  funcs.map((text) => {
    const [, func = "", args = "[]"] = /^(.*?) (\[.*)$/.exec(text) ?? [];
    return lab.start(func, JSON.parse(args) as unknown[]);
  }),
);
await Promise.all(tasks.map((task) => task.saidOf("started")));
console.log("begun");
if (how === "waits") {
  await Promise.all(tasks.map((task) => task.end));
  console.log("done");
} else if (how === "blocks") {
  for (;;);
}
