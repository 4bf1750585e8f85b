import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode, encode } from "@reprise/core";
import { afterAll } from "vitest";

/** A folder for the files of one test file, removed at the end; a home in it is the default home of the process. */
export function temporaryHome(): { readonly folder: string; readonly home: string } {
  const folder = mkdtempSync(join(tmpdir(), "reprise-values-"));
  const home = join(folder, "home");
  process.env["REPRISE_HOME"] = home;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, home };
}

/** Id of the artifact that a value is. */
export function idOf(value: unknown): string {
  return encode(value).digest;
}

/** The value as another run would get it. */
export function restored<T>(value: T): T {
  const { bytes, blobs } = encode(value);
  const contents = new Map(blobs.map((blob) => [blob.digest, blob.bytes]));
  return decode(bytes, { blob: ({ digest }) => contents.get(digest) as Uint8Array }) as T;
}
