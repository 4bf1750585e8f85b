import { formatDuration, shortId } from "@reprise/core";
import type { Output } from "../output.ts";
import { fitText } from "../terminal/text-width.ts";
import { runStateLooks } from "../tree/state-words.ts";
import { formatDate } from "../when.ts";
import type { Difference } from "../why/difference.ts";
import { diffLines } from "../why/why-lines.ts";
import type { DiffedRun, DiffedSide, DiffReport, DiffSide } from "./diff-runs.ts";

/** How to show a report. */
export interface DiffLinesOptions {
  /** Also how code changed. */
  readonly diffs: boolean;
}

/** A report for people: the first difference, then all runs that differ in order. */
export function reportLines(report: DiffReport, output: Output, options: DiffLinesOptions): string[] {
  const { paint, width } = output;
  const { a, b, runs, first } = report;
  const lines = [
    `${paint("bold", a.name)} ${paint("dim", `${shortId(a.id)} → ${shortId(b.id)}`)}`,
    ...[a, b].map((side, at) => `  ${at === 0 ? "A" : "B"}  ${sideText(side, output)}`),
    ...report.surroundings.map(({ name, before, after }) => `  ${name}: ${before} → ${after}`),
    "",
  ];
  const found = first === null ? undefined : runs[first];
  if (a.id === b.id) lines.push("A and B are one run.");
  else if (found === undefined) lines.push("No result differs.");
  else {
    lines.push(`${paint("bold", "First difference:")} ${headText(found, output)}`, ...runLines(found, output, options));
    if (runs.length > 1) lines.push("", paint("bold", "Runs that differ, in order"), ...listLines(report, output));
  }
  lines.push("", equalText(report));
  return lines.map((line) => fitText(line, width));
}

function sideText({ id, state, startedAt, finishedAt }: DiffSide, { paint }: Output): string {
  const look = runStateLooks[state];
  const length = finishedAt === null ? "not finished" : `took ${formatDuration(finishedAt - startedAt)}`;
  return `${paint(look.style, `${look.glyph} ${look.word}`)}  ${formatDate(startedAt)}, ${length}  ${paint("dim", id)}`;
}

function headText({ path, a, b }: DiffedRun, { paint }: Output): string {
  const ids = [a, b].map((side) => (side === null ? "–" : shortId(side.id))).join(" → ");
  return `${paint("bold", path.join(" › "))}  ${paint("dim", ids)}`;
}

function listLines({ runs, first }: DiffReport, output: Output): string[] {
  const { paint } = output;
  const lines: string[] = [];
  const left = new Map<string, number>();
  for (const [at, run] of runs.entries()) {
    if (!run.detailed) {
      const words = `${run.path.at(-1)?.replace(/\[\d+\]$/, "") ?? ""}: ${reasonWord(run)}`;
      left.set(words, (left.get(words) ?? 0) + 1);
      continue;
    }
    lines.push(`  ${headText(run, output)}${at === first ? paint("dim", "  (above)") : ""}`);
    if (at !== first) lines.push(...runLines(run, output, { diffs: false }).map((line) => `  ${line}`));
  }
  for (const [words, count] of left) {
    lines.push(paint("dim", `  … ${count.toLocaleString("en-US")} more of ${words}; --all shows them`));
  }
  return lines;
}

function reasonWord({ reasons, a, b }: DiffedRun): string {
  const [first] = reasons;
  if (first?.type === "only") return a === null ? "only in B" : "only in A";
  if (a?.state !== b?.state) return `${first?.type ?? "differs"}, ${stateWord(a)} → ${stateWord(b)}`;
  return first?.type ?? "differs";
}

function stateWord(side: DiffedSide | null): string {
  return side === null ? "missing" : runStateLooks[side.state].word;
}

/** Why a run differs, and in what it ended. */
function runLines(run: DiffedRun, { paint }: Output, { diffs }: DiffLinesOptions): string[] {
  const lines: string[] = [];
  for (const { type, text, differences } of run.reasons) {
    // What changed says all that there is to say of code, and of an input unless there is a note.
    const isPlain = type === "code" || (type === "input" && !text.includes(": "));
    if (!isPlain || differences.length === 0) lines.push(`  ${text}`);
    for (const difference of differences) lines.push(...differenceLines(difference, paint, diffs));
  }
  lines.push(...outcomeLines(run, paint));
  for (const difference of run.output) lines.push(...differenceLines(difference, paint, diffs));
  if (run.below > 0) {
    const count = run.below.toLocaleString("en-US");
    lines.push(paint("dim", `  with ${count} ${run.below === 1 ? "run" : "runs"} below it`));
  }
  return lines;
}

function differenceLines(difference: Difference, paint: Output["paint"], diffs: boolean): string[] {
  const more = diffs ? diffLines(difference, paint).map((line) => `      ${line}`) : [];
  return [`  ${difference.text}`, ...more];
}

function outcomeLines({ a, b }: DiffedRun, paint: Output["paint"]): string[] {
  if (a === null || b === null || (a.state === b.state && a.failure === b.failure)) return [];
  const [old, fresh] = [a, b].map(({ state, failure }) => {
    const look = runStateLooks[state];
    return paint(look.style, failure === null || state === "NESTED_FAILED" ? look.word : `${look.word}: ${failure}`);
  });
  return [`  ${old} → ${fresh}`];
}

function equalText({ equal, equalWithOtherCode, runs }: DiffReport): string {
  const counts = Object.entries(equalWithOtherCode).map(([func, count]) => (count === 1 ? func : `${func} ×${count}`));
  const changed = counts.length === 0 ? "" : `, although the code changed of ${counts.join(", ")}`;
  const gave = `${equal.toLocaleString("en-US")} ${equal === 1 ? "run" : "runs"} gave equal results${changed}`;
  return runs.length === 0 ? `${gave}.` : `${runs.length.toLocaleString("en-US")} differ; ${gave}.`;
}
