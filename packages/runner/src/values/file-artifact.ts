import { mkdtemp } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { BlobRef, digestBytes, registerClass, RepriseError } from "@reprise/core";
import type { BlobStore, TransferOptions } from "@reprise/store";
import { boundBlobs, currentBlobs, currentWorkdir } from "./blobs.ts";
import { contentOf, contentOfFile, type FileContent, HEAD_LENGTH } from "./file-content.ts";
import { textPreview } from "./text-preview.ts";
import { isNodeName } from "./tree.ts";
import { writeBlob, writeInline } from "./write-content.ts";

/** Options of {@link FileArtifact.from}. */
export interface FileFromOptions extends TransferOptions {
  /**
   * Makes a name part of the value: `true` the file's own, a text that one. Default: false, so that renaming a file
   * changes nothing.
   */
  readonly name?: boolean | string | undefined;
}

/** Options of {@link FileArtifact.of}. */
export interface FileOfOptions extends TransferOptions {
  /** A name that becomes part of the value. Default: none. */
  readonly name?: string | undefined;
  /** Whether the file may be executed. Default: false. */
  readonly executable?: boolean | undefined;
}

/** A part of a content: the bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What makes up a file; only this package makes one. */
export interface FileParts {
  readonly content: FileContent;
  readonly name: string | undefined;
  readonly executable: boolean;
  /** Where a blob is. Default: the store of whoever reads. */
  readonly blobs: BlobStore | undefined;
}

interface StoredFile {
  readonly content: Uint8Array | BlobRef;
  readonly head?: Uint8Array;
  readonly name?: string;
  readonly executable?: true;
}

/** What the dashboard shows of a file. */
interface FileSummary {
  readonly name: string | null;
  readonly size: number;
  readonly digest: string;
  readonly executable: boolean;
  /** How the content begins, if it is text. */
  readonly text: string | null;
  /** Whether `text` is all of it. */
  readonly whole: boolean;
}

/**
 * A file as a value: its content and whether it may be executed, and its name if that was asked for. Path, times, owner
 * and the other bits of its mode do not count, so the same bytes are the same value wherever they come from. From
 * Flyte's `FlyteFile`, but told apart by content and not by path.
 *
 * A file that a func gets is a light handle: nothing is read before it is asked for, and what is read is verified.
 *
 * @example
 * ```ts
 * const head = func("head", async (file: FileArtifact) => (await file.text()).split("\n", 10));
 * await new LocalRunner().run(head(await FileArtifact.from("data.csv")));
 * ```
 */
export class FileArtifact {
  /** Digest of the content: SHA-256, above 8 MiB of a tree of chunks. */
  readonly digest: string;
  /** Bytes of the content. */
  readonly size: number;
  /** The name, if it is part of the value. */
  readonly name: string | undefined;
  /** Whether a copy may be executed. */
  readonly executable: boolean;
  readonly #content: FileContent;
  readonly #blobs: BlobStore | undefined;

  /** Not for users: see {@link FileArtifact.from} and {@link FileArtifact.of}. */
  constructor({ content, name, executable, blobs }: FileParts) {
    if (name !== undefined && !isNodeName(name)) {
      throw new RepriseError("INVALID_OPTION", `FileArtifact: ${JSON.stringify(name)} is not a name of a file.`);
    }
    const { digest, size } =
      "blob" in content ? content.blob : { digest: digestBytes(content.inline), size: content.inline.length };
    this.digest = digest;
    this.size = size;
    this.name = name;
    this.executable = executable;
    this.#content = content;
    this.#blobs = blobs;
    Object.freeze(this);
  }

  /**
   * The file at `path` as it is now. Its content is stored in constant memory; a file that was hashed before and has not
   * been touched since is not read again.
   *
   * Rejects with `FILE_UNREADABLE` if there is no regular file, `FILE_CHANGED` if it changes while it is read, and as the
   * store does.
   *
   * @param path a link is followed.
   */
  static async from(path: string, options: FileFromOptions = {}): Promise<FileArtifact> {
    const { name = false } = options;
    if (typeof name !== "boolean" && typeof name !== "string") {
      throw new RepriseError("INVALID_OPTION", "FileArtifact.from: name must be true, false or a name.");
    }
    const blobs = await currentBlobs();
    const parts = await contentOfFile(path, blobs, options);
    const own = name === true ? basename(resolve(path)) : undefined;
    return new FileArtifact({ ...parts, name: typeof name === "string" ? name : own, blobs });
  }

  /**
   * A file with this content, without a file on disk.
   *
   * Rejects with `INVALID_OPTION` if it is something else, and as the store does.
   *
   * @param content bytes, a text (as UTF-8), or a stream of bytes, stored in constant memory.
   */
  static async of(
    content: Uint8Array | string | AsyncIterable<Uint8Array>,
    options: FileOfOptions = {},
  ): Promise<FileArtifact> {
    let blobs: BlobStore | undefined;
    const stored = await contentOf(content, async () => (blobs = await currentBlobs()), options);
    return new FileArtifact({ content: stored, name: options.name, executable: options.executable === true, blobs });
  }

  /** The whole content as text in UTF-8. */
  async text(): Promise<string> {
    const bytes = await this.bytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  }

  /** The whole content, in memory of one's own. Rejects with `BLOB_NOT_FOUND` or `ARTIFACT_DAMAGED`. */
  async bytes(): Promise<Uint8Array> {
    if ("inline" in this.#content) return this.#content.inline.slice();
    const bytes = await (await this.#store()).read(this.#content.blob);
    return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  }

  /**
   * The content, or a part of it, piece by piece in constant memory; each piece is verified before it is given out.
   *
   * @throws RepriseError `INVALID_OPTION` if the range is not within the content; `BLOB_NOT_FOUND`, `ARTIFACT_DAMAGED`.
   */
  async *stream(range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    const { start, end } = range ?? { start: 0, end: this.size };
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= this.size)) {
      throw new RepriseError(
        "INVALID_OPTION",
        `FileArtifact.stream: ${start} to ${end} is not within a content of ${this.size} bytes.`,
      );
    }
    if (start === end) return;
    if ("inline" in this.#content) yield this.#content.inline.slice(start, end);
    else yield* (await this.#store()).stream(this.#content.blob, { start, end });
  }

  /**
   * Writes a private copy and returns its path: changing it changes nothing else. It shares blocks with the store until
   * then where the file system can do that.
   *
   * Rejects with `RESTORE_CONFLICT` if something is at the path, and as {@link bytes} does.
   *
   * @param to path of the new file. Default: a fresh directory in the working directory of the run (outside a run a
   * temporary one), with the name of the file, or `content` if it has none.
   */
  async download(to?: string, options: TransferOptions = {}): Promise<string> {
    const path =
      to === undefined ? join(await mkdtemp(join(currentWorkdir(), "file-")), this.name ?? "content") : resolve(to);
    const content = this.#content;
    if ("inline" in content) await writeInline(path, content.inline, this.executable);
    else await writeBlob(path, content.blob, this.executable, await this.#store(), options);
    return path;
  }

  async #store(): Promise<BlobStore> {
    return this.#blobs ?? currentBlobs();
  }

  static #encode(file: FileArtifact): StoredFile {
    const content = file.#content;
    return {
      content: "blob" in content ? content.blob : content.inline,
      ...("blob" in content ? { head: content.head } : {}),
      ...(file.name === undefined ? {} : { name: file.name }),
      ...(file.executable ? { executable: true as const } : {}),
    };
  }

  static #decode({ content, head, name, executable }: StoredFile): FileArtifact {
    const known = content instanceof BlobRef || content instanceof Uint8Array;
    if (!known || !(head === undefined || (head instanceof Uint8Array && head.length <= HEAD_LENGTH))) {
      throw new RepriseError("ARTIFACT_DAMAGED", "What is stored as a FileArtifact is none.");
    }
    const held = content instanceof BlobRef ? { blob: content, head: head ?? new Uint8Array() } : { inline: content };
    return new FileArtifact({ content: held, name, executable: executable === true, blobs: boundBlobs() });
  }

  static #summary({ name, size, digest, executable }: FileArtifact, content: FileContent): FileSummary {
    const head = "blob" in content ? content.head : content.inline.subarray(0, HEAD_LENGTH);
    const text = textPreview(head);
    return { name: name ?? null, size, digest, executable, text: text ?? null, whole: head.length === size };
  }

  static {
    registerClass(FileArtifact, {
      name: "reprise/FileArtifact",
      encode: (file) => FileArtifact.#encode(file),
      decode: (stored: StoredFile) => FileArtifact.#decode(stored),
      summary: (file) => FileArtifact.#summary(file, file.#content),
      render: "file",
    });
  }
}
