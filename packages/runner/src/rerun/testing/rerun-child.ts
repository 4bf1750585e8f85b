// Runs, or re-runs from a run, the export `pipeline` of a program: entry file, home, id of a run, mode. Says what came out.
import { pathToFileURL } from "node:url";
import { type Func, LocalRunner, type LocalRunnerOptions } from "../../index.ts";

const [entry = "", home = "", rerunFrom, mode] = process.argv.slice(2);
const { pipeline } = (await import(pathToFileURL(entry).href)) as { pipeline: Func<[], unknown> };
const options: LocalRunnerOptions = { home, forwardOutput: false };
const runner = new LocalRunner(
  rerunFrom === undefined ? options : { ...options, rerunFrom, rerunMode: mode === "continue" ? mode : "from" },
);
let said: unknown;
try {
  const handle = await runner.submit(pipeline());
  const value = await handle.result().catch((error: Error) => ({ failed: String((error.cause as Error).cause) }));
  said = { id: handle.id, value };
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  said = { code, message };
}
process.stdout.write(JSON.stringify(said));
