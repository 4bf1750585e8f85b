import { readFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import type { KeptCode } from "@reprise/store";
import { programSources } from "../diff/compare-programs.ts";

/**
 * Which of its own files hold something else now than when a program was kept, packages not looked at: their paths from the
 * folder of its first file. Nothing if that one is gone: then there is nothing that could be executed instead.
 */
export async function changedFiles(kept: KeptCode): Promise<readonly string[]> {
  const sources = (await programSources(kept)) ?? new Map<string, string>();
  const folder = dirname(kept.entry);
  const found: string[] = [];
  for (const [path, before] of sources) {
    if (/[\\/]node_modules[\\/]/.test(path)) continue;
    const now = await readFile(path, "utf8").catch(() => undefined);
    if (now === undefined && path === kept.entry) return [];
    if (now !== before) found.push(relative(folder, path));
  }
  return found;
}
