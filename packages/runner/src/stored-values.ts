import { decode, type Encoded } from "@reprise/core";
import type { ArtifactRef, ArtifactStore, ArtifactWrite, BlobStore, Recalled } from "@reprise/store";
import { encodeLive } from "./actors/live-values.ts";
import { chain, chainAll, type MaybePromise } from "./maybe-promise.ts";
import { decodingWith } from "./values/blobs.ts";
import type { Stored, Values } from "./values.ts";
import type { WireArtifact, WireArtifactRow } from "./workers/protocol.ts";
import { artifactOfRow, wireArtifact } from "./workers/wire-artifacts.ts";

const noBlobs: ReadonlyMap<string, Uint8Array> = new Map();

/** Texts above this length are not kept beside their bytes. */
const longText = 16 * 1024;

/** So many values are read at once. Their bytes are in memory together. */
const mostAtOnce = 256;

/** A value whose row is not on disk yet, for those who read its blobs. */
interface Transfer {
  readonly row: ArtifactWrite;
  /** Settles when its blobs are on disk; undefined if they are. */
  readonly blobsWritten: Promise<void> | undefined;
}

/** A result or an argument as its artifact. */
export class StoredArtifactValue implements Stored {
  readonly primitive: boolean;
  readonly value: unknown;
  readonly ref: ArtifactRef;
  /** Whether the artifact was handed to the recorder. */
  recorded = false;
  /** The bytes; large ones only until they are in the store and nobody uses them. */
  #encoded: Encoded | undefined;
  #kept: WeakRef<Encoded> | undefined = undefined;

  /** Bytes of the artifact with its blobs; known once it was recorded. */
  size = 0;
  /** Set, for as long as the row may not be on disk, if a worker has made the value or parts of it are blobs. */
  transfer: Transfer | undefined = undefined;

  constructor(encoded: Encoded | undefined, ref: ArtifactRef, primitive: boolean, value: unknown) {
    this.#encoded = encoded;
    this.ref = ref;
    this.primitive = primitive;
    this.value = value;
  }

  get encoded(): Encoded | undefined {
    return this.#encoded ?? this.#kept?.deref();
  }

  /**
   * The value is in the store.
   *
   * @param isLarge whether its bytes are kept from now on only while memory allows.
   */
  onDisk(isLarge: boolean): void {
    this.transfer = undefined;
    if (!isLarge || this.#encoded === undefined) return;
    this.#kept = new WeakRef(this.#encoded);
    this.#encoded = undefined;
  }
}

/**
 * Hands values on as artifacts: what a body gets was decoded for it alone, whoever made it and wherever, so that it may
 * change it freely and a program that works here works in other processes.
 */
export class ArtifactValues implements Values {
  readonly shares = false;
  readonly #artifacts: ArtifactStore;
  readonly #blobs: BlobStore;

  constructor(artifacts: ArtifactStore, blobs: BlobStore) {
    this.#artifacts = artifacts;
    this.#blobs = blobs;
  }

  capture(value: unknown, path: string): StoredArtifactValue {
    const encoded = encodeLive(value, path);
    // A long text is released from memory like other large values.
    const primitive =
      typeof value === "string"
        ? value.length <= longText
        : (typeof value !== "object" || value === null) && typeof value !== "function";
    const ref = { digest: encoded.digest, key: 0 };
    return new StoredArtifactValue(encoded, ref, primitive, primitive ? value : undefined);
  }

  /** A value that was recorded; it is read, and verified, when somebody needs it. */
  known(ref: ArtifactRef): StoredArtifactValue {
    const stored = new StoredArtifactValue(undefined, ref, false, undefined);
    stored.recorded = true;
    return stored;
  }

  /** A value that was found in the store, and verified. */
  recalled({ ref, bytes, hasBlobs, size }: Extract<Recalled, { type: "found" }>): StoredArtifactValue {
    const { digest } = ref;
    const encoded =
      bytes === undefined || hasBlobs ? undefined : { digest, bytes, blobs: [], typeName: "", references: [] };
    const stored = new StoredArtifactValue(encoded, ref, false, undefined);
    stored.recorded = true;
    stored.size = size;
    return stored;
  }

  /** A value that a worker has made, as it tells of it. */
  made(row: WireArtifactRow): StoredArtifactValue {
    const write = artifactOfRow(row);
    const { document, ref, blobs, typeName } = write;
    const encoded =
      document === null || blobs.length > 0
        ? undefined
        : { digest: ref.digest, bytes: document, blobs: [], typeName, references: [] };
    const stored = new StoredArtifactValue(encoded, ref, false, undefined);
    stored.transfer = { row: write, blobsWritten: undefined };
    return stored;
  }

  /** A value as it is told to a worker, once the worker can read it. */
  told(stored: Stored): MaybePromise<WireArtifact> {
    const { encoded, ref, transfer, recorded } = stored as StoredArtifactValue;
    if (transfer !== undefined) {
      const { document, documentSize } = transfer.row;
      return chain(transfer.blobsWritten, () => wireArtifact(ref.digest, document, documentSize));
    }
    if (encoded !== undefined && recorded) {
      const { bytes } = encoded;
      return wireArtifact(ref.digest, this.#artifacts.isInline(bytes.length) ? bytes : null, bytes.length);
    }
    return chain(this.#artifacts.documents([{ id: ref.digest, hint: ref.key }]), ([found]) => {
      if (found !== undefined) return wireArtifact(ref.digest, found, found.length);
      return chain(this.#artifacts.document(ref.digest), ({ bytes, size }) => wireArtifact(ref.digest, bytes, size));
    });
  }

  digestOf(stored: Stored): string {
    return (stored as StoredArtifactValue).ref.digest;
  }

  restore(stored: Stored): unknown {
    if (stored.primitive) return stored.value;
    const { encoded, ref, transfer } = stored as StoredArtifactValue;
    if (encoded === undefined) return transfer === undefined ? this.#read(ref) : this.#readMade(transfer.row);
    const blobs = new Map(encoded.blobs.map((blob) => [blob.digest, blob.bytes]));
    return this.#decode(encoded.bytes, blobs);
  }

  restoreAll(stored: readonly Stored[]): MaybePromise<unknown[]> {
    if (stored.length <= mostAtOnce) return this.#restoreSome(stored);
    const parts = Array.from({ length: Math.ceil(stored.length / mostAtOnce) }, (_, part) =>
      stored.slice(part * mostAtOnce, (part + 1) * mostAtOnce),
    );
    const values = chainAll(parts, (part) => this.#restoreSome(part));
    return chain(values, (restored) => restored.flat());
  }

  #restoreSome(stored: readonly Stored[]): MaybePromise<unknown[]> {
    const missing = (stored as readonly StoredArtifactValue[]).filter(
      ({ primitive, encoded }) => !primitive && encoded === undefined,
    );
    if (missing.length < 2) return chainAll(stored, (one) => this.restore(one));
    const wanted = missing.map(({ ref: { digest, key } }) => ({ id: digest, hint: key }));
    return chain(this.#artifacts.documents(wanted), (documents) => {
      const read = new Map<Stored, Uint8Array | undefined>(missing.map((one, at) => [one, documents[at]]));
      return chainAll(stored, (one) => {
        const bytes = read.get(one);
        return bytes === undefined ? this.restore(one) : this.#decode(bytes, noBlobs);
      });
    });
  }

  #read({ digest, key }: ArtifactRef): unknown {
    return chain(this.#artifacts.documents([{ id: digest, hint: key }]), ([bytes]) =>
      bytes === undefined ? this.#load(digest) : this.#decode(bytes, noBlobs),
    );
  }

  async #readMade(row: ArtifactWrite): Promise<unknown> {
    const { bytes, blobs } = await this.#artifacts.loadMade(row);
    return this.#decode(bytes, blobs);
  }

  async #load(digest: string): Promise<unknown> {
    const { bytes, blobs } = await this.#artifacts.load(digest);
    return this.#decode(bytes, blobs);
  }

  #decode(bytes: Uint8Array, blobs: ReadonlyMap<string, Uint8Array>): unknown {
    const blob = ({ digest }: { readonly digest: string }): Uint8Array => blobs.get(digest) as Uint8Array;
    return decodingWith(this.#blobs, () => decode(bytes, { blob }));
  }
}
