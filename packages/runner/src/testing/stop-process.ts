import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Child } from "./child.ts";

/** Stops a process at a moment at which it does not hold the lock under which all others write to a database. */
export function stopWithoutLock(child: Child, path: string): void {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    for (;;) {
      child.kill("SIGSTOP");
      while (!isStopped(child.process.pid as number));
      try {
        database.exec("BEGIN IMMEDIATE; ROLLBACK");
        return;
      } catch {
        child.kill("SIGCONT");
      }
    }
  } finally {
    database.close();
  }
}

/** Whether all threads of a process have stopped. */
function isStopped(pid: number): boolean {
  if (process.platform !== "linux") {
    return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("T");
  }
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => /\) T /.test(readFileSync(`${tasks}/${task}/stat`, "utf8")));
}
