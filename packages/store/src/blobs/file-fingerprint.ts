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

/** The fingerprint of the file that is at `path` now, or undefined if none is. */
export async function fingerprintIfThere(path: string): Promise<FileFingerprint | undefined> {
  try {
    return await fingerprint(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether nobody has written to the file between the two. */
export function equalFingerprints(one: FileFingerprint, other: FileFingerprint): boolean {
  return (
    one.size === other.size &&
    one.modified === other.modified &&
    one.changed === other.changed &&
    one.inode === other.inode &&
    one.device === other.device
  );
}

/** Whether the file at `path` is still the one of the fingerprint, unchanged. */
export async function isSameFile(path: string, before: FileFingerprint): Promise<boolean> {
  const now = await fingerprintIfThere(path);
  return now !== undefined && equalFingerprints(now, before);
}
