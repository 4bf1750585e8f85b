import { shortId } from "@reprise/core";
import type { Output } from "../output.ts";
import type { Difference } from "./difference.ts";
import type { WhyReport } from "./why-run.ts";

/** Lines of a diff shown of one piece of code. */
const maxDiffLines = 40;

/** A report for people. */
export function whyLines(report: WhyReport, { paint }: Output, options: { readonly diffs: boolean }): string[] {
  const { run, status, words, origin, differences } = report;
  const lines = [`${paint("bold", run.name)} ${paint("dim", shortId(run.id))}  ${paint("bold", status)}`, ...words];
  for (const difference of differences) {
    lines.push(`  ${difference.text}`);
    if (options.diffs) lines.push(...diffLines(difference, paint).map((line) => `      ${line}`));
  }
  if (origin?.exists === true) lines.push(paint("dim", `reprise show ${shortId(origin.runId)}`));
  if (origin?.exists === true) lines.push(paint("dim", `reprise logs ${shortId(origin.runId)}`));
  return lines;
}

/** The lines of a change of code, as far as they are worth reading. */
export function diffLines({ diff }: Difference, paint: Output["paint"]): string[] {
  const shown = diff.slice(0, maxDiffLines).map((line) => {
    if (line.startsWith("@@")) return paint("cyan", line);
    if (line.startsWith("-")) return paint("red", line);
    return line.startsWith("+") ? paint("green", line) : line;
  });
  const rest = diff.length - shown.length;
  return rest === 0 ? shown : [...shown, paint("dim", `… ${rest} more lines; --json shows all`)];
}
