import { isFinished, shortId } from "@reprise/core";
import type { Home, RecordedRun } from "@reprise/store";
import { runStateLooks } from "../tree/state-words.ts";
import type { Difference } from "../why/difference.ts";
import { inputDifferences } from "./changed-values.ts";
import {
  type CallerNote,
  type ChangedInput,
  type DiffEntry,
  type DiffReason,
  resultDiffers,
  type RunSides,
} from "./compare-runs.ts";

/** Why a run differs, in words. */
export interface ReasonReport {
  readonly type: DiffReason["type"];
  /** In one line. */
  readonly text: string;
  /** In detail: which code, which places of an argument. */
  readonly differences: readonly Difference[];
  /** Ids of the artifacts of the argument that differs. */
  readonly input: { readonly name: string; readonly before: string | null; readonly after: string | null } | null;
  /** Runs on which it rests, by their ids in both trees; null where there is none. */
  readonly runs: readonly { readonly a: string | null; readonly b: string | null; readonly name: string }[];
}

/** Places told of an argument whose differences are told with the run that it comes from. */
const placesUpstream = 2;

/** Runs upstream that are named. */
const maxSources = 3;

/** How much to tell. */
export interface DescribeOptions {
  /** Whether values are read to tell where they differ. */
  readonly detailed: boolean;
  readonly maxPlaces: number;
  /** Files in which the programs differ, for runs of which nothing closer is known. */
  readonly program: readonly Difference[];
}

/** Says why a run differs. */
export async function describeReasons(
  home: Home,
  entry: DiffEntry,
  options: DescribeOptions,
): Promise<readonly ReasonReport[]> {
  const reports: ReasonReport[] = [];
  for (const reason of entry.reasons) reports.push(await describeReason(home, entry, reason, options));
  return reports;
}

async function describeReason(
  home: Home,
  entry: DiffEntry,
  reason: DiffReason,
  { detailed, maxPlaces, program }: DescribeOptions,
): Promise<ReasonReport> {
  const report = { type: reason.type, text: reasonText(reason, entry), differences: [], input: null, runs: [] };
  switch (reason.type) {
    case "code":
      return { ...report, differences: reason.code.differences };
    case "nondeterministic":
      return { ...report, differences: detailed && !reason.certain ? program : [] };
    case "nested":
      return { ...report, runs: [namedSides(reason.first)] };
    case "input":
    case "upstream": {
      const runs = reason.type === "upstream" ? reason.from.map(namedSides) : [];
      const { input } = reason;
      if (input === undefined) return { ...report, runs };
      const { before, after } = input;
      const [old, fresh] = [before?.artifactId ?? null, after?.artifactId ?? null];
      const limit = reason.type === "upstream" ? placesUpstream : maxPlaces;
      const differences = detailed ? await inputDifferences(home, input, limit) : [];
      return { ...report, differences, input: { name: nameOf(input), before: old, after: fresh }, runs };
    }
    default:
      return report;
  }
}

function reasonText(reason: DiffReason, { before, after }: DiffEntry): string {
  switch (reason.type) {
    case "func":
      return `another func: "${before?.func.record.id}" → "${after?.func.record.id}"`;
    case "code":
      return "code changed";
    case "input":
      return [`input ${nameOf(reason.input)} differs`, noteText(reason.note)].filter(Boolean).join(": ");
    case "upstream":
      return upstreamText(reason);
    case "nested": {
      const { first, count } = reason;
      const verb = first.after === undefined ? "is gone" : first.before === undefined ? "is new" : "differs";
      const more = count > 1 ? `, and ${(count - 1).toLocaleString("en-US")} more` : "";
      return `${sidesWords(first)}, which it called, ${verb}${more}`;
    }
    case "outcome":
      return "it ended otherwise with equal inputs";
    case "nondeterministic":
      return reason.certain
        ? "equal inputs and equal code, but another result: it is not deterministic"
        : "equal inputs and the same func, but another result: code that it uses changed, or it is not deterministic";
    case "only":
      return [after === undefined ? "only in A" : "only in B", noteText(reason.note)].filter(Boolean).join(": ");
  }
}

function upstreamText({ input, from }: Extract<DiffReason, { type: "upstream" }>): string {
  const names = [...new Set(from.map(({ after, sourcePath }) => `${runWords(after)}${sourcePath}`))];
  const shown = names.slice(0, maxSources).join(", ");
  const runs = names.length > maxSources ? `${shown} and ${names.length - maxSources} more` : shown;
  if (input === undefined) return `it had to wait for ${runs}, which ended otherwise`;
  const unknown = input.before?.artifactId === undefined || input.after?.artifactId === undefined;
  return `input ${nameOf(input)} comes from ${runs}, which ${unknown ? "ended otherwise" : "gave another value"}`;
}

function noteText(note: CallerNote | undefined): string {
  switch (note?.type) {
    case undefined:
      return "";
    case "caller":
      // Then the caller is told of itself.
      if (resultDiffers(note.pair.before, note.pair.after)) return "";
      return `${runWords(note.pair.after)}, which called it, has other code or inputs`;
    case "waited":
      return `its caller had waited for ${runWords(note.run)}, which gave something else`;
    case "undetermined":
      return `${runWords(note.pair.after)}, which called it, has equal inputs and no known change of its code`;
    case "ended": {
      const ended = isSettled(note.pair.after) ? note.pair.before : note.pair.after;
      const word = isFinished(ended.state) ? runStateLooks[ended.state].word : "not finished";
      return `${runWords(ended)} did not get so far, it is ${word}`;
    }
  }
}

function isSettled({ state }: RecordedRun): boolean {
  return state === "RESOLVED" || state === "NESTED_FAILED";
}

function nameOf({ before, after }: ChangedInput): string {
  return (after ?? before)?.name ?? "";
}

function namedSides({ before, after }: RunSides): ReasonReport["runs"][number] {
  return { a: before?.id ?? null, b: after?.id ?? null, name: (after ?? before)?.name ?? "" };
}

function sidesWords({ before, after }: RunSides): string {
  const run = after ?? before;
  return run === undefined ? "a run" : runWords(run);
}

/** `train 3f2a8c21`. */
function runWords({ name, id }: Pick<RecordedRun, "name" | "id">): string {
  return `${name} ${shortId(id)}`;
}
