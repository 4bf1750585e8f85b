import { mkdtemp } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BlobRef, digestBytes, registerClass, RepriseError } from "@reprise/core";
import type { BlobStore, TransferOptions } from "@reprise/store";
import { boundBlobs, currentBlobs, currentWorkdir } from "./blobs.ts";
import { summarizeTree } from "./directory-summary.ts";
import { FileArtifact } from "./file-artifact.ts";
import { contentOf, headOf, INLINE_CONTENT } from "./file-content.ts";
import { ignoreGlobs } from "./ignore-globs.ts";
import { digestTree, readListing, writeListing } from "./listing.ts";
import { PACK_LIMIT, placeContents } from "./packs.ts";
import { restoreTree } from "./restore-tree.ts";
import { storeDirectory } from "./store-directory.ts";
import type { StoredTree } from "./store-tree.ts";
import { type TreeDirectory, type TreeFile, walkTree } from "./tree.ts";
import { followPath } from "./tree-links.ts";

/** Options of {@link DirectoryArtifact.from}. */
export interface DirectoryFromOptions extends TransferOptions {
  /**
   * What is left out: globs as in a `.gitignore`. They are part of the value: other globs are another value, even if they
   * leave out the same files. Default: none.
   */
  readonly ignore?: readonly string[] | undefined;
  /** Whether what a link leads to takes its place. Default: false, links stay links. */
  readonly follow?: boolean | undefined;
  /** Whether `.DS_Store` and `Thumbs.db`, which desktops drop everywhere, are taken too. Default: false. */
  readonly includeDefaultIgnored?: boolean | undefined;
}

/** What is at one path of a directory. */
export type DirectoryEntry =
  | {
      readonly kind: "file";
      /** Path from the directory, parts joined by `/`. */
      readonly path: string;
      /** In bytes. */
      readonly size: number;
      readonly digest: string;
      readonly executable: boolean;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "directory"; readonly path: string };

/** What makes up a directory; only this package makes one. */
export interface DirectoryParts extends Omit<StoredTree, "root"> {
  readonly listing: Uint8Array;
  readonly root?: TreeDirectory;
  readonly digest: string;
  readonly ignore: readonly string[];
  /** Where the blobs are. Default: the store of whoever reads. */
  readonly store: BlobStore | undefined;
}

interface StoredDirectory {
  readonly digest: Uint8Array;
  readonly listing: Uint8Array;
  readonly packs: readonly BlobRef[];
  readonly blobs: readonly BlobRef[];
  readonly ignore: readonly string[];
}

/**
 * A directory as a value: names, contents, which files may be executed, links as links, and directories, empty ones too.
 * Its own name, times, owners and the other bits of modes do not count. From Flyte's `FlyteDirectory`, but told apart by
 * content and not by path.
 *
 * A directory that a func gets is a light handle: it knows what there is, contents are read when they are asked for.
 *
 * @example
 * ```ts
 * const count = func("count", (images: DirectoryArtifact) => images.entries().length);
 * await new LocalRunner().run(count(await DirectoryArtifact.from("images", { ignore: ["*.tmp"] })));
 * ```
 */
export class DirectoryArtifact {
  /** Digest of the tree. The globs of `ignore`, which are part of the value, are not in it. */
  readonly digest: string;
  /** The globs that were given when it was made. */
  readonly ignore: readonly string[];
  readonly #parts: DirectoryParts;
  #root: TreeDirectory | undefined;

  /** Not for users: see {@link DirectoryArtifact.from}. */
  constructor(parts: DirectoryParts) {
    this.digest = parts.digest;
    this.ignore = Object.freeze([...parts.ignore]);
    this.#parts = parts;
    this.#root = parts.root;
    Object.freeze(this);
  }

  /**
   * The directory at `path` as it is now. Contents are stored; files that were hashed before and have not been touched
   * since are not read again.
   *
   * Rejects with `FILE_UNREADABLE` naming the path of what cannot be stored: a FIFO, a socket, a device, a name that is
   * not UTF-8, a link out of the directory (unless `follow`); with `FILE_CHANGED` if it changes while it is read, twice;
   * and as the store does.
   *
   * @param path a link is followed.
   */
  static async from(path: string, options: DirectoryFromOptions = {}): Promise<DirectoryArtifact> {
    // First of all, because what it gives depends on where it is asked.
    const store = await currentBlobs();
    const globs = await ignoreGlobs(options.ignore ?? [], options.includeDefaultIgnored !== true);
    const scan = { globs, follow: options.follow === true, signal: options.signal };
    const tree = await storeDirectory(path, scan, store, options);
    const listing = writeListing(tree.root);
    return new DirectoryArtifact({ ...tree, listing, digest: digestTree(tree.root), ignore: globs.globs, store });
  }

  /** Bytes of all files together; the same content in two files counts twice. */
  get size(): number {
    let size = 0;
    for (const { node } of walkTree(this.#tree())) if (node.kind === "file") size += node.size;
    return size;
  }

  /** Everything in it, at any depth: each directory before what it holds, names in the order of their bytes. */
  entries(): DirectoryEntry[] {
    return Array.from(walkTree(this.#tree()), ({ path, node }): DirectoryEntry => {
      if (node.kind === "directory") return { kind: "directory", path };
      if (node.kind === "link") return { kind: "link", path, target: node.target };
      return { kind: "file", path, size: node.size, digest: node.digest, executable: node.executable };
    });
  }

  /**
   * One file of it as a value of its own, without its name.
   *
   * Rejects with `FILE_UNREADABLE` if there is no file at the path; `BLOB_NOT_FOUND`, `ARTIFACT_DAMAGED`.
   *
   * @param path from the directory, parts joined by `/`; links within the directory are followed.
   */
  async file(path: string): Promise<FileArtifact> {
    const found = followPath<TreeFile>(this.#tree(), [], path);
    if (found.kind !== "node" || found.node.kind !== "file") {
      const what = found.kind === "node" ? `a ${found.node.kind}, not a file` : reasons[found.kind];
      throw new RepriseError("FILE_UNREADABLE", `${JSON.stringify(path)} of a DirectoryArtifact is ${what}.`);
    }
    return this.#fileOf(found.node);
  }

  /**
   * Writes a private copy and returns its path: changing it changes nothing else. Large files share blocks with the store
   * until then where the file system can do that.
   *
   * Rejects with `RESTORE_CONFLICT` if something is at the path, or if the file system cannot hold two of the names side
   * by side; `BLOB_NOT_FOUND`, `ARTIFACT_DAMAGED`.
   *
   * @param to a directory that does not exist or is empty. Default: a fresh one in the working directory of the run
   * (outside a run a temporary one).
   */
  async download(to?: string, options: TransferOptions = {}): Promise<string> {
    const path = to === undefined ? await mkdtemp(join(currentWorkdir(), "directory-")) : resolve(to);
    await restoreTree({ root: this.#tree(), packs: this.#parts.packs, blobs: await this.#store() }, path, options);
    return path;
  }

  async #fileOf({ digest, size, executable }: TreeFile): Promise<FileArtifact> {
    const store = await this.#store();
    if (size > PACK_LIMIT) {
      const blob = new BlobRef(digest, size);
      const head = await headOf(store, blob);
      return new FileArtifact({ content: { blob, head }, name: undefined, executable, blobs: store });
    }
    const bytes = size === 0 ? new Uint8Array() : await this.#packed(digest, size, store);
    if (size <= INLINE_CONTENT) {
      return new FileArtifact({ content: { inline: bytes }, name: undefined, executable, blobs: store });
    }
    // As a value of its own its content is a blob, as it is for every file of this length.
    const content = await contentOf(bytes, async () => store, {});
    return new FileArtifact({ content, name: undefined, executable, blobs: store });
  }

  async #packed(digest: string, size: number, store: BlobStore): Promise<Uint8Array> {
    const place = placeContents(this.#tree(), this.#parts.packs).get(digest);
    if (place === undefined) throw damaged();
    const bytes = (await store.read(place.pack)).slice(place.start, place.start + size);
    if (digestBytes(bytes) !== digest) throw damaged();
    return new Uint8Array(bytes);
  }

  #tree(): TreeDirectory {
    if (this.#root === undefined) {
      const root = readListing(this.#parts.listing);
      if (digestTree(root) !== this.digest) throw damaged();
      this.#root = root;
    }
    return this.#root;
  }

  async #store(): Promise<BlobStore> {
    return this.#parts.store ?? currentBlobs();
  }

  static #encode(directory: DirectoryArtifact): StoredDirectory {
    const { digest, ignore } = directory;
    const { listing, packs, blobs } = directory.#parts;
    return { digest: new Uint8Array(Buffer.from(digest, "hex")), listing, packs, blobs, ignore };
  }

  static {
    registerClass(DirectoryArtifact, {
      name: "reprise/DirectoryArtifact",
      encode: (directory) => DirectoryArtifact.#encode(directory),
      decode: (stored: StoredDirectory) => new DirectoryArtifact(partsOf(stored)),
      summary: (directory) => summarizeTree(directory.#tree(), directory),
      render: "directory",
    });
  }
}

const reasons = {
  nothing: "not there",
  outside: "outside of it",
  loop: "a link that leads round in a circle",
} as const;

function partsOf({ digest, listing, packs, blobs, ignore }: StoredDirectory): DirectoryParts {
  const areRefs = [packs, blobs].every((refs) => Array.isArray(refs) && refs.every((ref) => ref instanceof BlobRef));
  const areBytes = digest instanceof Uint8Array && digest.length === 32 && listing instanceof Uint8Array;
  if (!areRefs || !areBytes || !Array.isArray(ignore) || ignore.some((glob) => typeof glob !== "string")) {
    throw damaged();
  }
  return { digest: Buffer.from(digest).toString("hex"), listing, packs, blobs, ignore, store: boundBlobs() };
}

function damaged(): RepriseError {
  return new RepriseError(
    "ARTIFACT_DAMAGED",
    "What is stored as a DirectoryArtifact is none, or its parts do not fit. Run the func that made it again.",
  );
}
