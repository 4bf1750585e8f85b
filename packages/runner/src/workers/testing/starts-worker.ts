// A process with two workers, one of which computes without end and one of which has left a process behind; then it ends as
// its argument says.
import type { StartMessage } from "../protocol.ts";
import { WorkerProcess } from "../worker-process.ts";
import { oddOptions } from "./odd-options.ts";

function begin(func: string, run: string): Promise<WorkerProcess> {
  return new Promise((resolve) => {
    const worker: WorkerProcess = new WorkerProcess(
      oddOptions({
        heard: ({ type }) => {
          if (type === "started") resolve(worker);
        },
      }),
    );
    worker.send({
      type: "start",
      task: `${run}#1`,
      run,
      root: run,
      func,
      file: null,
      attempt: 1,
      args: [],
    } satisfies StartMessage);
  });
}

const workers = await Promise.all([begin("calls: block", "busy"), begin("leave behind", "left")]);
switch (process.argv[2]) {
  case "exits":
    process.exit(3);
    break;
  case "throws":
    throw new Error("as it happens");
  case "SIGTERM":
    process.once("SIGTERM", () => process.exit());
    process.kill(process.pid, "SIGTERM");
    break;
  default:
    for (const worker of workers) worker.unref();
}
