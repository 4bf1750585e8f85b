// Starts a worker process when no file can be opened any more, and prints what became of it.
import { closeSync, openSync } from "node:fs";
import { RepriseError } from "@reprise/core";
import { WorkerProcess } from "../worker-process.ts";
import { oddOptions } from "./odd-options.ts";

const open: number[] = [];
try {
  for (;;) open.push(openSync("/dev/null", "r"));
} catch {
  // That was the last one.
}
const worker = new WorkerProcess(oddOptions({}));
const failed = worker.ready.catch((error: unknown) => error);
for (const file of open) closeSync(file);
const error = await failed;
console.log(RepriseError.is(error) ? `${error.code} ${error.message}` : "it was started");
