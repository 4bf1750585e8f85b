import { decode, encode, type Encoded } from "@reprise/core";
import type { ArtifactRef, ArtifactStore, BlobStore, Recalled } from "@reprise/store";
import { chain, chainAll, type MaybePromise } from "./maybe-promise.ts";
import { decodingWith } from "./values/blobs.ts";
import type { Stored, Values } from "./values.ts";

const noBlobs: ReadonlyMap<string, Uint8Array> = new Map();

/** Texts above this length are not kept beside their bytes. */
const longText = 16 * 1024;

/** So many values are read at once. Their bytes are in memory together. */
const mostAtOnce = 256;

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

  constructor(encoded: Encoded | undefined, ref: ArtifactRef, primitive: boolean, value: unknown) {
    this.#encoded = encoded;
    this.ref = ref;
    this.primitive = primitive;
    this.value = value;
  }

  get encoded(): Encoded | undefined {
    return this.#encoded ?? this.#kept?.deref();
  }

  /** The bytes are in the store: from now on they are kept only while memory allows. */
  release(): void {
    if (this.#encoded === undefined) return;
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
    const encoded = encode(value, { path });
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

  digestOf(stored: Stored): string {
    return (stored as StoredArtifactValue).ref.digest;
  }

  restore(stored: Stored): unknown {
    if (stored.primitive) return stored.value;
    const { encoded, ref } = stored as StoredArtifactValue;
    if (encoded === undefined) return this.#read(ref);
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

  async #load(digest: string): Promise<unknown> {
    const { bytes, blobs } = await this.#artifacts.load(digest);
    return this.#decode(bytes, blobs);
  }

  #decode(bytes: Uint8Array, blobs: ReadonlyMap<string, Uint8Array>): unknown {
    const blob = ({ digest }: { readonly digest: string }): Uint8Array => blobs.get(digest) as Uint8Array;
    return decodingWith(this.#blobs, () => decode(bytes, { blob }));
  }
}
