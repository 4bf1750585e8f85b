import { type BlobRef, CHUNK_SIZE, RepriseError } from "@reprise/core";
import { type TreeDirectory, walkTree } from "./tree.ts";

/**
 * Contents of small files are stored many to a blob ("pack"), because a blob of its own costs more than most files are
 * worth reading. The files keep their own digests in the tree; packs only say where their bytes are.
 *
 * Packs follow from the contents alone, so that equal trees are equal artifacts: files in the order of the tree, each
 * content once, and a pack ends where the digest of a file says so. Like that a file that was added, removed or changed
 * changes the packs around it and leaves the others as they are.
 */

/** Files up to this length (256 KiB) are packed; longer ones are blobs of their own. */
export const PACK_LIMIT: number = 256 * 1024;

// A pack is one chunk at most, which is read and verified as a whole.
const longestPack = CHUNK_SIZE;
const shortestPack = 512 * 1024;
/** A pack ends with a file of n bytes with the probability n / 2 MiB. */
const meanRest = 2 * 1024 * 1024;

/** A content that goes into a pack. */
export interface PackedContent {
  readonly digest: string;
  readonly size: number;
}

/** Divides contents into packs. */
export class Packer<T extends PackedContent> {
  readonly #seen = new Set<string>();
  #pack: T[] = [];
  #size = 0;

  /** Adds the next content; returns the packs that are complete now. */
  add(content: T): readonly (readonly T[])[] {
    if (content.size === 0 || this.#seen.has(content.digest)) return [];
    this.#seen.add(content.digest);
    const full = this.#size + content.size > longestPack ? this.finish() : [];
    this.#pack.push(content);
    this.#size += content.size;
    return this.#size >= shortestPack && endsPack(content) ? [...full, ...this.finish()] : full;
  }

  /** The pack that is not complete. */
  finish(): readonly (readonly T[])[] {
    const pack = this.#pack;
    this.#pack = [];
    this.#size = 0;
    return pack.length === 0 ? [] : [pack];
  }
}

function endsPack({ digest, size }: PackedContent): boolean {
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32 < size / meanRest;
}

/** Where a small file's content is. */
export interface PackPlace {
  readonly pack: BlobRef;
  readonly start: number;
}

/**
 * Where the contents of a tree's small files are, by digest.
 *
 * @throws RepriseError `ARTIFACT_DAMAGED` if the packs do not fit the tree.
 */
export function placeContents(root: TreeDirectory, packs: readonly BlobRef[]): ReadonlyMap<string, PackPlace> {
  const places = new Map<string, PackPlace>();
  let index = 0;
  let start = 0;
  for (const { node } of walkTree(root)) {
    if (node.kind !== "file" || node.size === 0 || node.size > PACK_LIMIT || places.has(node.digest)) continue;
    const pack = packs[index];
    if (pack === undefined || start + node.size > pack.size) throw misfit();
    places.set(node.digest, { pack, start });
    start += node.size;
    if (start === pack.size) {
      index += 1;
      start = 0;
    }
  }
  if (index !== packs.length || start !== 0) throw misfit();
  return places;
}

function misfit(): RepriseError {
  return new RepriseError(
    "ARTIFACT_DAMAGED",
    "The packs of a directory do not fit its files. Run the func that made it again.",
  );
}
