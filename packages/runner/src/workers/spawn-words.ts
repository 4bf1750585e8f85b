import { statSync } from "node:fs";
import { messageOf } from "../message-of.ts";

const reasons: Readonly<Record<string, string>> = {
  EAGAIN: "the system allows no more processes (EAGAIN): look at `ulimit -u`, or at the limit of the container",
  EMFILE: "this process has too many files open (EMFILE): look at `ulimit -n`",
  ENFILE: "the system has too many files open (ENFILE)",
  ENOMEM: "the system has no memory left (ENOMEM)",
  E2BIG: "the environment variables are too long (E2BIG)",
};

/** Why a process could not be started, in words. */
export function spawnWords(error: unknown, cwd: string): string {
  // The system names the program where it means the folder.
  if (!isFolder(cwd)) return `its working directory ${cwd} does not exist, or cannot be entered`;
  const { code } = error as { code?: unknown };
  return (typeof code === "string" ? reasons[code] : undefined) ?? messageOf(error);
}

/** Whether the system was short of something that it may have again. */
export function isShort(error: unknown): boolean {
  return ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"].includes(String((error as { code?: unknown }).code));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
