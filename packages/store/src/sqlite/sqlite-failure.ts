import { RepriseError } from "@reprise/core";

// Primary result codes of SQLite; the upper bits of `errcode` say more.
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** The primary result code of an error that SQLite threw, or undefined if it is not one. */
export function sqliteCode(error: unknown): number | undefined {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** Whether another connection was in the way: trying again may help. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === BUSY || code === LOCKED;
}

/** The error to show for what SQLite threw at the database `place`; errors of reprise are passed on as they are. */
export function storeFailure(error: unknown, place: string): RepriseError {
  if (RepriseError.is(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  switch (sqliteCode(error)) {
    case FULL:
      return new RepriseError(
        "STORE_FULL",
        `The disk that holds ${place} is full; the last batch was not written, everything before it is safe. ` +
          `Free some space (\`reprise gc\` removes what no run needs), then run again.`,
        cause,
      );
    case READONLY:
      return readOnly(place, cause);
    case CANTOPEN:
      return new RepriseError(
        "STORE_FAILED",
        `The database ${place} cannot be opened: its folder is missing or may not be read. ` +
          `Check the folder, or choose another home with REPRISE_HOME.`,
        cause,
      );
    case CORRUPT:
    case NOTADB:
      return new RepriseError(
        "STORE_FAILED",
        `The database ${place} is damaged (${text}). Restore it from a backup, or move it away: ` +
          `the next run begins a new one, and blobs stay usable.`,
        cause,
      );
    case BUSY:
    case LOCKED:
      return new RepriseError(
        "STORE_FAILED",
        `The database ${place} is held by another process for too long (${text}). ` +
          `Wait for it or end it, then run again; \`reprise doctor\` tells which processes are at work.`,
        cause,
      );
    default:
      return new RepriseError("STORE_FAILED", `The database ${place} failed: ${text}.`, cause);
  }
}

/** The error for a database that may not be written. */
export function readOnly(place: string, options: { readonly cause?: unknown } = {}): RepriseError {
  return new RepriseError(
    "STORE_READ_ONLY",
    `${place} cannot be written: the file, its folder or its file system is read-only for this user. ` +
      `Make it writable, or choose another home with REPRISE_HOME.`,
    options,
  );
}
