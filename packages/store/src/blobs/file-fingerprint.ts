import { stat } from "node:fs/promises";

/** What tells that a file was changed: any write moves at least one of these. Times are nanoseconds. */
export interface FileFingerprint {
  readonly size: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

/** The fingerprint of the file that is at `path` now. */
export async function fingerprint(path: string): Promise<FileFingerprint> {
  const { size, mtimeNs, ctimeNs, ino, dev } = await stat(path, { bigint: true });
  return { size, modified: mtimeNs, changed: ctimeNs, inode: ino, device: dev };
}

/** Whether the file at `path` is still the one of the fingerprint, unchanged. */
export async function isSameFile(path: string, before: FileFingerprint): Promise<boolean> {
  try {
    const now = await fingerprint(path);
    return (
      now.size === before.size &&
      now.modified === before.modified &&
      now.changed === before.changed &&
      now.inode === before.inode &&
      now.device === before.device
    );
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return false;
    throw error;
  }
}
