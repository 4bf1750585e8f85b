import { FileArtifact, func } from "../index.ts";

/** Results of all shapes: in a row of the database, as blobs, in a file that a value names. */
export interface Results {
  readonly small: string;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly deep: readonly { readonly files: ReadonlyMap<string, FileArtifact> }[];
}

/** Content of the file deep in {@link Results}. */
export function fileText(seed: number): string {
  return `line ${seed}\n`.repeat(10_000);
}

/** A value whose parts are all derived from `seed`: its document is a blob, and so are its bytes and its file. */
export async function makeResults(seed: number): Promise<Results> {
  return {
    small: `small ${seed}`,
    text: `text ${seed} `.repeat(20_000),
    bytes: new Uint8Array(150_000).fill(seed),
    deep: [{ files: new Map([["file", await FileArtifact.of(fileText(seed))]]) }],
  };
}

/** All of a value as plain data, read from the store where it is there. */
export async function readResults({ small, text, bytes, deep }: Results): Promise<Record<string, unknown>> {
  const file = await deep[0]?.files.get("file")?.text();
  return { small, text, bytes: Buffer.from(bytes).toString("base64"), file };
}

/** What {@link readResults} gives of an undamaged value. */
export function expectedResults(seed: number): Record<string, unknown> {
  return {
    small: `small ${seed}`,
    text: `text ${seed} `.repeat(20_000),
    bytes: Buffer.alloc(150_000, seed).toString("base64"),
    file: fileText(seed),
  };
}

/** Computes {@link Results}. */
export const results = func({ id: "results", cache: { version: "1" }, run: makeResults });
