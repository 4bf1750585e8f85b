import { readFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type PipelineRun, RepriseError } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Difference } from "../why/difference.ts";
import { lineDiff } from "../why/line-diff.ts";

/** Files of a kept program, by their path from the folder of its first file, with their text. */
type ProgramFiles = ReadonlyMap<string, string>;

/** In which files the kept programs of two pipeline runs differ; nothing if one of them was not kept, or is damaged. */
export async function programDifferences(
  home: Home,
  before: PipelineRun,
  after: PipelineRun,
): Promise<readonly Difference[]> {
  if (before.code === null || after.code === null || before.code === after.code) return [];
  const [old, fresh] = await Promise.all([filesOf(home, before.code), filesOf(home, after.code)]);
  if (old === undefined || fresh === undefined) return [];
  const found = new Map<string, Difference>();
  for (const file of new Set([...old.keys(), ...fresh.keys()])) {
    const [was, is] = [old.get(file), fresh.get(file)];
    const difference = was === is ? undefined : fileDifference(file, was, is);
    if (difference !== undefined) found.set(difference.name, difference);
  }
  return [...found.values()];
}

function fileDifference(file: string, before = "", after = ""): Difference | undefined {
  const name = /(?:^|[\\/])node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1];
  if (name !== undefined) {
    return { ingredient: "package", name, text: `package ${name} changed`, before: null, after: null, diff: [] };
  }
  const verb = before === "" ? "is used now" : after === "" ? "is no longer used" : "changed";
  const diff = before === "" || after === "" ? [] : lineDiff(before, after);
  return { ingredient: "code", name: file, text: `code: ${file} ${verb}`, before, after, diff };
}

/** What the source map holds, which has the text of every file that the program was made of. */
async function filesOf({ code }: Home, digest: string): Promise<ProgramFiles | undefined> {
  try {
    const kept = await code.find(digest);
    if (kept === undefined) return undefined;
    const map = JSON.parse(await readFile(`${kept.file}.map`, "utf8")) as {
      readonly sources: readonly string[];
      readonly sourcesContent?: readonly (string | null)[];
    };
    const folder = dirname(kept.entry);
    return new Map(
      map.sources.map((source, at) => [
        relative(folder, source.startsWith("file:") ? fileURLToPath(source) : source),
        map.sourcesContent?.[at] ?? "",
      ]),
    );
  } catch (error) {
    if (RepriseError.is(error) || error instanceof SyntaxError || isFileError(error)) return undefined;
    throw error;
  }
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string";
}
