// Runs the export `pipeline` of a program: entry file, home. Says what came out, and the cache status of each run.
import { pathToFileURL } from "node:url";
import { type Func, LocalRunner, type RunnerEvent } from "../index.ts";

const [entry = "", home = ""] = process.argv.slice(2);
const { pipeline } = (await import(pathToFileURL(entry).href)) as { pipeline: Func<[], unknown> };
const runs = new Map<string, readonly [string, string]>();
const warnings: string[] = [];
const onEvent = (event: RunnerEvent): void => {
  if (event.type === "run") runs.set(event.id, [event.funcId, event.cache?.status ?? "none"]);
  if (event.type === "warning") warnings.push(event.message);
};
const value = await new LocalRunner({ home, onEvent, forwardOutput: false }).run(pipeline());
process.stdout.write(JSON.stringify({ value, statuses: Object.fromEntries(runs.values()), warnings }));
