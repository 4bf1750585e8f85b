import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Names a process for good: numbers of processes come again. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970 UTC. */
  readonly processStartedAt: number;
}

/** In milliseconds: the system tells when a process started only roughly. */
const tolerance = 10_000;

/**
 * Whether a process has certainly ended; false if that cannot be told, because it was on another host.
 *
 * @example
 * ```ts
 * if (isProcessGone(run.origin)) console.log("nobody finishes this run any more");
 * ```
 */
export function isProcessGone({ host, pid, processStartedAt }: ProcessIdentity): boolean {
  if (host !== hostname()) return false;
  if (!isAlive(pid)) return true;
  const found = processState(pid);
  // The number may belong to another process by now.
  return found !== undefined && (found.ended || Math.abs(found.startedAt - processStartedAt) > tolerance);
}

/** The process that asks. */
export function thisProcess(): ProcessIdentity {
  // Counted back from now, as the system does, so that a clock that was set meanwhile makes no difference.
  return { host: hostname(), pid: process.pid, processStartedAt: Math.round(Date.now() - process.uptime() * 1_000) };
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

function processState(pid: number): ProcessState | undefined {
  try {
    const state = process.platform === "linux" ? stateFromProc(pid) : stateFromPs(pid);
    return Number.isFinite(state.startedAt) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** The kernel counts in hundredths of a second since the machine started. */
function stateFromProc(pid: number): ProcessState {
  const status = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
  return { ended: fields[0] === "Z" || fields[0] === "X", startedAt: bootSeconds * 1_000 + Number(fields[19]) * 10 };
}

function stateFromPs(pid: number): ProcessState {
  const env = { ...process.env, LC_ALL: "C" };
  const told = process
    .getBuiltinModule("node:child_process")
    .execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const [state = "", ...start] = told.trim().split(/\s+/);
  return { ended: state.startsWith("Z"), startedAt: Date.parse(start.join(" ")) };
}
