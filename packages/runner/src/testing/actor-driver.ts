// Runs, or goes on with, a pipeline that waits on a replica until its driver is killed. Arguments: home, file for marks, id
// to go on with.
import { appendFileSync, readFileSync } from "node:fs";
import { ActorEnvironment, context, func, LocalRunner } from "../index.ts";

const environment = new ActorEnvironment({ name: "driven", ttl: "60s" });

const held = environment.func("driven held", async (marks: string) => {
  const { signal } = context();
  appendFileSync(marks, `began ${process.pid}\n`);
  if (readFileSync(marks, "utf8").split("began").length > 2) return process.pid;
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  appendFileSync(marks, "left\n");
  throw signal.reason;
});

const root = func("driven actor", (marks: string) => held(marks));

const [home = "", marks = "", resume] = process.argv.slice(2);
await using runner = new LocalRunner({ home, ...(resume === undefined ? {} : { resume }) });
const handle = await runner.submit(
  resume === undefined ? root(marks) : (root as unknown as () => ReturnType<typeof root>)(),
);
console.log(handle.id);
console.log(JSON.stringify(await handle.result()));
