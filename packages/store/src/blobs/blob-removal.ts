import { link, mkdir, opendir, rename, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_SIZE } from "@reprise/core";
import type { BlobName, DeleteOptions } from "../blob-store.ts";
import { type BlobLayout, digestOfFile, isTree } from "./blob-layout.ts";
import { ifThere, succeeds } from "../if-there.ts";

/**
 * Removes blobs, except those that somebody has used since `unusedSince`; returns what was removed.
 *
 * A blob is first moved away and then looked at: whoever stores the same content at this moment has either marked it
 * before it was moved, which is seen now, or finds it missing and writes it anew.
 */
export async function deleteBlobs(
  layout: BlobLayout,
  blobs: readonly BlobName[],
  { unusedSince }: DeleteOptions,
): Promise<readonly BlobName[]> {
  await mkdir(layout.trash, { recursive: true, mode: 0o700 });
  const removed: BlobName[] = [];
  for (const blob of blobs) if (await deleteBlob(layout, blob, unusedSince)) removed.push(blob);
  return removed;
}

async function deleteBlob(layout: BlobLayout, blob: BlobName, unusedSince: number | undefined): Promise<boolean> {
  const file = layout.file(blob);
  const trashed = layout.trashed(blob);
  if (!(await succeeds(rename(file, trashed)))) return false;
  if (unusedSince !== undefined) {
    const used = (await ifThere(stat(trashed)))?.mtimeMs;
    if (used === undefined) return false;
    if (used >= unusedSince) {
      await succeeds(putBack(trashed, file));
      return false;
    }
  }
  // A reader may have taken it back.
  if (!(await succeeds(unlink(trashed)))) return false;
  if (isTree(blob)) await rm(layout.chunks(blob), { force: true });
  return true;
}

/** Every blob, with the time when it was last written or stored again. */
export async function* listBlobs(layout: BlobLayout): AsyncGenerator<BlobName & { readonly modifiedAt: number }> {
  for await (const folder of entries(layout.root)) {
    for await (const name of folder.length === 2 ? entries(join(layout.root, folder)) : []) {
      const found = digestOfFile(folder, name);
      if (found === undefined) continue;
      const status = await ifThere(stat(join(layout.root, folder, name)));
      // A file whose length does not fit its name is damaged; it is listed under the name it was given.
      if (status === undefined) continue;
      const size = found.tree ? Math.max(status.size, CHUNK_SIZE + 1) : Math.min(status.size, CHUNK_SIZE);
      yield { digest: found.digest, size, modifiedAt: status.mtimeMs };
    }
  }
}

/** Removes leftovers of crashes: temporary files, blobs in removal, digests of chunks without their blob. */
export async function sweepBlobs(
  layout: BlobLayout,
  before: number,
  dryRun: boolean,
): Promise<{ files: number; bytes: number }> {
  const removed = { files: 0, bytes: 0 };
  const remove = async (path: string) => {
    const status = await ifThere(stat(path));
    if (status === undefined || status.mtimeMs >= before) return;
    if (!dryRun) await rm(path, { force: true });
    removed.files += 1;
    removed.bytes += status.size;
  };
  for (const folder of [layout.temporary, layout.trash]) {
    for await (const name of entries(folder)) await remove(join(folder, name));
  }
  for await (const folder of entries(layout.root)) {
    for await (const name of folder.length === 2 ? entries(join(layout.root, folder)) : []) {
      const path = join(layout.root, folder, name);
      if (!name.endsWith(".chunks")) continue;
      if ((await ifThere(stat(path.slice(0, -".chunks".length)))) === undefined) await remove(path);
    }
  }
  return removed;
}

/** Back to its name, unless somebody has written the blob again meanwhile. */
async function putBack(trashed: string, file: string): Promise<void> {
  await succeeds(link(trashed, file));
  await unlink(trashed);
}

async function* entries(folder: string): AsyncGenerator<string> {
  const directory = await ifThere(opendir(folder));
  for await (const entry of directory ?? []) yield entry.name;
}
