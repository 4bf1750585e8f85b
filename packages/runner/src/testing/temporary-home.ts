import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Home, openHome } from "@reprise/store";
import { onTestFinished } from "vitest";

/** A folder for one test, removed when it is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reprise-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens a home until the test is over. */
export async function homeOf(path: string): Promise<Home> {
  const home = await openHome({ path });
  onTestFinished(() => home[Symbol.asyncDispose]());
  return home;
}
