import { mkdirSync, mkdtempSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const folder = "tmp";
const prefix = "work-";

/** Makes a fresh, private folder for a body in the home at `home`. */
export function makeWorkdir(home: string): string {
  const parent = join(home, folder);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  return mkdtempSync(join(parent, prefix));
}

/** Removes the folders of bodies whose process was killed: those made before `before`, in milliseconds since 1970 UTC. */
export async function sweepWorkdirs(
  home: string,
  before: number,
  { dryRun }: { readonly dryRun: boolean },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const parent = join(home, folder);
  let files = 0;
  let bytes = 0;
  for (const name of await namesIn(parent)) {
    const path = join(parent, name);
    if (!name.startsWith(prefix) || (await lstat(path)).birthtimeMs >= before) continue;
    const held = await sizeOf(path);
    files += held.files;
    bytes += held.bytes;
    if (!dryRun) await rm(path, { recursive: true, force: true });
  }
  return { files, bytes };
}

/** Files below a folder; links are not followed. */
async function sizeOf(path: string): Promise<{ files: number; bytes: number }> {
  const entry = await lstat(path);
  if (!entry.isDirectory()) return { files: 1, bytes: entry.size };
  const parts = await Promise.all((await readdir(path)).map((name) => sizeOf(join(path, name))));
  return parts.reduce((sum, part) => ({ files: sum.files + part.files, bytes: sum.bytes + part.bytes }), {
    files: 0,
    bytes: 0,
  });
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return [];
    throw error;
  }
}
