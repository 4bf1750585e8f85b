// A driver that holds a pipeline run, or wants it. Arguments: scenario, folder that the processes share, lease times as
// JSON, the pipeline run to resume or nothing.
import { setTimeout as pause } from "node:timers/promises";
import { RepriseError } from "@reprise/core";
import type { LeaseTimes } from "@reprise/store";
import { context, func } from "../index.ts";
import { LeaseRunner, say } from "./cache-runner.ts";
import { SharedFolder } from "./cache-shared.ts";
import { logTo, noted } from "./resume-log.ts";

const [scenario = "", folder = "", times = "{}", resume = ""] = process.argv.slice(2);
const lease = JSON.parse(times) as LeaseTimes;
const shared = new SharedFolder(folder);
logTo(`${folder}/notes`);

const step = func("step", (text: string) => noted(text, () => `${text} by ${process.pid}`));

/** Waits for the flag `finish`. */
async function waits(): Promise<void> {
  await shared.raised("finish", context().signal);
}

/** Blocks the event loop from a while after its beginning until it is allowed to go on. */
async function blocks(): Promise<void> {
  await shared.raised("block");
  say("blocks");
  while (!shared.isRaised("finish"));
}

/** In the process that is told so it goes on and on, until it is told to stop. */
async function insists(): Promise<void> {
  context().signal.addEventListener("abort", () => say(`told to stop: ${(context().signal.reason as Error).name}`));
  await Promise.race([waits(), shared.raised(`insist ${process.pid}`)]);
  for (let round = 0; shared.isRaised(`insist ${process.pid}`); round += 1) {
    context().log.info(`round ${round}`);
    context().metric("rounds", round);
    await step(`round ${round}`).$value();
    await pause(20);
  }
}

const works: Readonly<Record<string, () => Promise<void>>> = { waits, blocks, insists };

const work = func("work", async () => {
  const first = await step("first").$value();
  say("at work");
  await works[scenario]?.();
  return [first, await step("last").$value()];
});

const runner = new LeaseRunner(shared.home, lease, {
  forwardOutput: false,
  ...(resume === "" ? {} : { resume }),
  onEvent: (event) => event.type === "warning" && say(`warning ${event.message}`),
});
try {
  say(`result ${JSON.stringify(await runner.run(work()))}`);
} catch (error) {
  say(`refused ${RepriseError.is(error) ? error.code : "?"}`);
  say((error as Error).message);
}
say("over");
// No end of the process explains anything.
await shared.raised("leave");
process.exit();
