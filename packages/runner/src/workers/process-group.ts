import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Groups of this process that are alive, by the number of the process that leads them. */
const groups = new Set<number>();

/** Sees to it that a process group ends with this process, however blocked its processes are. */
export function guardGroup(pid: number): void {
  if (groups.size === 0) process.on("exit", killAll);
  groups.add(pid);
}

/**
 * Kills every process of a group.
 *
 * @param isOver whether the process that leads it has ended: what is left of the group is killed for the last time.
 */
export function forceGroup(pid: number, isOver = false): void {
  signalGroup(pid, "SIGKILL");
  if (!isOver) return;
  groups.delete(pid);
  if (groups.size === 0) process.removeListener("exit", killAll);
}

/** Sends a signal to every process of a group; without effect if there is none. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

/** Whether a process has been stopped, as SIGSTOP does it. */
export function isStopped(pid: number): boolean {
  try {
    if (process.platform !== "linux") {
      return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" })
        .trim()
        .startsWith("T");
    }
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return /^[Tt]/.test(status.slice(status.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

function killAll(): void {
  for (const pid of groups) signalGroup(pid, "SIGKILL");
}
