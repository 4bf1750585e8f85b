import { structuredPatch } from "diff";

/** Lines changed that are worth working out; more than that are no longer read as a change. */
const maxEdits = 2_000;

/** What changed between two texts, as the hunks of a unified diff with two lines around them; empty if nothing did. */
export function lineDiff(before: string, after: string): string[] {
  const [old, fresh] = [indented(before), indented(after)];
  const patch = structuredPatch("", "", old, fresh, "", "", { context: 2, maxEditLength: maxEdits });
  if (patch === undefined) return [`-${old.split("\n").length} lines`, `+${fresh.split("\n").length} lines`];
  return patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) =>
    [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`].concat(lines.filter((line) => !line.startsWith("\\"))),
  );
}

/** A piece of code begins in the middle of its first line; the others need not be indented as they were there. */
function indented(text: string): string {
  const [first = "", ...others] = text.replaceAll("\r\n", "\n").split("\n");
  const depths = others.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length);
  const depth = Math.min(...depths, 1_000);
  return [first, ...others.map((line) => line.slice(Math.min(depth, line.length - line.trimStart().length)))].join(
    "\n",
  );
}
