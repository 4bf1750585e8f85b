import { holdRuns } from "../runner.ts";

/** The environment variable that tells a bundle with the library in it which process of the library's it is to be. */
export const processVariable = "REPRISE_PROCESS";

/** Why nothing is executed by runners of the program. */
export const heldWords = "a process that executes bodies for another one starts no pipeline runs";

/** Whether the program has used a runner since it began. */
export const sinceStart = { isHeld: false };

const kind = process.env[processVariable];
if (kind !== undefined) {
  // For this process alone, not for those that bodies start.
  delete process.env[processVariable];
  holdRuns(heldWords, () => {
    sinceStart.isHeld = true;
  });
  // The bundle goes on first, and defines its funcs. It need not come to its end: it may wait for what is not executed.
  setImmediate(() => void become(kind));
}

async function become(process: string): Promise<void> {
  if (process === "supervisor") await import("../actors/supervisor.ts");
  else (await import("./worker-main.ts")).workerMain();
}
