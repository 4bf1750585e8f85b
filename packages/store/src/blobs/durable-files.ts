import { constants } from "node:fs";
import { copyFile, type FileHandle, mkdir, open } from "node:fs/promises";

/** Creates a file that must not exist, readable by its owner alone, and its folder if needed. */
export async function openNew(path: string, folder: string): Promise<FileHandle> {
  try {
    return await open(path, "wx+", 0o600);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return open(path, "wx+", 0o600);
  }
}

/** Puts the names in a folder on the disk: without it a renamed file may be gone after a power failure. */
export async function syncFolder(path: string): Promise<void> {
  // Windows can neither open a folder nor needs to.
  if (process.platform === "win32") return;
  await using folder = await open(path, "r");
  await folder.sync();
}

/**
 * Makes a new file that shares the blocks of another until one of them is written, where the file system can; false
 * where it cannot, and then there is no new file.
 */
export async function cloneFile(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") throw error;
    return false;
  }
}
