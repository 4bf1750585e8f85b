import { chmod, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { BlobName, BlobStore, TransferOptions } from "@reprise/store";
import { fromSystemError } from "./file-failure.ts";

/**
 * Writes a new file; directories on the way are made. Nothing is overwritten, and nothing is left if it fails.
 *
 * Rejects with `RESTORE_CONFLICT` if something is there, and as the blob store does.
 */
export async function writeInline(path: string, content: Uint8Array, executable: boolean): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { flag: "wx", mode: executable ? 0o777 : 0o666 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rm(path, { force: true });
    throw fromSystemError(error, path);
  }
}

/** As {@link writeInline}, with the content of a blob: a copy of its own, which shares blocks where the system can. */
export async function writeBlob(
  path: string,
  blob: BlobName,
  executable: boolean,
  blobs: BlobStore,
  options: TransferOptions = {},
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await blobs.copyTo(blob, path, options);
    if (!executable) return;
    // Whoever may read it may execute it, as the shell's chmod +x does under the usual umask.
    const { mode } = await stat(path);
    await chmod(path, (mode & 0o777) | ((mode & 0o444) >> 2));
  } catch (error) {
    throw fromSystemError(error, path);
  }
}
