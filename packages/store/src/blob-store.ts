/** Where large bytes are kept, by hash. */

/** Names a blob. The size tells, with the hash, how the hash was made: above 8 MiB it is that of a tree of chunks. */
export interface BlobName {
  /** 64 hex characters. */
  readonly digest: string;
  readonly size: number;
}

/** Options of anything that moves many bytes. */
export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the bytes moved so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Options of removing blobs. */
export interface DeleteOptions {
  /** Leave blobs alone that were written or stored again since then (milliseconds since 1970 UTC). Default: remove all. */
  readonly unusedSince?: number;
}

/** A blob whose content is to be looked at. */
export interface BlobToVerify extends BlobName {
  /** The blob was sound at this time (milliseconds since 1970 UTC): if it was not changed since, it need not be read. */
  readonly since?: number | undefined;
}

/** What is under the name of a blob: its bytes, nothing, or (until now) other bytes. */
export type BlobCondition = "sound" | "missing" | "damaged";

/**
 * A content-addressed store of bytes.
 *
 * A blob is written whole or not at all (a crash at any moment leaves no partial blob under its name), and what is read
 * is verified against the name: a damaged blob is moved aside and reported as `ARTIFACT_DAMAGED`, never returned.
 */
export interface BlobStore extends AsyncDisposable {
  /** Where it is, for messages. */
  readonly place: string;
  /** Stores bytes or a stream of them; on disk when done. Storing what is there already is cheap. */
  put(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: TransferOptions & { readonly known?: BlobName },
  ): Promise<BlobName>;
  /** Stores a file's content in constant memory; a file that changes meanwhile is an error, never a mixture. */
  putFile(path: string, options?: TransferOptions): Promise<BlobName>;
  /** The whole blob, verified. Rejects with `BLOB_NOT_FOUND` or `ARTIFACT_DAMAGED`. */
  read(blob: BlobName): Promise<Uint8Array>;
  /** The blob, or a range of it, chunk by chunk; each chunk is verified before it is given out where the name allows. */
  stream(blob: BlobName, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /** Writes the blob to a new file: a private copy (a reflink where the file system can), verified. */
  copyTo(blob: BlobName, path: string, options?: TransferOptions): Promise<void>;
  has(blobs: readonly BlobName[]): Promise<readonly boolean[]>;
  /**
   * The condition of each blob. What was not read before in this process, or was changed since, is read to its end, so
   * asking again is cheap. What is damaged is moved aside as by reading it, so that the next to store it mends it.
   */
  verify(blobs: readonly BlobToVerify[]): Promise<readonly BlobCondition[]>;
  /** Removes blobs; returns those that were there and are gone. */
  delete(blobs: readonly BlobName[], options?: DeleteOptions): Promise<readonly BlobName[]>;
  /** Removes what crashes have left and nobody has written to since `before` (milliseconds since 1970 UTC). */
  sweep(
    before: number,
    options?: { readonly dryRun?: boolean },
  ): Promise<{ readonly files: number; readonly bytes: number }>;
  /** Every blob with the time of its last use or writing. */
  list(): AsyncIterable<BlobName & { readonly modifiedAt: number }>;
}
