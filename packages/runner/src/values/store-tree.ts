import { availableParallelism } from "node:os";
import { lstat } from "node:fs/promises";
import { BlobRef, digestBytes } from "@reprise/core";
import type { BlobName, BlobStore, TransferOptions } from "@reprise/store";
import { fileFailure } from "./file-failure.ts";
import { isExecutable, type ReadFiles, type ReadTask, type StampTask, statFields } from "./file-tasks.ts";
import { runFileTask, runFileTaskHere } from "./file-workers.ts";
import { inOrder } from "./in-order.ts";
import { digestAt, KnownDirectories } from "./known-files.ts";
import { PACK_LIMIT, Packer } from "./packs.ts";
import type { ScannedDirectory, ScannedNode } from "./scan-directory.ts";
import type { StatMemo } from "./stat-memo.ts";
import { storeKnown } from "./store-known.ts";
import type { TreeDirectory, TreeFile, TreeNode } from "./tree.ts";

/** A tree whose contents are in a blob store. */
export interface StoredTree {
  readonly root: TreeDirectory;
  /** The blobs that hold the contents of small files. */
  readonly packs: readonly BlobRef[];
  /** The contents of long files, each once, in the order of the tree. */
  readonly blobs: readonly BlobRef[];
}

/** Where contents go, and what is known of them. */
export interface StoreTreeOptions extends TransferOptions {
  readonly blobs: BlobStore;
  readonly memo: StatMemo;
}

const filesPerTask = 64;
// Up to so many files are read on this thread: starting others would take longer.
const fewFiles = 32;

/** A file on its way into the store. */
interface File {
  readonly directory: string;
  readonly name: string;
  /** Where it is read: elsewhere than in its directory if a link to it was followed. */
  readonly path: string;
  digest: string;
  size: number;
  executable: boolean;
  /** Where its content is from `start` on; absent if it was not read because it is as it was. */
  source: Uint8Array | undefined;
  start: number;
}

/**
 * Hashes the files of a directory and stores their contents.
 *
 * Rejects with `FILE_CHANGED` if a file or a directory changed meanwhile, `FILE_UNREADABLE` if one cannot be read, and as
 * the blob store does.
 */
export async function storeTree(scan: ScannedDirectory, options: StoreTreeOptions): Promise<StoredTree> {
  return new TreeStoring(options).run(scan);
}

class TreeStoring {
  readonly #options: StoreTreeOptions;
  /** In the order of the tree. */
  readonly #files: File[] = [];
  #stats = new Float64Array(0);
  #digests = new Uint8Array(0);
  readonly #directories: ScannedDirectory[] = [];
  readonly #known: KnownDirectories;
  readonly #packer = new Packer<File>();
  readonly #packs: BlobRef[] = [];
  readonly #started: number;
  #moved = 0;

  constructor(options: StoreTreeOptions) {
    this.#options = options;
    this.#known = new KnownDirectories(options.memo);
    this.#started = options.memo.now();
  }

  async run(scan: ScannedDirectory): Promise<StoredTree> {
    const { memo } = this.#options;
    this.#collect(scan);
    this.#stats = new Float64Array(this.#files.length * statFields);
    this.#digests = new Uint8Array(this.#files.length * 32);
    await this.#readFiles();
    for (const pack of this.#packer.finish()) await this.#storePack(pack);
    const blobs = await this.#storeLongFiles();
    await this.#checkDirectories();
    this.#known.remember({ files: this.#files, stats: this.#stats, digests: this.#digests }, this.#started);
    memo.save();
    const files = this.#files.values();
    return { root: treeOf(scan, () => files.next().value as File), packs: this.#packs, blobs };
  }

  #collect(directory: ScannedDirectory): void {
    this.#directories.push(directory);
    for (const node of directory.nodes) {
      if (node.kind === "directory") this.#collect(node);
      if (node.kind !== "file") continue;
      const nothing = { digest: "", size: 0, executable: false, source: undefined, start: 0 };
      this.#files.push({ directory: directory.path, name: node.name, path: node.path, ...nothing });
    }
  }

  async #readFiles(): Promise<void> {
    const few = this.#files.length <= fewFiles;
    const groups = inOrder(groupsOf(this.#files, filesPerTask), availableParallelism() * 2, async (files) => {
      this.#options.signal?.throwIfAborted();
      const paths = files.map(({ path }) => path).join("\0");
      const task: ReadTask = { kind: "read", paths, longest: PACK_LIMIT, known: this.#known.stats(files) };
      return { files, read: few ? runFileTaskHere(task) : await runFileTask(task) };
    });
    let first = 0;
    for await (const { files, read } of groups) {
      this.#take(first, files, read);
      first += files.length;
      for (const file of files) {
        if (file.size > PACK_LIMIT) continue;
        this.#progress(file.size);
        for (const pack of this.#packer.add(file)) await this.#storePack(pack);
      }
    }
  }

  #take(first: number, files: readonly File[], { stats, ways, digests, content }: ReadFiles): void {
    this.#stats.set(stats, first * statFields);
    this.#digests.set(digests, first * 32);
    let start = 0;
    for (const [index, file] of files.entries()) {
      file.size = stats[index * statFields] ?? 0;
      file.executable = isExecutable(stats[(index + 1) * statFields - 1] ?? 0);
      if (ways[index] === "k") {
        file.digest = this.#known.digest(file) ?? "";
        this.#digests.set(Buffer.from(file.digest, "hex"), (first + index) * 32);
      } else if (ways[index] === "r") {
        file.digest = digestAt(digests, index);
        file.source = content;
        file.start = start;
        start += file.size;
      }
    }
  }

  async #storePack(pack: readonly File[]): Promise<void> {
    const { blobs, memo, signal } = this.#options;
    const digests = pack.map(({ digest }) => digest);
    let name: BlobName | undefined;
    if (pack.some(({ source }) => source === undefined)) {
      const known = memo.pack(digests);
      if (known !== undefined && (await storeKnown(blobs, known))) name = known;
      else await readAgain(pack);
    }
    if (name === undefined) {
      const bytes = joined(pack);
      name = await blobs.put(bytes, { known: { digest: digestBytes(bytes), size: bytes.length }, signal });
      memo.rememberPack(digests, name);
    }
    for (const file of pack) file.source = undefined;
    this.#packs.push(new BlobRef(name.digest, name.size));
  }

  async #storeLongFiles(): Promise<BlobRef[]> {
    const refs = new Map<string, BlobRef>();
    const long = [...this.#files.entries()].filter(([, { size }]) => size > PACK_LIMIT);
    const stored = inOrder(long, 4, async ([index, file]) => ({
      index,
      file,
      name: await this.#storeLongFile(index, file),
    }));
    for await (const { index, file, name } of stored) {
      file.digest = name.digest;
      this.#digests.set(Buffer.from(name.digest, "hex"), index * 32);
      if (!refs.has(name.digest)) refs.set(name.digest, new BlobRef(name.digest, name.size));
    }
    return [...refs.values()];
  }

  async #storeLongFile(index: number, file: File): Promise<BlobName> {
    const { blobs, signal } = this.#options;
    const known = { digest: file.digest, size: file.size };
    if (file.digest !== "" && (await storeKnown(blobs, known))) {
      this.#progress(file.size);
      return known;
    }
    let moved = 0;
    const name = await blobs.putFile(file.path, {
      signal,
      onProgress: (bytes) => {
        this.#progress(bytes - moved);
        moved = bytes;
      },
    });
    this.#progress(name.size - moved);
    const { size, mtimeMs, ctimeMs, ino, dev, mode } = await lstat(file.path);
    const now = [size, mtimeMs, ctimeMs, ino, dev, mode];
    if (name.size !== file.size || now.some((value, field) => value !== this.#stats[index * statFields + field])) {
      throw fileFailure({ path: file.path, code: "CHANGED", message: "" });
    }
    return name;
  }

  /** What was added or removed while files were read is seen here. */
  async #checkDirectories(): Promise<void> {
    const groups = inOrder(groupsOf(this.#directories, 1_024), 2, async (directories) => {
      const task: StampTask = { kind: "stamp", paths: directories.map(({ path }) => path).join("\0") };
      return { directories, stamps: directories.length <= 256 ? runFileTaskHere(task) : await runFileTask(task) };
    });
    for await (const { directories, stamps } of groups) {
      for (const [index, { path, stamp }] of directories.entries()) {
        if (stamp.every((value, field) => value === stamps[index]?.[field])) continue;
        throw fileFailure({ path, code: "CHANGED", message: "" });
      }
    }
  }

  #progress(bytes: number): void {
    this.#moved += bytes;
    this.#options.onProgress?.(this.#moved);
  }
}

/** Reads the files of a pack that were not read because they are as they were. */
async function readAgain(pack: readonly File[]): Promise<void> {
  const files = pack.filter(({ source }) => source === undefined);
  for (const group of groupsOf(files, filesPerTask)) {
    const paths = group.map(({ path }) => path).join("\0");
    const { ways, digests, content } = await runFileTask<ReadTask>({ kind: "read", paths, longest: PACK_LIMIT });
    let start = 0;
    for (const [index, file] of group.entries()) {
      if (ways[index] !== "r" || digestAt(digests, index) !== file.digest) {
        throw fileFailure({ path: file.path, code: "CHANGED", message: "" });
      }
      file.source = content;
      file.start = start;
      start += file.size;
    }
  }
}

function joined(pack: readonly File[]): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(pack.reduce((sum, { size }) => sum + size, 0));
  let length = 0;
  for (const { source, start, size } of pack) {
    if (source !== undefined) bytes.set(source.subarray(start, start + size), length);
    length += size;
  }
  return bytes;
}

function treeOf(scan: ScannedDirectory, nextFile: () => File): TreeDirectory {
  const nodeOf = (node: ScannedNode): TreeNode => {
    if (node.kind === "directory") return treeOf(node, nextFile);
    if (node.kind === "link") return { kind: "link", name: node.name, target: node.target };
    const { digest, size, executable } = nextFile();
    return { kind: "file", name: node.name, size, digest, executable } satisfies TreeFile;
  };
  return { kind: "directory", name: scan.name, nodes: scan.nodes.map(nodeOf) };
}

function* groupsOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
