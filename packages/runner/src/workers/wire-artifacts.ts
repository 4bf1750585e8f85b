import { digestBytes, RepriseError } from "@reprise/core";
import type { ArtifactWrite } from "@reprise/store";
import type { WireArtifact, WireArtifactRow } from "./protocol.ts";

/**
 * A value as it is told to whoever is to read it.
 *
 * @param document its canonical bytes; null if they are a blob.
 */
export function wireArtifact(id: string, document: Uint8Array | null, size: number): WireArtifact {
  return { id, size, document: document === null ? null : toBase64(document) };
}

/** A value that a worker has made, as the driver hears of it. */
export function wireRow(write: ArtifactWrite): WireArtifactRow {
  const { ref, typeName, type, size, summary, blobs, document, documentSize } = write;
  return { ...wireArtifact(ref.digest, document, documentSize), typeName, type, total: size, summary, blobs };
}

/**
 * The row of a value that a worker has made.
 *
 * @throws RepriseError `ARTIFACT_DAMAGED` if its bytes do not have its hash.
 */
export function artifactOfRow(row: WireArtifactRow): ArtifactWrite {
  const { id, size, typeName, type, total, summary, blobs } = row;
  return {
    ref: { digest: id, key: 0 },
    typeName,
    type,
    size: total,
    summary,
    documentSize: size,
    document: documentOf(row),
    blobs,
    createdAt: Date.now(),
  };
}

/**
 * The canonical bytes that came with a value; null if they are a blob.
 *
 * @throws RepriseError `ARTIFACT_DAMAGED` if they do not have its hash.
 */
export function documentOf({ id, document }: WireArtifact): Uint8Array | null {
  if (document === null) return null;
  const bytes = Buffer.from(document, "base64");
  if (digestBytes(bytes) === id) return bytes;
  throw new RepriseError(
    "ARTIFACT_DAMAGED",
    `Artifact ${id} arrived damaged: its bytes do not have its hash. Run what made it again.`,
  );
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
