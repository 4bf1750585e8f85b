import { type Failure, formatDuration, isFinished, shortId } from "@reprise/core";
import type { RunnerEvent } from "@reprise/runner";
import { cacheCountWords, cacheWords, wasCacheAsked, wasThere } from "../tree/cache-words.ts";
import { groupKey, largeGroup, type RunGroup, type RunNode } from "../tree/run-tree.ts";
import { countWords, runStateLooks } from "../tree/state-words.ts";
import { tameLine } from "./text-width.ts";
import type { View, ViewStreams } from "./view.ts";

/** What a plain view needs besides its streams. */
export interface PlainViewOptions extends ViewStreams {
  /** Only what bodies write; no lines of reprise. */
  readonly quiet: boolean;
  readonly colored: boolean;
}

const summaryEvery = 2_000;
/** So many taken-over runs have a line each; of the others only the number is told. */
const toldTakenOver = 20;

/**
 * Lines for a log file or a pipe: start, end and failure of each run on standard error, what bodies write on the stream
 * that they wrote to, prefixed with the run's name. Of more than fifty equal siblings only counts are told, and of runs that
 * were taken over only the first few.
 */
export class PlainView implements View {
  readonly #options: PlainViewOptions;
  /** Large groups of which something is to be told, with the time when they were last told of. */
  readonly #untold = new Map<RunGroup, number>();
  readonly #toldAt = new WeakMap<RunGroup, number>();
  /** Runs whose end was told: what the cache has to add later comes as a warning. */
  readonly #ended = new WeakSet<RunNode>();
  readonly #takenOver = { told: 0, untold: 0, toldAt: 0 };

  constructor(options: PlainViewOptions) {
    this.#options = options;
  }

  events(events: readonly RunnerEvent[]): void {
    for (const event of events) {
      if (event.type === "log") this.#log(event);
      else if (event.type === "warning") this.say(`warning: ${event.message}`);
      else if (event.type === "run" && !this.#options.quiet) this.#run(event);
    }
    const last = events.at(-1);
    if (last !== undefined && last.time - this.#takenOver.toldAt >= summaryEvery) this.#tellTakenOver(last.time);
    for (const [group, time] of this.#untold) {
      if (time - (this.#toldAt.get(group) ?? 0) >= summaryEvery) this.#summary(group, time);
    }
  }

  output(stream: "stdout" | "stderr", lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join("");
    if (stream === "stdout") this.#options.out(text);
    else this.#options.error(text);
  }

  say(text: string): void {
    if (!this.#options.quiet) this.#options.error(`${text}\n`);
  }

  end(): void {
    this.#tellTakenOver(0);
    for (const [group, time] of this.#untold) this.#summary(group, time);
  }

  #log(event: Extract<RunnerEvent, { type: "log" }>): void {
    const node = this.#options.tree.node(event.runId);
    const prefix = node === undefined ? "" : `${runLabel(node)} | `;
    const lines = event.text.split("\n").map((line) => `${prefix}${tameLine(line, this.#options.colored)}\n`);
    if (event.stream === "stdout") this.#options.out(lines.join(""));
    else this.#options.error(lines.join(""));
  }

  #run(event: Extract<RunnerEvent, { type: "run" }>): void {
    const node = this.#options.tree.node(event.id);
    const parent = node?.parent ?? this.#options.tree.node(event.parentId ?? "");
    const groups = parent === undefined || parent === null ? this.#options.tree.roots : parent.groups;
    const group = groups.get(groupKey(event));
    if (group !== undefined && group.size > largeGroup) {
      if (!this.#toldAt.has(group)) this.#toldAt.set(group, event.time);
      this.#untold.set(group, event.time);
      return;
    }
    if (node !== undefined) {
      if (this.#ended.has(node)) return;
      if (isFinished(event.state)) this.#ended.add(node);
      if (isTakenOver(node, event)) {
        if (this.#takenOver.told === toldTakenOver) {
          this.#takenOver.untold++;
          // A while is waited for more of them.
          if (this.#takenOver.toldAt === 0) this.#takenOver.toldAt = event.time;
          return;
        }
        this.#takenOver.told++;
      }
      const line = runLine(node, event);
      if (line === undefined) return;
      // What was taken over at the beginning is told before what executes then.
      if (this.#takenOver.untold >= toldTakenOver) this.#tellTakenOver(event.time);
      this.say(line);
    }
  }

  #tellTakenOver(time: number): void {
    const { untold } = this.#takenOver;
    if (untold === 0) return;
    this.say(`… ${untold.toLocaleString("en-US")} more taken over`);
    this.#takenOver.untold = 0;
    this.#takenOver.toldAt = time;
  }

  #summary(group: RunGroup, time: number): void {
    const finished = [...group.counts].reduce((sum, [state, count]) => (isFinished(state) ? sum + count : sum), 0);
    const length = finished === group.size ? ` after ${formatDuration(group.finishedAt - group.startedAt)}` : "";
    const asked = cacheCountWords(group.cacheCounts, group.saved);
    this.say(
      `${group.name} ×${group.size.toLocaleString("en-US")}: ${countWords(group.counts)}${length}${asked === "" ? "" : `; ${asked}`}`,
    );
    this.#toldAt.set(group, time);
    this.#untold.delete(group);
  }
}

/** `train#3f2a8c21`: name and the end of the id, which differ even for runs of one millisecond; the root has its name only. */
export function runLabel(node: Pick<RunNode, "id" | "name" | "parent">): string {
  return node.parent === null ? node.name : `${node.name}#${shortId(node.id)}`;
}

function isTakenOver({ startedAt }: RunNode, { state, cache }: Extract<RunnerEvent, { type: "run" }>): boolean {
  return state === "RESOLVED" && startedAt === null && (cache?.status === "CLONED" || cache?.status === "RESUMED");
}

function runLine(node: RunNode, event: Extract<RunnerEvent, { type: "run" }>): string | undefined {
  const label = runLabel(node);
  const from = node.startedAt ?? node.createdAt;
  const length = formatDuration(Math.max(0, event.time - from));
  switch (event.state) {
    case "RUNNING":
      // Other news of a running run (what it waits for) is for the live tree.
      if (event.waitsFor !== undefined || node.startedAt !== event.time) return undefined;
      return `${label}: started${event.attempt > 1 ? `, attempt ${event.attempt}` : ""}${cacheNote(event)}`;
    case "CREATED":
      // Of a wait for inputs nothing is said here, but who waits for another process may wait for long.
      return event.cache?.status === "WAITING" && event.waitsFor !== undefined
        ? `${label}: WAITING for ${event.waitsFor}`
        : undefined;
    case "RESOLVED":
      if (event.cache !== undefined && wasThere(event.cache) && node.startedAt === null)
        return `${label}: ${cacheWords(event.cache)}`;
      return `${label}: done in ${length}${event.cache?.status === "PUT_FAILED" ? cacheNote(event) : ""}`;
    case "FAILED":
      return `${label}: FAILED after ${length}: ${failureLine(event.failure)}`;
    case "NESTED_FAILED":
      return `${label}: ${runStateLooks.NESTED_FAILED.word} after ${length}`;
    case "CANCELED":
      return `${label}: canceled${event.reason === undefined ? "" : `: ${event.reason}`}`;
    case "RETRYING":
      return `${label}: attempt ${event.attempt} failed: ${failureLine(event.failure)}${event.waitsFor === undefined ? "" : `; ${event.waitsFor}`}`;
    default:
      return undefined;
  }
}

/** ` (MISS)`; nothing where the cache was not asked. */
function cacheNote({ cache }: Extract<RunnerEvent, { type: "run" }>): string {
  return cache === undefined || !wasCacheAsked(cache) ? "" : ` (${cacheWords(cache)})`;
}

function failureLine(failure: Failure | undefined): string {
  if (failure === undefined) return "no reason was given";
  return `${failure.name}: ${failure.message.split("\n", 1)[0] ?? ""}`;
}
