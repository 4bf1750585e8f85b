import { DirectoryArtifact, FileArtifact, Link, RunFailure } from "@reprise/runner";
import type { Home } from "@reprise/store";

// Naming them loads their modules, which register them; nothing else in the command does.
void [Link, RunFailure];

/**
 * Makes ready for decoding values outside a run: the types that come with reprise are known once this
 * module is loaded, and the bytes of files are looked for in this store.
 */
export function readValuesFrom(store: Home): void {
  process.env["REPRISE_HOME"] = store.path;
}

/** Whether a value is a file. */
export function isFile(value: unknown): value is FileArtifact {
  return value instanceof FileArtifact;
}

/** Whether a value is a directory. */
export function isDirectory(value: unknown): value is DirectoryArtifact {
  return value instanceof DirectoryArtifact;
}
