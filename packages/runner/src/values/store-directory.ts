import { realpath, stat } from "node:fs/promises";
import { RepriseError } from "@reprise/core";
import type { BlobStore, TransferOptions } from "@reprise/store";
import { describeKind, fromSystemError } from "./file-failure.ts";
import { type ScannedDirectory, scanDirectory, type ScanOptions } from "./scan-directory.ts";
import { memoFor } from "./stat-memo.ts";
import { storeTree, type StoredTree } from "./store-tree.ts";
import { followPath } from "./tree-links.ts";

/**
 * Stores what a directory holds now. If it changes meanwhile, it is tried once more.
 *
 * Rejects as `DirectoryArtifact.from` does.
 */
export async function storeDirectory(
  path: string,
  scan: ScanOptions,
  blobs: BlobStore,
  transfer: TransferOptions,
): Promise<StoredTree> {
  const root = await directoryAt(path);
  const memo = await memoFor(blobs);
  const attempt = async (): Promise<StoredTree> => {
    const scanned = await scanDirectory(root, scan);
    checkLinks(scanned, scanned);
    return storeTree(scanned, { ...transfer, blobs, memo });
  };
  try {
    return await attempt();
  } catch (error) {
    // What vanished between listing and reading has changed too.
    const vanished = (error as { cause?: { code?: unknown } }).cause?.code === "ENOENT";
    if (!RepriseError.is(error, "FILE_CHANGED") && !vanished) throw error;
    return await attempt();
  }
}

async function directoryAt(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    if (found.isDirectory()) return real;
    const what = found.isFile() ? "a file; use FileArtifact.from" : describeKind(found);
    throw new RepriseError("FILE_UNREADABLE", `${JSON.stringify(path)} is ${what}.`);
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** A link out of the directory means something else, or nothing, wherever the directory is restored. */
function checkLinks(root: ScannedDirectory, directory: ScannedDirectory): void {
  for (const node of directory.nodes) {
    if (node.kind === "directory") checkLinks(root, node);
    if (node.kind !== "link" || followPath(root, node.within, node.target).kind !== "outside") continue;
    throw new RepriseError(
      "FILE_UNREADABLE",
      `The link ${JSON.stringify([...node.within, node.name].join("/"))} in ${JSON.stringify(root.path)} leads out of the ` +
        `directory, to ${JSON.stringify(node.target)}. Pass follow: true to store what is there in its place, or add it to ignore.`,
    );
  }
}
