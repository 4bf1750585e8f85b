import { execFile } from "node:child_process";
import { chmod, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isPipelineFinished, pipelineStates, RepriseError, shortId } from "@reprise/core";
import { type Home, openHome } from "@reprise/store";
import { isInterrupted } from "../rerun/interrupted.ts";
import { formatBytes } from "../when.ts";

/** What a check found. */
export interface Finding {
  readonly check: "node" | "home" | "disk" | "database" | "cache" | "runs" | "git";
  readonly status: "ok" | "warning" | "problem" | "fixed";
  readonly message: string;
  /** What to do; absent if nothing has to be done. */
  readonly remedy?: string;
}

/** Whether Node is one that reprise works with. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return { check: "node", status: "ok", message: `Node ${version}` };
  return {
    check: "node",
    status: "problem",
    message: `Node ${version} is too old`,
    remedy: "Install Node 22.13 or newer.",
  };
}

/** Whether the store's folder and settings can be read by their owner alone. */
export async function checkHome(path: string, fix: boolean): Promise<Finding> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    return { check: "home", status: "ok", message: `${path} does not exist yet; the first run makes it` };
  if (!found.isDirectory())
    return {
      check: "home",
      status: "problem",
      message: `${path} is no folder`,
      remedy: "Move it away, or set REPRISE_HOME.",
    };
  const open: string[] = [];
  for (const [file, mode] of [
    [path, 0o700],
    [join(path, "settings.json"), 0o600],
  ] as const) {
    const entry = await stat(file).catch(() => undefined);
    if (entry === undefined || (entry.mode & 0o077) === 0 || process.platform === "win32") continue;
    open.push(file);
    if (fix) await chmod(file, mode);
  }
  if (open.length === 0) return { check: "home", status: "ok", message: `${path}, closed to other users` };
  const message = `Other users may enter or read ${open.join(" and ")}`;
  if (fix) return { check: "home", status: "fixed", message: `${message}; closed now` };
  return { check: "home", status: "warning", message, remedy: "reprise doctor --fix" };
}

/** Whether there is room for artifacts. */
export async function checkDisk(path: string): Promise<Finding> {
  const disk = await statfs(path).catch(() => undefined);
  if (disk === undefined) return { check: "disk", status: "ok", message: "not looked at: there is no store yet" };
  const free = disk.bavail * disk.bsize;
  const message = `${formatBytes(free)} free for ${path}`;
  if (free > 1e9) return { check: "disk", status: "ok", message };
  return {
    check: "disk",
    status: free > 1e8 ? "warning" : "problem",
    message,
    remedy: "reprise gc --older-than 30d, or more room.",
  };
}

/** Opens the store and has the database check itself; then looks for pipeline runs whose process is gone. */
export async function checkStore(path: string, fix: boolean): Promise<Finding[]> {
  if ((await stat(path).catch(() => undefined)) === undefined) return [];
  try {
    await using home = await openHome({ path });
    const problems = await home.backend.check();
    const counts = await home.backend.statistics();
    const database: Finding =
      problems.length === 0
        ? {
            check: "database",
            status: "ok",
            message: `${counts.pipelineRuns} pipeline runs, ${counts.runs} runs, ${counts.artifacts} artifacts, ${formatBytes(counts.bytes)}`,
          }
        : {
            check: "database",
            status: "problem",
            message: problems.slice(0, 5).join("; "),
            remedy: `Move ${home.backend.place} away and restore a backup.`,
          };
    return [database, await checkCache(home, fix), await checkRuns(home, fix)];
  } catch (error) {
    if (!RepriseError.is(error)) throw error;
    return [{ check: "database", status: "problem", message: error.message }];
  }
}

/** Whether git is there, with which code states are recorded. */
export async function checkGit(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)("git", ["--version"]);
    return { check: "git", status: "ok", message: stdout.trim() };
  } catch {
    return {
      check: "git",
      status: "warning",
      message: "git is not there: runs are recorded without commit",
      remedy: "Install git.",
    };
  }
}

/** Whether the cache can be read. It holds nothing that cannot be computed again, so a damaged one is moved away. */
async function checkCache({ cache }: Home, fix: boolean): Promise<Finding> {
  try {
    const groups = await cache.groups();
    const entries = groups.reduce((sum, group) => sum + group.entries, 0);
    return { check: "cache", status: "ok", message: `${entries} results to reuse` };
  } catch (error) {
    if (!RepriseError.is(error)) throw error;
    const { message } = error;
    if (!fix || error.code !== "STORE_FAILED") {
      const remedy = "reprise doctor --fix moves it away; what it held is computed again.";
      return { check: "cache", status: "problem", message, ...(error.code === "STORE_FAILED" ? { remedy } : {}) };
    }
    const away = `${cache.place}.damaged`;
    await rename(cache.place, away);
    for (const end of ["-wal", "-shm"]) await rm(`${cache.place}${end}`, { force: true });
    return { check: "cache", status: "fixed", message: `${message} It is ${away} now; the next run makes a new one.` };
  }
}

async function checkRuns({ backend }: Home, fix: boolean): Promise<Finding> {
  const gone: string[] = [];
  for (const state of pipelineStates) {
    if (isPipelineFinished(state)) continue;
    for (const run of await backend.listPipelineRuns({ state, limit: 1_000 })) {
      if (await isInterrupted(backend, run)) gone.push(run.id);
    }
  }
  const [first] = gone;
  if (first === undefined) return { check: "runs", status: "ok", message: "no pipeline run without its process" };
  const message = `Unfinished, but their process is gone: ${gone.map(shortId).join(", ")}`;
  if (!fix) {
    const remedy = `reprise resume ${shortId(first)} goes on with it; reprise doctor --fix marks all as canceled.`;
    return { check: "runs", status: "problem", message, remedy };
  }
  for (const id of gone) await backend.cancelPipelineRun(id, "its process was gone (reprise doctor)", Date.now());
  return { check: "runs", status: "fixed", message: `${message}; canceled now` };
}
