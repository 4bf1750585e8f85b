import type { Stats } from "node:fs";
import { RepriseError } from "@reprise/core";
import type { TaskFailure } from "./file-tasks.ts";

/** The error for what went wrong with one file: it names the path and what to do. */
export function fileFailure({ path, code, message }: TaskFailure, cause?: unknown): RepriseError {
  const at = JSON.stringify(path);
  const options = cause === undefined ? {} : { cause };
  switch (code) {
    case "CHANGED":
      return new RepriseError(
        "FILE_CHANGED",
        `${at} changed while it was read. Wait until whoever writes it is done, or take a copy.`,
        options,
      );
    case "DAMAGED":
      return new RepriseError(
        "ARTIFACT_DAMAGED",
        `${at} was not restored: ${message}. Run the func that made it again.`,
      );
    case "EEXIST":
      return new RepriseError(
        "RESTORE_CONFLICT",
        `${at} is there already and was not overwritten. Restore to a place where nothing is.`,
        options,
      );
    case "ENOENT":
      return new RepriseError("FILE_UNREADABLE", `${at} does not exist.`, options);
    default:
      return new RepriseError("FILE_UNREADABLE", `${at} cannot be read or written: ${message}.`, options);
  }
}

/** The error for whatever a call of `node:fs` threw; other errors stay what they are. */
export function fromSystemError(error: unknown, path: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (RepriseError.is(error) || typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return error;
  return fileFailure({ path, code, message }, error);
}

/** What is there, if it is no regular file. */
export function describeKind(found: Stats): string {
  if (found.isDirectory()) return "a directory";
  if (found.isFIFO()) return "a FIFO (named pipe)";
  if (found.isSocket()) return "a socket";
  if (found.isBlockDevice()) return "a block device";
  return found.isCharacterDevice() ? "a character device" : "no regular file";
}
