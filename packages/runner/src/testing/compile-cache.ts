import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/**
 * Environment in which processes keep what they compile for the next one, until all tests of the file are over: where a
 * test starts many, that is most of its time.
 */
export function compileCache(): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), "reprise-compiled-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { NODE_COMPILE_CACHE: folder };
}
