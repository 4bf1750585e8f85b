import { join } from "node:path";
import { LocalBlobStore } from "./blobs/local-blob-store.ts";
import type { BlobStore } from "./blob-store.ts";
import type { CodeStore } from "./code/code-store.ts";
import { LocalCodeStore } from "./code/local-code-store.ts";
import { makeWorkdir } from "./workdirs.ts";

/** What of a home is files, for processes that need no database. The home is there already. */
export class HomeFiles {
  readonly path: string;
  readonly blobs: BlobStore;
  /** The programs of pipeline runs. */
  readonly code: CodeStore;

  constructor(path: string) {
    this.path = path;
    this.blobs = new LocalBlobStore(join(path, "blobs"));
    this.code = new LocalCodeStore(join(path, "code"));
  }

  /** Makes a fresh, private folder for a body. Whoever asked removes it; garbage collection removes what a crash left. */
  makeWorkdir(): string {
    return makeWorkdir(this.path);
  }
}
