import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BlobStore } from "@reprise/store";
import { currentBody, currentLoad } from "../context.ts";

/**
 * Where files that are values keep their bytes: in the store of the run whose body executes here, or, outside a run, in
 * that of the default home.
 */

let decodingFrom: BlobStore | undefined;
let defaultBlobs: Promise<BlobStore> | undefined;

/** Decodes values whose files are in `blobs`: they keep that store wherever they are read later. */
export function decodingWith<T>(blobs: BlobStore | undefined, decode: () => T): T {
  const before = decodingFrom;
  decodingFrom = blobs;
  try {
    return decode();
  } finally {
    decodingFrom = before;
  }
}

/** The store that a value decoded here belongs to, if that is known. */
export function boundBlobs(): BlobStore | undefined {
  return decodingFrom ?? currentBody()?.host.blobs;
}

/** The store for reading and writing files here. */
export async function currentBlobs(): Promise<BlobStore> {
  const bound = boundBlobs();
  if (bound !== undefined) return bound;
  defaultBlobs ??= openDefault();
  return defaultBlobs;
}

/**
 * A folder for files that a body fetches: its working directory; for files of a value that a cached function loads a folder
 * that lives as long as the value; outside a run a fresh temporary one.
 */
export function currentWorkdir(): string {
  return currentLoad()?.workdir ?? currentBody()?.workdir ?? mkdtempSync(join(tmpdir(), "reprise-"));
}

async function openDefault(): Promise<BlobStore> {
  const { openHome } = await import("@reprise/store");
  return (await openHome()).blobs;
}
