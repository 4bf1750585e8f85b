import { type CacheStatus, formatDuration, isFinished, type Run, type RunCache, shortId } from "@reprise/core";
import type { Home, PipelineRunSummary } from "@reprise/store";
import { shortKey } from "../cache/entry-texts.ts";
import { failureLines } from "../failure-lines.ts";
import type { Output } from "../output.ts";
import { rerunWords } from "../rerun/rerun-words.ts";
import { shortArtifactId } from "../store-access.ts";
import { cacheMark, reuseWords, takeOverWords, wasCacheAsked, wasThere } from "../tree/cache-words.ts";
import { interruptedLook, runStateLooks } from "../tree/state-words.ts";
import { formatDate } from "../when.ts";
import type { RunStory } from "./run-story.ts";
import { showTree } from "./show-tree.ts";
import { valueLines } from "./value-lines.ts";

const maxEvents = 20;
const maxParts = 3;

/** How much to show. */
export interface StoryOptions {
  readonly all: boolean;
  readonly source: boolean;
  readonly now: number;
}

/** A run's story for people: the error first if there is one, because that is what they came for. */
export async function storyLines(
  home: Home,
  story: RunStory,
  output: Output,
  options: StoryOptions,
): Promise<string[]> {
  const { run } = story;
  const { changedCode, interrupted } = story;
  const { now, all } = options;
  const tree = { now, width: output.width - 2, paint: output.paint, all, changedCode, interrupted };
  const sections: [string, string[]][] = [
    ["", headLines(story, output, options.now)],
    ["Error", errorLines(story, output)],
    [
      `${isTakenOver(run.cache) ? "Result" : "Cache"}  ${cacheMark(run.cache, output.paint)}`,
      cacheLines(story, output),
    ],
    ["Runs", story.runs.length > 1 ? showTree(run, story.runs, tree) : []],
    ["Input", await inputLines(home, story, output)],
    [
      run.output === null ? "" : `Output  ${output.paint("dim", `${shortArtifactId(run.output)}${madeOf(story)}`)}`,
      await outputLines(home, run, output),
    ],
    ["Attempts that failed", attemptLines(story, output)],
    ["Metrics", metricLines(story)],
    ["Events", eventLines(story, output)],
    [`Source  ${output.paint("dim", place(run))}`, sourceLines(run, output, options.source)],
    ["", hintLines(story, output)],
  ];
  const lines: string[] = [];
  for (const [title, body] of sections) {
    if (body.length === 0) continue;
    if (lines.length > 0) lines.push("");
    if (title === "") lines.push(...body);
    else lines.push(output.paint("bold", title), ...body.map((line) => `  ${line}`));
  }
  return lines;
}

function headLines(story: RunStory, { paint }: Output, now: number): string[] {
  const { run, pipelineRun, interrupted, path } = story;
  const left = interrupted && !isFinished(run.state);
  const look = left ? interruptedLook : runStateLooks[run.state];
  // The body of a root that was interrupted has executed more than once, and the run tells of the last time only.
  const { startedAt, createdAt, finishedAt } = (run.parentId === null ? pipelineRun : undefined) ?? run;
  const from = startedAt ?? createdAt;
  const length = formatDuration((finishedAt ?? now) - from);
  const lasted = left ? "" : `, ${run.finishedAt === null ? "for" : "took"} ${length}`;
  const lines = [
    `${paint(look.style, `${look.glyph} ${look.word}`)}  ${paint("bold", path.join(" › "))}  ${paint("dim", run.id)}`,
    wasThere(run.cache) && run.startedAt === null && run.finishedAt !== null
      ? `${run.cache.status === "CLONED" ? "taken over" : "reused"} ${formatDate(run.finishedAt)}`
      : `started ${formatDate(from)}${lasted}${run.attempt > 1 ? `, ${run.attempt} attempts` : ""}`,
  ];
  if (left) lines.push(`nobody drives it any more; to go on: reprise resume ${shortId(run.rootId)}`);
  if (run.reason !== null) lines.push(run.reason);
  if (run.func.description !== null) lines.push(run.func.description);
  if (run.tags.length > 0) lines.push(`tags ${run.tags.join(", ")}`);
  if (run.options !== null && Object.keys(run.options).length > 0)
    lines.push(`options of this call ${JSON.stringify(run.options)}`);
  if (story.changedCode.has(run.id))
    lines.push(paint("yellow", `code changed since ${shortId(pipelineRun?.rerun?.rootId ?? "")}`));
  if (pipelineRun !== undefined && run.parentId === null) {
    lines.push(...rerunLines(story, pipelineRun));
    if (pipelineRun.hits > 0) lines.push(reuseWords(pipelineRun.hits, pipelineRun.saved));
    lines.push(...originLines(pipelineRun));
  }
  return lines;
}

/** From what a pipeline run was run again, or that it was resumed, and how much of it was there already. */
function rerunLines({ runs, rerunFrom }: RunStory, { rerun }: PipelineRunSummary): string[] {
  const lines: string[] = [];
  if (rerun !== null) {
    const words = rerunWords(rerun, rerunFrom);
    lines.push(`${words}; reprise diff ${shortId(rerun.rootId)} ${shortId(runs[0]?.rootId ?? "")}`);
  }
  const count = (status: CacheStatus) => runs.filter(({ cache }) => cache.status === status).length;
  const executed = runs.filter(
    ({ kind, startedAt, cache }) => kind === "func" && startedAt !== null && !wasThere(cache),
  );
  const found = takeOverWords({ cloned: count("CLONED"), resumed: count("RESUMED"), executed: executed.length });
  return found === "" ? lines : [...lines, found];
}

function originLines({ origin, git }: PipelineRunSummary): string[] {
  const { versions } = origin;
  const lines = [
    `by ${origin.user} on ${origin.host}, process ${origin.pid}, reprise ${versions.reprise}, Node ${versions.node}, ${versions.platform}`,
    // The driver is started with flags of Node that nobody typed.
    `command ${origin.command.replace(/^\S+ (?:--\S+ )*(?=reprise )/, "")}`,
  ];
  if (git !== null) {
    const commit = git.commit === null ? "no commit yet" : git.commit.slice(0, 12);
    lines.push(
      `git ${git.branch ?? "no branch"} ${commit}${git.dirty ? " with changes" : ""}${git.remote === null ? "" : ` of ${git.remote}`}`,
    );
  }
  return lines;
}

/** The failure of the run itself, or of the runs below it where it began. */
function errorLines({ run, runs }: RunStory, { paint }: Output): string[] {
  if (run.state === "FAILED" && run.failure !== null) return failureLines(run.failure, paint);
  if (run.state !== "NESTED_FAILED") return [];
  const failed = runs.filter((other) => other.state === "FAILED" && other.failure !== null);
  if (failed.length === 0) return run.failure === null ? [] : failureLines(run.failure, paint);
  const lines = failed
    .slice(0, 3)
    .flatMap((other) =>
      [`${paint("bold", other.name)} ${paint("dim", shortId(other.id))}`].concat(
        other.failure === null ? [] : failureLines(other.failure, paint),
      ),
    );
  return failed.length > 3 ? [...lines, `… and ${failed.length - 3} more`] : lines;
}

/** Of a reused result: who computed it, and where to read what that run wrote. */
function cacheLines({ run, computedBy, pipelineRun }: RunStory, { paint }: Output): string[] {
  const { cache } = run;
  if (!wasCacheAsked(cache)) return [];
  if (cache.status === "CLONED") return clonedLines(cache, computedBy);
  const lines: string[] = cache.status === "RESUMED" ? ["finished before the interruption"] : [];
  const { originRunId } = cache;
  if (originRunId !== null) {
    const id = shortId(originRunId);
    if (computedBy === undefined) lines.push(`result of run ${id} (origin deleted, and its logs with it)`);
    else {
      const where = computedBy.rootId === pipelineRun?.id ? "in this pipeline run" : formatDate(computedBy.createdAt);
      lines.push(`result of ${computedBy.name} ${id}, ${where}`, `what it wrote: reprise logs ${id}`);
    }
  }
  if (cache.note !== null) lines.push(cache.note);
  if (cache.status === "WAITING" && isFinished(run.state)) lines.push("it ended while it waited");
  if (cache.key !== null) lines.push(paint("dim", `key ${shortKey(cache.key)}`));
  return lines;
}

function isTakenOver({ status }: RunCache): boolean {
  return status === "CLONED" || status === "RESUMED";
}

/** Of a run that a re-run took over: who had computed it, and how long that took. */
function clonedLines(cache: RunCache, computedBy: Run | undefined): string[] {
  const id = shortId(cache.originRunId ?? "");
  if (computedBy === undefined) return [`taken over from run ${id} (deleted since, and its logs with it)`];
  const took = cache.saved === null ? "" : `, took ${formatDuration(cache.saved)}`;
  const from = `taken over from ${computedBy.name} ${id}, ${formatDate(computedBy.createdAt)}${took}`;
  return [from, `what it wrote: reprise logs ${id}`];
}

async function inputLines(home: Home, { edges, sources }: RunStory, output: Output): Promise<string[]> {
  const lines: string[] = [];
  for (const edge of edges) {
    // The others say how arguments and results were put together: what came of that is shown.
    if (edge.kind !== "data" && edge.kind !== "order") continue;
    const source = edge.sourceRunId === null ? undefined : sources.get(edge.sourceRunId);
    const from = source === undefined ? "" : `from ${source.name} ${shortId(source.id)}${edge.sourcePath}`;
    if (edge.kind === "order") {
      lines.push(
        output.paint("dim", `after ${source?.name ?? "another run"} ${source === undefined ? "" : shortId(source.id)}`),
      );
      continue;
    }
    const name = edge.name === "" ? `argument ${edge.argument + 1}` : edge.name;
    const id = edge.artifactId === null ? "" : shortArtifactId(edge.artifactId);
    const head = `${output.paint("bold", `${name}${edge.argumentPath}`)}  ${output.paint("dim", [from, id].filter(Boolean).join("  "))}`;
    lines.push(head.trimEnd());
    if (edge.artifactId !== null) {
      lines.push(...(await valueLines(home, edge.artifactId, output, 12)).map((line) => `  ${line}`));
    }
  }
  return lines;
}

/** Of a result that other runs gave, whole or in parts: which. */
function madeOf({ edges, sources }: RunStory): string {
  const parts = edges.filter(({ kind, sourceRunId }) => kind === "result" && sourceRunId !== null);
  if (parts.length === 0) return "";
  const told = parts.slice(0, maxParts).map(({ argumentPath, sourceRunId, sourcePath }) => {
    const place = argumentPath === "" ? "" : `${argumentPath} `;
    return `${place}from ${sources.get(sourceRunId ?? "")?.name ?? "another run"} ${shortId(sourceRunId ?? "")}${sourcePath}`;
  });
  const rest = parts.length - told.length;
  return `  ${told.join(", ")}${rest === 0 ? "" : `, … ${rest} more`}`;
}

async function outputLines(home: Home, run: Run, output: Output): Promise<string[]> {
  return run.output === null ? [] : valueLines(home, run.output, output, 60);
}

function attemptLines({ attempts }: RunStory, { paint }: Output): string[] {
  return attempts.flatMap(({ attempt, startedAt, endedAt, failure }) => {
    const length = startedAt === null ? "" : ` after ${formatDuration(endedAt - startedAt)}`;
    return [`${attempt}${length}: ${paint("red", failure.name)}: ${failure.message.split("\n", 1)[0] ?? ""}`];
  });
}

function eventLines({ events }: RunStory, { paint }: Output): string[] {
  const lines = events
    .slice(0, maxEvents)
    .map(({ time, kind, message }) => `${paint("dim", formatDate(time).slice(11))}  ${kind}  ${message}`);
  const rest = events.length - lines.length;
  return rest === 0 ? lines : [...lines, paint("dim", `… ${rest} more; --json shows all`)];
}

/** Of a gauge the last value, of a count the sum. */
function metricLines({ metrics }: RunStory): string[] {
  const values = new Map<string, number>();
  for (const { name, type, value } of metrics) {
    values.set(name, type === "count" ? (values.get(name) ?? 0) + value : value);
  }
  return [...values].map(([name, value]) => `${name}  ${value}`);
}

function place({ func }: Run): string {
  if (func.file === null) return `func "${func.id}"`;
  return func.line === null ? func.file : `${func.file}:${func.line}`;
}

function sourceLines({ func }: Run, { paint }: Output, whole: boolean): string[] {
  if (func.source === null) return [];
  const lines = func.source.split("\n");
  const shown = whole ? lines : lines.slice(0, 12);
  const rest = lines.length - shown.length;
  return rest === 0 ? shown : [...shown, paint("dim", `… ${rest} more lines; --source shows all`)];
}

function hintLines({ run, logLines, runs, pipelineRun }: RunStory, { paint }: Output): string[] {
  const id = shortId(run.id);
  const hints: string[] = [];
  if (logLines.length > 0 || runs.length > 1)
    hints.push(`reprise logs ${id}${run.parentId === null ? "" : " --nested"}`);
  if (run.output !== null) hints.push(`reprise artifact get ${id}`);
  const hasFailed = pipelineRun?.state === "FAILED" || pipelineRun?.state === "CANCELED";
  if (hasFailed && run.parentId === null) hints.push(`reprise rerun ${id} --continue`);
  return hints.map((hint) => paint("dim", hint));
}
