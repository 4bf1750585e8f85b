import { mkdir, readdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BlobRef, RepriseError } from "@reprise/core";
import type { BlobStore, TransferOptions } from "@reprise/store";
import { fileFailure, fromSystemError } from "./file-failure.ts";
import type { WriteTask } from "./file-tasks.ts";
import { runFileTask, runFileTaskHere } from "./file-workers.ts";
import { inOrder } from "./in-order.ts";
import { PACK_LIMIT, type PackPlace, placeContents } from "./packs.ts";
import { type PlacedNode, type TreeDirectory, type TreeFile, walkTree } from "./tree.ts";
import { writeBlob } from "./write-content.ts";

/** A tree and where its contents are. */
export interface RestoredTree {
  readonly root: TreeDirectory;
  readonly packs: readonly BlobRef[];
  readonly blobs: BlobStore;
}

interface FileToWrite {
  readonly path: string;
  readonly file: TreeFile;
  readonly start: number;
}

// Fewer files are written on this thread: starting others would take longer.
const fewFiles = 32;

/**
 * Writes a tree to a directory that does not exist or is empty. Every content is verified.
 *
 * Rejects with `RESTORE_CONFLICT` if something is there, or if two names of the tree are one to the file system (which
 * ignores case, or how accents are spelled): nothing is overwritten, and what was written is removed again.
 */
export async function restoreTree(tree: RestoredTree, to: string, options: TransferOptions = {}): Promise<void> {
  const places = placeContents(tree.root, tree.packs);
  const made = await makeRoot(to);
  try {
    await new Restoring(tree, to, options).run(places);
  } catch (error) {
    if (made) await rm(to, { recursive: true, force: true });
    else for (const name of await readdir(to)) await rm(join(to, name), { recursive: true, force: true });
    throw error;
  }
}

/** Whether the directory had to be made. */
async function makeRoot(to: string): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await mkdir(to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fromSystemError(error, to);
  }
  const there = await readdir(to).catch(() => undefined);
  if (there?.length === 0) return false;
  throw fileFailure({ path: to, code: "EEXIST", message: "" });
}

class Restoring {
  readonly #tree: RestoredTree;
  readonly #to: string;
  readonly #options: TransferOptions;
  #moved = 0;

  constructor(tree: RestoredTree, to: string, options: TransferOptions) {
    this.#tree = tree;
    this.#to = to;
    this.#options = options;
  }

  async run(places: ReadonlyMap<string, PackPlace>): Promise<void> {
    const nodes = [...walkTree(this.#tree.root)];
    const long: FileToWrite[] = [];
    const packed = new Map<BlobRef | undefined, FileToWrite[]>();
    for (const { path, node } of nodes) {
      if (node.kind === "directory") await this.#make(path);
      if (node.kind !== "file") continue;
      const place = places.get(node.digest);
      const file = { path, file: node, start: place?.start ?? 0 };
      if (node.size > PACK_LIMIT) long.push(file);
      else (packed.get(place?.pack) ?? addTo(packed, place?.pack)).push(file);
    }
    const few = nodes.length <= fewFiles;
    await drain(inOrder(packed, 3, ([pack, files]) => this.#writePack(pack, files, few)));
    await drain(inOrder(long, 4, (file) => this.#writeLong(file)));
    // Links come last, when nothing more is written below any path: none can lead a file astray.
    for (const { path, node } of nodes) if (node.kind === "link") await this.#link(path, node.target);
  }

  async #make(path: string): Promise<void> {
    this.#options.signal?.throwIfAborted();
    try {
      await mkdir(join(this.#to, path));
    } catch (error) {
      throw this.#failure(error, path);
    }
  }

  async #link(path: string, target: string): Promise<void> {
    try {
      await symlink(target, join(this.#to, path));
    } catch (error) {
      throw this.#failure(error, path);
    }
  }

  async #writePack(pack: BlobRef | undefined, files: readonly FileToWrite[], few: boolean): Promise<void> {
    this.#options.signal?.throwIfAborted();
    // Files without content are in no pack.
    const content = pack === undefined ? new Uint8Array() : await this.#tree.blobs.read(pack);
    const parts = new Float64Array(files.length * 3);
    const digests = new Uint8Array(files.length * 32);
    for (const [index, { file, start }] of files.entries()) {
      parts.set([start, file.size, file.executable ? 1 : 0], index * 3);
      digests.set(Buffer.from(file.digest, "hex"), index * 32);
    }
    const paths = files.map(({ path }) => join(this.#to, path)).join("\0");
    const task: WriteTask = { kind: "write", paths, parts, digests, content };
    try {
      await (few ? runFileTaskHere(task) : runFileTask(task));
    } catch (error) {
      throw this.#failure(error);
    }
    this.#progress(files.reduce((sum, { file }) => sum + file.size, 0));
  }

  async #writeLong({ path, file }: FileToWrite): Promise<void> {
    const { blobs } = this.#tree;
    try {
      await writeBlob(join(this.#to, path), file, file.executable, blobs, { signal: this.#options.signal });
    } catch (error) {
      throw this.#failure(error, path);
    }
    this.#progress(file.size);
  }

  /** Something is there although the directory was empty: the file system takes two names for one. */
  #failure(error: unknown, path?: string): unknown {
    const exists = RepriseError.is(error, "RESTORE_CONFLICT") || (error as NodeJS.ErrnoException).code === "EEXIST";
    if (!exists) return path === undefined ? error : fromSystemError(error, join(this.#to, path));
    const what = path === undefined ? (error as Error).message.split(" is there already")[0] : JSON.stringify(path);
    return new RepriseError(
      "RESTORE_CONFLICT",
      `${what} cannot be restored to ${this.#to}: the file system takes its name for that of another file of the directory` +
        `${this.#twins(path)}. Nothing was overwritten. Restore to a file system that tells them apart.`,
      { cause: error },
    );
  }

  #twins(path: string | undefined): string {
    if (path === undefined) return "";
    const folded = fold(path);
    const twin = [...walkTree(this.#tree.root)].find(
      (other: PlacedNode) => other.path !== path && fold(other.path) === folded,
    );
    return twin === undefined ? "" : ` (${JSON.stringify(twin.path)})`;
  }

  #progress(bytes: number): void {
    this.#moved += bytes;
    this.#options.onProgress?.(this.#moved);
  }
}

function fold(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

function addTo<K, V>(groups: Map<K, V[]>, key: K): V[] {
  const group: V[] = [];
  groups.set(key, group);
  return group;
}

async function drain(work: AsyncGenerator<void>): Promise<void> {
  while ((await work.next()).done !== true);
}
