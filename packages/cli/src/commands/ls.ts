import { formatDuration, type PipelineState, pipelineStates, RepriseError, shortId, tookOf } from "@reprise/core";
import type { PipelineRunSummary } from "@reprise/store";
import type { Command, Invocation } from "../host.ts";
import { type Output, outputOf } from "../output.ts";
import { interruptedOf } from "../rerun/interrupted.ts";
import { shortRerunWords } from "../rerun/rerun-words.ts";
import { openStore, resolveRun } from "../store-access.ts";
import { didYouMean } from "../suggest.ts";
import { cacheCountWords } from "../tree/cache-words.ts";
import { interruptedLook, pipelineStateLooks } from "../tree/state-words.ts";
import { tableLines } from "../values/table.ts";
import { formatWhen } from "../when.ts";

/** `reprise ls`: pipeline runs, newest first. */
export const ls: Command = async (invocation) => {
  const { host, json, command } = invocation;
  await using store = await openStore(invocation);
  const { backend } = store;
  const { after, func, tag } = command.values;
  const state = readState(command.values["state"]);
  const limit = readLimit(command.values["limit"]);
  const runs = await backend.listPipelineRuns({
    limit,
    ...(typeof after === "string" ? { after: await resolveRun(backend, after) } : {}),
    ...(state === undefined ? {} : { state }),
    ...(typeof func === "string" ? { funcId: func } : {}),
    ...(typeof tag === "string" ? { tag } : {}),
  });
  const interrupted = await interruptedOf(backend, runs);
  const output = outputOf(host);
  if (json) output.json({ pipelineRuns: runs.map((run) => summaryJson(run, interrupted.has(run.id))) });
  else if (runs.length === 0) output.lines([emptyWords(invocation, backend.place)]);
  else output.lines([...listLines(runs, interrupted, Date.now(), output), ...resumeLines(runs, interrupted, output)]);
  return 0;
};

/** A pipeline run as `ls --json` and `show --json` give it. */
export function summaryJson(run: PipelineRunSummary, interrupted: boolean): object {
  return { ...run, interrupted, durationMs: tookOf(run) };
}

function listLines(
  runs: readonly PipelineRunSummary[],
  interrupted: ReadonlySet<string>,
  now: number,
  { paint, width }: Output,
): string[] {
  const rows = runs.map((run) => {
    const isInterrupted = interrupted.has(run.id);
    const look = isInterrupted ? interruptedLook : pipelineStateLooks[run.state];
    const unfinished = run.finishedAt === null;
    const counts = [unfinished ? `${run.finished}/${run.runs}` : String(run.runs)];
    if (run.failed > 0) counts.push(paint("red", `${run.failed} failed`));
    return [
      shortId(run.id),
      paint(look.style, `${look.glyph} ${look.word}`),
      run.rerun === null ? run.name : `${run.name} ${paint("dim", `(${shortRerunWords(run.rerun)})`)}`,
      formatWhen(run.createdAt, now),
      isInterrupted ? "" : formatDuration((run.finishedAt ?? now) - (run.startedAt ?? run.createdAt)),
      counts.join(", "),
      cacheCountWords(new Map([["HIT", run.hits]]), run.saved),
      run.tags.join(" "),
    ];
  });
  const titles = ["id", "state", "pipeline", "started", "duration", "runs", "cache", "tags"];
  // The last two only where they say something.
  const shown = [...titles.keys()].filter((column) => column < 6 || rows.some((row) => row[column] !== ""));
  const columns = shown.map((column) => ({
    title: titles[column] ?? "",
    align: titles[column] === "duration" ? ("right" as const) : ("left" as const),
  }));
  return tableLines({ columns, rows: rows.map((row) => shown.map((column) => row[column] ?? "")) }, width, paint);
}

/** How to go on with what nobody drives any more. */
function resumeLines(
  runs: readonly PipelineRunSummary[],
  interrupted: ReadonlySet<string>,
  { paint }: Output,
): string[] {
  const newest = runs.find(({ id }) => interrupted.has(id));
  return newest === undefined ? [] : ["", paint("dim", `To go on: reprise resume ${shortId(newest.id)}`)];
}

function emptyWords({ command }: Invocation, place: string): string {
  const filtered = ["state", "func", "tag", "after"].some((name) => command.values[name] !== undefined);
  if (filtered) return "No pipeline run fits.";
  return `No pipeline runs yet in ${place}. Start one: reprise run FILE`;
}

function readLimit(value: unknown): number {
  if (value === undefined) return 20;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new RepriseError("USAGE", `ls: --limit must be a whole number from 1, not ${JSON.stringify(value)}.`);
}

function readState(value: unknown): PipelineState | undefined {
  if (typeof value !== "string") return undefined;
  const state = pipelineStates.find((known) => known === value.toUpperCase());
  if (state !== undefined) return state;
  const known = pipelineStates.map((name) => name.toLowerCase());
  throw new RepriseError(
    "USAGE",
    `ls: there is no state "${value}".${didYouMean(value, known)} Known: ${known.join(", ")}.`,
  );
}
