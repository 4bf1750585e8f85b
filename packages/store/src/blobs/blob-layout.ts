import { join } from "node:path";
import { CHUNK_SIZE } from "@reprise/core";
import type { BlobName } from "../blob-store.ts";

/**
 * Where the files of a local blob store are:
 *
 * - `ab/cdef…`: a blob of up to 8 MiB whose SHA-256 is `abcdef…`;
 * - `ab/cdef….tree`: a longer blob, named by the root of its tree of chunks. The two kinds have names of their own,
 *   because the bytes from which a root is computed are themselves a blob that somebody could store;
 * - `ab/cdef….tree.chunks`: the digests of its chunks, 32 bytes each, so that a range can be verified alone. It needs
 *   no trust: its own hash has to give the root. It is beside the blob and not behind its bytes, so that the blob's file
 *   is the user's file and can be cloned by the file system;
 * - `tmp/`: what is being written; `trash/`: what is being removed; `quarantine/`: what was found damaged.
 */
export class BlobLayout {
  readonly root: string;
  readonly temporary: string;
  readonly trash: string;
  readonly quarantine: string;

  constructor(root: string) {
    this.root = root;
    this.temporary = join(root, "tmp");
    this.trash = join(root, "trash");
    this.quarantine = join(root, "quarantine");
  }

  /** The folder of a blob. */
  folder({ digest }: BlobName): string {
    return join(this.root, digest.slice(0, 2));
  }

  /** The file of a blob. */
  file(blob: BlobName): string {
    return join(this.folder(blob), blob.digest.slice(2) + suffix(blob));
  }

  /** The file with the digests of a long blob's chunks. */
  chunks(blob: BlobName): string {
    return `${this.file(blob)}.chunks`;
  }

  /** Where a blob stands while it is being removed. */
  trashed(blob: BlobName): string {
    return join(this.trash, blob.digest + suffix(blob));
  }

  /** Where a damaged blob is moved to. */
  quarantined(blob: BlobName, now: number): string {
    return join(this.quarantine, `${blob.digest}${suffix(blob)}.${now}`);
  }
}

/** Whether a blob is named by the root of a tree of chunks. */
export function isTree({ size }: BlobName): boolean {
  return size > CHUNK_SIZE;
}

/** The digest that a file's place stands for, or undefined if it is no blob. */
export function digestOfFile(folder: string, file: string): { digest: string; tree: boolean } | undefined {
  const match = /^([0-9a-f]{62})(\.tree)?$/.exec(file);
  if (match?.[1] === undefined || !/^[0-9a-f]{2}$/.test(folder)) return undefined;
  return { digest: folder + match[1], tree: match[2] !== undefined };
}

function suffix(blob: BlobName): string {
  return isTree(blob) ? ".tree" : "";
}
