import { decode, describeType, type Encoded, summarize } from "@reprise/core";

/** What is kept of a value for the eyes; null where it can be derived from the document when somebody looks. */
export interface ArtifactSummary {
  readonly type: unknown;
  readonly summary: unknown;
}

// Derived from a copy of the value, unless the caller still has it: above this the copy costs too much memory.
const largestCopy = 64 * 1024 * 1024;

const derived: ArtifactSummary = { type: null, summary: null };

// What a reader can restore without the user's program.
const plainTypes = new Set(
  "null undefined boolean number bigint string array object Map Set Date RegExp URL Error".split(" "),
);

/**
 * Type and summary of an encoded value, where a reader could not derive them cheaply: the document is large, or some of
 * the value is in blobs, or its type is registered by the program, which a reader need not have loaded. Everything else,
 * which is nearly everything, is summarised when somebody looks at it.
 *
 * @param value the value itself, if it is still at hand and unchanged; saves decoding it again.
 */
export function summaryOf(encoded: Encoded, inline: boolean, value?: unknown): ArtifactSummary {
  const { blobs, references, typeName } = encoded;
  if (inline && blobs.length === 0 && references.length === 0 && plainTypes.has(typeName)) return derived;
  try {
    const shown = value ?? copyOf(encoded);
    return shown === undefined ? derived : { type: describeType(shown), summary: summarize(shown) };
  } catch {
    // A type's own summary or decoder failed: the value is stored all the same, and who looks at it is told then.
    return derived;
  }
}

function copyOf({ bytes, blobs }: Encoded): unknown {
  const size = blobs.reduce((sum, blob) => sum + blob.size, bytes.length);
  if (size > largestCopy) return undefined;
  const contents = new Map(blobs.map((blob) => [blob.digest, blob.bytes]));
  return decode(bytes, { blob: ({ digest }) => contents.get(digest) as Uint8Array });
}
