import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, renameSync } from "node:fs";
import type { Readable } from "node:stream";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processEnv, processUrl } from "../workers/worker-url.ts";

/** The file descriptor on which a supervisor says that it is worth trying to connect. */
export const readyPipe = 3;

const logName = "supervisor.log";
/** Above so many bytes the log begins anew, and the former one is kept beside it. */
const longestLog = 1024 * 1024;
/** So many characters of the log are told when a supervisor could not start. */
const toldLog = 2_000;

/**
 * The variables that a supervisor needs itself. It lives on when the driver that has started it is gone, so it gets no
 * others: they may be secret.
 */
const keptVariables =
  /^(PATH|HOME|USER|LOGNAME|TMPDIR|TMP|TEMP|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|SystemRoot|windir|USERPROFILE)$/i;

/**
 * Starts a supervisor of a home, as a process that lives on by itself. Done when it listens, or has ended because there is
 * one already.
 *
 * Rejects with an Error if it could not start, with what it wrote.
 */
export async function startSupervisor(home: string): Promise<void> {
  const log = openLog(home);
  const from = fstatSync(log).size;
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...options(), fileURLToPath(processUrl("supervisor"))], {
      // Ctrl-C in the terminal of this driver is not for it.
      detached: true,
      // The folder of a project could not be removed while a process is in it.
      cwd: home,
      env: supervisorEnvironment(home),
      stdio: ["ignore", log, log, "pipe"],
    });
  } finally {
    closeSync(log);
  }
  child.unref();
  const pipe = child.stdio[readyPipe] as Readable | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`it ended with ${signal ?? `exit code ${code}`}: ${logSince(home, from)}`));
      });
      pipe?.once("data", () => resolve());
    });
  } finally {
    pipe?.on("error", () => undefined).destroy();
    child.on("error", () => undefined);
  }
}

/** Options of Node: those of this process are for this process. */
function options(): string[] {
  const isTypeScript = processUrl("supervisor").pathname.endsWith(".ts");
  const typescript: unknown = process.features.typescript;
  return [
    ...(isTypeScript && (typescript === false || typescript === undefined) ? ["--experimental-strip-types"] : []),
    "--disable-warning=ExperimentalWarning",
  ];
}

function supervisorEnvironment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => keptVariables.test(name));
  return { ...Object.fromEntries(kept), ...processEnv("supervisor"), REPRISE_HOME: home };
}

function openLog(home: string): number {
  const path = join(home, logName);
  const log = openSync(path, "a", 0o600);
  if (fstatSync(log).size <= longestLog) return log;
  closeSync(log);
  renameSync(path, `${path}.1`);
  return openSync(path, "a", 0o600);
}

function logSince(home: string, from: number): string {
  try {
    return readFileSync(join(home, logName)).subarray(from).toString("utf8").slice(-toldLog).trim();
  } catch {
    return "it wrote nothing";
  }
}
