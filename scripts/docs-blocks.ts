/** A fenced block of a Markdown file that the documentation check uses. */
export interface DocsBlock {
  readonly language: "ts" | "sh";
  /** Check the types only (`ts no-run`). Every other block is run as well. */
  readonly run: boolean;
  /** The name under which later blocks of the same document find this one (`ts file=pipeline.ts`). */
  readonly file: string | undefined;
  /** The line of the document, from 1, on which `code` begins. */
  readonly line: number;
  readonly code: string;
}

/**
 * The blocks of a document that are checked, in order:
 *
 * - `ts`: a whole module; its types are checked and it is run;
 * - `ts no-run`: its types are checked;
 * - `ts file=NAME`: as `ts`, and kept under that name for the blocks below it; with `no-run` it is only kept;
 * - `ts ignore`: skipped, for what cannot be a module; avoid it;
 * - `sh run`: run by bash where the named files are. Other `sh` blocks are for the reader alone.
 *
 * Throws an Error naming the line for a fence that says something else, so that a typo does not skip a check.
 */
export function docsBlocks(markdown: string): DocsBlock[] {
  const lines = markdown.split("\n");
  const blocks: DocsBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const fence = /^(\s*)(`{3,})\s*(\S*)\s*(.*)$/.exec(lines[index] ?? "");
    if (fence === null) continue;
    const [, indent = "", ticks = "", language = "", info = ""] = fence;
    const first = index + 1;
    const length = lines.slice(first).findIndex((line) => line.trim() === ticks);
    if (length < 0) throw new Error(`line ${String(first)}: this fence is never closed`);
    index = first + length;
    const options = optionsOf(language, info, first);
    if (options === undefined) continue;
    const body = lines.slice(first, index).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push({ ...options, line: first + 1, code: `${body.join("\n")}\n` });
  }
  return blocks;
}

function optionsOf(language: string, info: string, line: number): Omit<DocsBlock, "line" | "code"> | undefined {
  const words = info.split(/\s+/).filter((word) => word !== "");
  if (language === "sh" || language === "bash") {
    if (words.length === 0) return undefined;
    if (words.length === 1 && words[0] === "run") return { language: "sh", run: true, file: undefined };
  } else if (language === "ts") {
    if (words.length === 1 && words[0] === "ignore") return undefined;
    const names = words.filter((word) => /^file=[\w-]+\.ts$/.test(word));
    if (words.every((word) => word === "no-run" || names.includes(word)) && names.length < 2) {
      return { language: "ts", run: !words.includes("no-run"), file: names[0]?.slice("file=".length) };
    }
  } else if (language !== "typescript" && language !== "tsx") {
    return undefined;
  }
  throw new Error(`line ${String(line)}: the check does not know a block of "${language} ${info}"`);
}
