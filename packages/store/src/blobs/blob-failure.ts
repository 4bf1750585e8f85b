import { RepriseError } from "@reprise/core";
import type { BlobName } from "../blob-store.ts";

/** The error to show for what the file system said while a blob of `place` was written or read. */
export function blobFailure(error: unknown, place: string): unknown {
  if (RepriseError.is(error) || !(error instanceof Error) || error.name === "AbortError") return error;
  const { code } = error as { code?: unknown };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new RepriseError(
        "STORE_FULL",
        `The disk that holds ${place} is full (${error.message}); nothing was stored. ` +
          `Free some space (\`reprise gc\` removes what no run needs), then run again.`,
        { cause: error },
      );
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new RepriseError(
        "STORE_READ_ONLY",
        `${place} cannot be written or read by this user (${error.message}). ` +
          `Make it accessible, or choose another home with REPRISE_HOME.`,
        { cause: error },
      );
    default:
      return typeof code === "string" && code.startsWith("E")
        ? new RepriseError("STORE_FAILED", `The blob store ${place} failed: ${error.message}.`, { cause: error })
        : error;
  }
}

/** The error for a blob that is not there. */
export function blobNotFound({ digest, size }: BlobName, place: string): RepriseError {
  return new RepriseError(
    "BLOB_NOT_FOUND",
    `Blob ${digest} (${size} bytes) is not in ${place}. Run what made it again; it will be stored again.`,
  );
}

/** The error for a blob whose bytes are not those of its name. */
export function blobDamaged({ digest, size }: BlobName, place: string, what: string): RepriseError {
  return new RepriseError(
    "ARTIFACT_DAMAGED",
    `Blob ${digest} (${size} bytes) in ${place} is damaged: ${what}. It was moved to the folder quarantine there. ` +
      `Run what made it again; it will be stored again.`,
  );
}
