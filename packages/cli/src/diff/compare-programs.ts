import { readFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type PipelineRun, RepriseError } from "@reprise/core";
import type { Home, KeptCode } from "@reprise/store";
import type { Difference } from "../why/difference.ts";
import { lineDiff } from "../why/line-diff.ts";

/** Files of a kept program, by their path, with their text. */
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

async function filesOf({ code }: Home, digest: string): Promise<ProgramFiles | undefined> {
  try {
    const kept = await code.find(digest);
    const sources = kept === undefined ? undefined : await programSources(kept);
    if (kept === undefined || sources === undefined) return undefined;
    const folder = dirname(kept.entry);
    return new Map([...sources].map(([path, text]) => [relative(folder, path), text]));
  } catch (error) {
    if (RepriseError.is(error)) return undefined;
    throw error;
  }
}

/**
 * The files that a kept program was made of, by path, with the text that they had: its source map holds them. Undefined if
 * that is damaged.
 */
export async function programSources(kept: KeptCode): Promise<ProgramFiles | undefined> {
  try {
    const map = JSON.parse(await readFile(`${kept.file}.map`, "utf8")) as {
      readonly sources: readonly string[];
      readonly sourcesContent?: readonly (string | null)[];
    };
    return new Map(
      map.sources.map((source, at) => [
        source.startsWith("file:") ? fileURLToPath(source) : source,
        map.sourcesContent?.[at] ?? "",
      ]),
    );
  } catch (error) {
    if (error instanceof SyntaxError || isFileError(error)) return undefined;
    throw error;
  }
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string";
}
