import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import type { Origin } from "@reprise/core";

const tolerance = 10_000;

/** Whether the process of a pipeline run has ended; false if that cannot be told, because it ran on another host. */
export async function isDriverGone({ host, pid, processStartedAt }: Origin): Promise<boolean> {
  if (host !== hostname()) return false;
  if (!isAlive(pid)) return true;
  const found = await processState(pid);
  // The number may belong to another process by now.
  return found !== undefined && (found.ended || Math.abs(found.startedAt - processStartedAt) > tolerance);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What the system knows of a process. */
interface ProcessState {
  /** It has ended, and only its parent has not asked how. */
  readonly ended: boolean;
  readonly startedAt: number;
}

async function processState(pid: number): Promise<ProcessState | undefined> {
  try {
    const state = process.platform === "linux" ? await stateFromProc(pid) : await stateFromPs(pid);
    return Number.isFinite(state.startedAt) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** The kernel counts in hundredths of a second since the machine started. */
async function stateFromProc(pid: number): Promise<ProcessState> {
  const [status, system] = await Promise.all([readFile(`/proc/${pid}/stat`, "utf8"), readFile("/proc/stat", "utf8")]);
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  const bootSeconds = Number(/^btime (\d+)$/m.exec(system)?.[1]);
  return { ended: fields[0] === "Z" || fields[0] === "X", startedAt: bootSeconds * 1_000 + Number(fields[19]) * 10 };
}

async function stateFromPs(pid: number): Promise<ProcessState> {
  const env = { ...process.env, LC_ALL: "C" };
  const { stdout } = await promisify(execFile)("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env });
  const [state = "", ...start] = stdout.trim().split(/\s+/);
  return { ended: state.startsWith("Z"), startedAt: Date.parse(start.join(" ")) };
}
