// A user's program, bundled before it is measured: for each message it executes a func in a process that did not exist.
import { fork } from "node:child_process";
import { once } from "node:events";
import { func, LocalRunner } from "reprise";

const one = func({ id: "cold.one", standalone: true, run: (value: number) => value + 1 });

/** What the driver is asked: to fork a bare program, or to execute in a fresh worker. */
export type ColdQuestion = { readonly work: "fork"; readonly file: string } | { readonly work: "worker" };

let asked = 0;
if (process.argv[2] === "drive" && process.send !== undefined) {
  const runner = new LocalRunner();
  await runner.run(one(0));
  process.on("message", (question: ColdQuestion) => void answer(question, runner));
  process.on("disconnect", () => process.exit());
  process.send("ready");
}

async function answer(question: ColdQuestion, runner: LocalRunner): Promise<void> {
  // A worker has the environment of its driver at the time: with another one, another worker is needed.
  asked += 1;
  process.env["COLD_DRIVER_ASKED"] = String(asked);
  const used = process.cpuUsage();
  const began = performance.now();
  if (question.work === "worker") await runner.run(one(asked));
  else {
    const child = fork(question.file, { execArgv: [], serialization: "json" });
    await once(child, "message");
    child.disconnect();
  }
  const time = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  process.send?.({ time, processor: (user + system) / 1000 });
}
