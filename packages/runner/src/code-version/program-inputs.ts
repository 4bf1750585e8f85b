import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestOfFile, type FileMark, settledStat, type UnchangedFiles } from "../code-digest/digest-record.ts";

/** What a program was made of. */
export interface ProgramInputs {
  readonly files: Readonly<Record<string, FileMark>>;
  /** Files that were looked for and were not there. */
  readonly absent: readonly string[];
}

/** Files that change what imports lead to, or how code is translated. */
const settings = [
  "package.json",
  "tsconfig.json",
  "tsconfig.base.json",
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  join("node_modules", ".package-lock.json"),
];

/** Settings in the folder of a file and in all above it, whether they are there or not. */
export function settingsAround(file: string): readonly string[] {
  const found: string[] = [];
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    for (const name of settings) found.push(join(folder, name));
    if (dirname(folder) === folder) return found;
  }
}

/**
 * Notes how files are now.
 *
 * @param loadedAt when the program that executes was loaded, in ms since 1970.
 * @throws if one of them was written later: then it does not tell what executes.
 */
export function noteInputs(paths: Iterable<string>, loadedAt: number): ProgramInputs {
  const files: Record<string, FileMark> = {};
  const absent: string[] = [];
  for (const path of new Set(paths)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) absent.push(path);
    if (stat?.isFile() !== true) continue;
    // The time of the last change of the inode too: a file may have been moved to where it is.
    if (Math.max(stat.mtimeMs, stat.ctimeMs) > loadedAt) {
      throw new Error(`${path} was written after this process had started, so what executes may be older`);
    }
    files[path] = { stat: settledStat(path), digest: digestOfFile(path) ?? "" };
  }
  return { files, absent };
}

/** Whether everything is as it was. */
export function isSame({ files, absent }: ProgramInputs, unchanged: UnchangedFiles): boolean {
  for (const [path, mark] of Object.entries(files)) if (!unchanged.isSame(path, mark)) return false;
  return absent.every((path) => unchanged.isAbsent(path));
}
