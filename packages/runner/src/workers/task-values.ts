import { blobRefs } from "@reprise/core";
import type { ArtifactStore, Backend, BlobStore } from "@reprise/store";
import type { Call, Composite } from "../call.ts";
import { argumentLabel } from "../func-definition.ts";
import { chain, chainAll, type MaybePromise } from "../maybe-promise.ts";
import { ArtifactValues, StoredArtifactValue } from "../stored-values.ts";
import { fillSlots, partOf } from "../template.ts";
import type { Stored } from "../values.ts";
import type { WireArgument, WireArtifact, WireArtifactRow, WireComposite } from "./protocol.ts";
import { documentOf, wireRow } from "./wire-artifacts.ts";

/** For an artifact store without a metadata store: rows come, and go, in messages. */
export const noRows = {
  place: "the messages of the driver",
  readArtifacts: (wanted: readonly unknown[]) => wanted.map(() => undefined),
  getArtifact: () => Promise.resolve(undefined),
  discardArtifact: () => Promise.resolve(),
} as unknown as Backend;

/** Values as a worker has them: those that it is sent and those that it makes. Of the store it reaches the blobs alone. */
export class TaskValues {
  /** For the bodies. */
  readonly values: ArtifactValues;
  readonly #artifacts: ArtifactStore;

  /** @param artifacts of {@link noRows}. */
  constructor(artifacts: ArtifactStore, blobs: BlobStore) {
    this.#artifacts = artifacts;
    this.values = new ArtifactValues(artifacts, blobs);
  }

  /** A value that was sent. It is decoded for whoever needs it; blobs that belong to it are read then. */
  received(wire: WireArtifact): StoredArtifactValue {
    const { id, size } = wire;
    const ref = { digest: id, key: 0 };
    const document = documentOf(wire);
    if (document !== null && blobRefs(document).loaded.length === 0) {
      const encoded = { digest: id, bytes: document, blobs: [], typeName: "", references: [] };
      return new StoredArtifactValue(encoded, ref, false, undefined);
    }
    const stored = new StoredArtifactValue(undefined, ref, false, undefined);
    const row = {
      ref,
      typeName: "",
      type: null,
      size,
      summary: null,
      documentSize: size,
      document,
      blobs: [],
      createdAt: 0,
    };
    stored.transfer = { row, blobsWritten: undefined };
    return stored;
  }

  /**
   * An argument as the body gets it, before it is validated.
   *
   * @param composed told of the whole, if it was put together from several values.
   */
  argument(
    call: Call,
    at: number,
    { stored, parts }: WireArgument,
    composed: (whole: StoredArtifactValue) => void,
  ): unknown {
    const own = stored === null ? undefined : this.received(stored);
    if (parts.length === 0) return this.values.restore(own as StoredArtifactValue);
    const what = argumentLabel(call.definition, at);
    const found = chain(this.values.restoreAll(parts.map(({ artifact }) => this.received(artifact))), (values) =>
      parts.map(({ path }, part) => partOf(values[part], path, `The value of a run for ${what}`)),
    );
    const whole =
      own === undefined
        ? chain(found, ([only]) => only)
        : chain(found, (values) => chain(this.values.restore(own), (template) => fillSlots(template, values)));
    // A whole future needs no artifact of its own: the driver knows the run whose output it is.
    if (own === undefined && parts[0]?.path.length === 0) return whole;
    return chain(whole, (value) => {
      composed(this.values.capture(value, `argument ${at + 1} of func "${call.definition.id}"`));
      return value;
    });
  }

  /** A value that was made here, as it is told, once its blobs are on disk. */
  row(stored: Stored): MaybePromise<WireArtifactRow> {
    const { encoded, ref } = stored as StoredArtifactValue;
    if (encoded === undefined) throw new Error("a value that was made here has its bytes until it is told");
    const { write, blobsWritten } = this.#artifacts.prepare(encoded, ref);
    return chain(blobsWritten, () => wireRow(write));
  }

  /** An argument or a result, with the futures in it, as it is told. */
  composite({ stored, parts }: Composite): MaybePromise<WireComposite> {
    const told = parts.map(({ call, path, at }) => ({ run: call.id, path, at }));
    return chain(stored === undefined ? null : this.row(stored), (row) => ({ stored: row, parts: told }));
  }

  composites(all: readonly Composite[]): MaybePromise<WireComposite[]> {
    return chainAll(all, (one) => this.composite(one));
  }
}
