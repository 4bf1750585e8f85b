import { type CacheStatus, formatDuration, isFinished, type Run, type RunState, shortId } from "@reprise/core";
import type { Paint } from "../terminal/paint.ts";
import { fitText } from "../terminal/text-width.ts";
import { cacheCountWords, cacheMark, onlyWaited, wasCacheAsked } from "../tree/cache-words.ts";
import { countWords, interruptedLook, runStateLooks } from "../tree/state-words.ts";

/** How to draw the tree of recorded runs. */
export interface ShowTreeOptions {
  readonly now: number;
  readonly width: number;
  readonly paint: Paint;
  /** Every run, also of groups of many equal siblings. */
  readonly all: boolean;
  /** Ids of runs whose code is another than that of the pipeline run that was run again. */
  readonly changedCode: ReadonlySet<string>;
  /** Nobody drives them any more: what has not finished is not under way. */
  readonly interrupted: boolean;
}

const collapseFrom = 9;
const shownOfGroup = 5;

/** Lines of the tree below (and with) a run: state, name, duration, attempts, id. Equal siblings are one line with counts. */
export function showTree(top: Run, runs: readonly Run[], options: ShowTreeOptions): string[] {
  const children = new Map<string, Run[]>();
  for (const run of runs) {
    if (run.parentId === null || run.id === top.id) continue;
    const siblings = children.get(run.parentId);
    if (siblings === undefined) children.set(run.parentId, [run]);
    else siblings.push(run);
  }
  const pen = new Pen(children, options);
  pen.run(top, "", "");
  return pen.lines;
}

class Pen {
  readonly lines: string[] = [];
  readonly #children: ReadonlyMap<string, readonly Run[]>;
  readonly #options: ShowTreeOptions;

  constructor(children: ReadonlyMap<string, readonly Run[]>, options: ShowTreeOptions) {
    this.#children = children;
    this.#options = options;
  }

  run(run: Run, branch: string, indent: string, above?: Run): void {
    this.#line(branch, this.#runText(run, above));
    const groups = this.#groups(this.#children.get(run.id) ?? []);
    groups.forEach((group, index) => {
      const last = index === groups.length - 1;
      this.#group(group, indent + (last ? "└─ " : "├─ "), indent + (last ? "   " : "│  "), run);
    });
  }

  /** Runs one by one, or all runs of one func together if they are many. */
  #groups(children: readonly Run[]): (readonly [Run, ...Run[]])[] {
    const byFunc = new Map<string, [Run, ...Run[]]>();
    for (const child of children) {
      const group = byFunc.get(child.func.id);
      if (group === undefined) byFunc.set(child.func.id, [child]);
      else group.push(child);
    }
    return [...byFunc.values()].flatMap((group): (readonly [Run, ...Run[]])[] => {
      if (!this.#options.all && group.length >= collapseFrom) return [group];
      return group.map((run) => [run]);
    });
  }

  #group(group: readonly [Run, ...Run[]], branch: string, indent: string, above: Run): void {
    const [first] = group;
    if (group.length === 1) return this.run(first, branch, indent, above);
    this.#line(branch, this.#groupText(group));
    const telling = group.filter((run) => run.state !== "RESOLVED");
    const shown = telling.slice(0, shownOfGroup);
    shown.forEach((run, index) => {
      const last = index === shown.length - 1 && telling.length === shown.length;
      this.run(run, indent + (last ? "└─ " : "├─ "), indent + (last ? "   " : "│  "), above);
    });
    const rest = telling.length - shown.length;
    if (rest > 0) this.#line(`${indent}└─ `, this.#options.paint("dim", `… ${rest} more; --all shows every run`));
  }

  #groupText(group: readonly [Run, ...Run[]]): string {
    const { paint, now } = this.#options;
    const counts = new Map<RunState, number>();
    const cacheCounts = new Map<CacheStatus, number>();
    let saved = 0;
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const run of group) {
      counts.set(run.state, (counts.get(run.state) ?? 0) + 1);
      if (wasCacheAsked(run.cache)) {
        cacheCounts.set(run.cache.status, (cacheCounts.get(run.cache.status) ?? 0) + 1);
        if (run.cache.status === "HIT") saved += run.cache.saved ?? 0;
      }
      start = Math.min(start, run.startedAt ?? run.createdAt);
      end = Math.max(end, run.finishedAt ?? now);
    }
    const worst =
      group.find((run) => !isFinished(run.state)) ?? group.find((run) => run.state !== "RESOLVED") ?? group[0];
    const look = runStateLooks[worst.state];
    const asked = cacheCountWords(cacheCounts, saved);
    const cached = asked === "" ? "" : `  ${paint("dim", asked)}`;
    const size = group.length.toLocaleString("en-US");
    return `${paint(look.style, look.glyph)} ${group[0].func.name} ×${size}: ${countWords(counts)}  ${paint("dim", formatDuration(end - start))}${cached}`;
  }

  #runText(run: Run, above: Run | undefined): string {
    const { paint, now, interrupted } = this.#options;
    const left = interrupted && !isFinished(run.state);
    const look = left && run.state === "RUNNING" ? interruptedLook : runStateLooks[run.state];
    const parts = [`${paint(look.style, look.glyph)} ${run.name}`];
    if (run.state !== "RESOLVED") parts.push(paint(look.style, look.word));
    const from = run.startedAt ?? (isFinished(run.state) && !onlyWaited(run) ? null : run.createdAt);
    if (from !== null && !left) parts.push(paint("dim", formatDuration(Math.max(0, (run.finishedAt ?? now) - from))));
    if (run.attempt > 1) parts.push(paint("yellow", `${run.attempt} attempts`));
    if (run.progress !== null && !isFinished(run.state))
      parts.push(`${run.progress.done}/${run.progress.total ?? "?"}`);
    if (wasCacheAsked(run.cache)) parts.push(cacheMark(run.cache, paint));
    parts.push(paint("dim", shortId(run.id)));
    if (this.#options.changedCode.has(run.id)) parts.push(paint("yellow", "code changed"));
    if (run.state === "FAILED" && run.failure !== null) {
      parts.push(paint("red", `${run.failure.name}: ${run.failure.message.split("\n", 1)[0] ?? ""}`));
    } else if (run.reason !== null && above?.state !== "CANCELED") {
      parts.push(paint("dim", run.reason.split("\n", 1)[0] ?? ""));
    } else if (run.cache.note !== null && (run.cache.status === "WAITING" || run.cache.status === "DISABLED")) {
      parts.push(paint("dim", run.cache.note.split("\n", 1)[0] ?? ""));
    }
    return parts.join("  ");
  }

  #line(branch: string, text: string): void {
    this.lines.push(fitText(this.#options.paint("dim", branch) + text, this.#options.width));
  }
}
