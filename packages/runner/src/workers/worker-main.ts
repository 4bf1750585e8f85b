import { captureOutput } from "../output-capture.ts";
import { checkToWorker } from "./check-message.ts";
import { endByErrors } from "./fatal-errors.ts";
import { ipcChannel } from "./ipc-channel.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { TaskHost } from "./task-host.ts";
import { WorkerEnd } from "./worker-end.ts";
import { WorkerPlace } from "./worker-place.ts";

/** So long, in ms, the end of the process may take: what must still be told, what must be let go of when nobody waits for it. */
const patience = 5_000;

/** Executes tasks for whoever has started this process, until there is nothing left to do. */
export function workerMain(): void {
  const end = new WorkerEnd();
  const channel = ipcChannel<FromWorker, ToWorker>(end, checkToWorker);
  let place: WorkerPlace | undefined;
  const leave = async (): Promise<void> => {
    const isLost = !end.connected;
    if (isLost) setTimeout(endGroup, patience);
    await channel.sent();
    await place?.close();
    if (isLost) endGroup();
    process.exit();
  };
  const host = new TaskHost({
    channel,
    open: async (hello) => {
      place = new WorkerPlace(hello, await import("@reprise/store"));
      await place.open();
      if (hello.actor !== null) process.on("SIGTERM", () => void leave());
      return place;
    },
    over: () => void leave(),
  });
  captureOutput();
  endByErrors(host, (why) => channel.send({ type: "fatal", why }));
  process.on("exit", () => {
    host.processEnds();
    channel.flush();
    end.finish(patience);
  });
}

/** Ends this process with all that bodies have started: nobody is left to do it. */
function endGroup(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    // It has no group of its own.
  }
  process.exit();
}
