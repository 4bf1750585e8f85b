import { realpath, stat } from "node:fs/promises";
import { BlobRef, digestBytes, RepriseError } from "@reprise/core";
import type { BlobName, BlobStore, TransferOptions } from "@reprise/store";
import { describeKind, fileFailure, fromSystemError } from "./file-failure.ts";
import { isExecutable, type ReadTask, statFields } from "./file-tasks.ts";
import { runFileTaskHere } from "./file-workers.ts";
import { memoFor } from "./stat-memo.ts";
import { storeKnown } from "./store-known.ts";

/**
 * Content up to this length (16 KiB) is part of the value itself; longer content is a blob. A blob of its own costs more
 * than such a file is worth, and many files make many.
 */
export const INLINE_CONTENT: number = 16 * 1024;

/** How much of the beginning of a long content is kept with the value, for whoever looks at it. */
export const HEAD_LENGTH = 1_024;

/** What a file holds: all of it, or the name of the blob that does, and how it begins. */
export type FileContent = { readonly inline: Uint8Array } | { readonly blob: BlobRef; readonly head: Uint8Array };

/** The content of a file on disk, stored if it is long. */
export async function contentOfFile(
  path: string,
  blobs: BlobStore,
  options: TransferOptions,
): Promise<{ readonly content: FileContent; readonly executable: boolean }> {
  options.signal?.throwIfAborted();
  try {
    const real = await realpath(path);
    const found = await stat(real);
    if (!found.isFile()) throw notAFile(path, describeKind(found));
    const memo = await memoFor(blobs);
    const hashedAt = memo.now();
    const task: ReadTask = { kind: "read", paths: real, longest: INLINE_CONTENT };
    const { ways, stats, content } = runFileTaskHere(task);
    const executable = isExecutable(stats[5] ?? 0);
    if (ways === "r") {
      options.onProgress?.(content.length);
      return { content: { inline: content.slice() }, executable };
    }
    const known = memo.file(real, stats);
    const name = known !== undefined && (await storeKnown(blobs, known)) ? known : await blobs.putFile(real, options);
    const head = await headOf(blobs, name);
    if (known === name) {
      options.onProgress?.(name.size);
    } else {
      const { stats: after } = runFileTaskHere<ReadTask>({ ...task, longest: -1 });
      const same = after.every((value, field) => field === statFields - 1 || value === stats[field]);
      if (!same) throw fileFailure({ path: real, code: "CHANGED", message: "" });
      memo.rememberFile(real, stats, hashedAt, name);
      memo.save();
    }
    return { content: { blob: new BlobRef(name.digest, name.size), head }, executable };
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** Content that is at hand or arrives in pieces, stored if it is long. */
export async function contentOf(
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
  blobs: () => Promise<BlobStore>,
  options: TransferOptions,
): Promise<FileContent> {
  options.signal?.throwIfAborted();
  const given = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  if (given instanceof Uint8Array) {
    if (given.length <= INLINE_CONTENT) {
      options.onProgress?.(given.length);
      return { inline: new Uint8Array(given) };
    }
    // A copy: whoever gave the bytes may change them while they are written.
    const bytes = typeof content === "string" ? given : new Uint8Array(given);
    const known = { digest: digestBytes(bytes), size: bytes.length };
    const name = await (await blobs()).put(bytes, { ...options, known });
    return { blob: new BlobRef(name.digest, name.size), head: bytes.slice(0, HEAD_LENGTH) };
  }
  if (given === null || typeof given !== "object" || !(Symbol.asyncIterator in given)) {
    throw new RepriseError(
      "INVALID_OPTION",
      "FileArtifact.of takes bytes, a text or an async iterable of bytes (a readable stream is one).",
    );
  }
  return contentOfPieces(given, blobs, options);
}

async function contentOfPieces(
  pieces: AsyncIterable<Uint8Array>,
  blobs: () => Promise<BlobStore>,
  options: TransferOptions,
): Promise<FileContent> {
  const iterator = checked(pieces);
  const first: Uint8Array[] = [];
  let length = 0;
  while (length <= INLINE_CONTENT) {
    options.signal?.throwIfAborted();
    const next = await iterator.next();
    if (next.done === true) {
      options.onProgress?.(length);
      return { inline: new Uint8Array(Buffer.concat(first)) };
    }
    first.push(next.value.slice());
    length += next.value.length;
  }
  const beginning = Buffer.concat(first);
  const whole = async function* () {
    yield beginning;
    yield* iterator;
  };
  const name = await (await blobs()).put(whole(), options);
  return { blob: new BlobRef(name.digest, name.size), head: new Uint8Array(beginning.subarray(0, HEAD_LENGTH)) };
}

async function* checked(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) {
      throw new RepriseError(
        "INVALID_OPTION",
        `FileArtifact.of: the stream gave ${typeof piece} where bytes are needed. Encode texts first, e.g. with TextEncoderStream.`,
      );
    }
    yield piece;
  }
}

/** How a blob begins. */
export async function headOf(blobs: BlobStore, { digest, size }: BlobName): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of blobs.stream({ digest, size }, { start: 0, end: Math.min(size, HEAD_LENGTH) }))
    parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

function notAFile(path: string, kind: string): RepriseError {
  const what = kind === "a directory" ? "; use DirectoryArtifact.from" : ", which has no content to store";
  return new RepriseError("FILE_UNREADABLE", `${JSON.stringify(path)} is ${kind}${what}.`);
}
