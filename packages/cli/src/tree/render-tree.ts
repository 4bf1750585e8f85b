import { formatDuration, isFinished } from "@reprise/core";
import type { Paint } from "../terminal/paint.ts";
import { fitText, textWidth } from "../terminal/text-width.ts";
import { cacheCountWords, cacheMark, onlyWaited, wasThere } from "./cache-words.ts";
import type { RunGroup, RunNode, RunTree } from "./run-tree.ts";
import { countWords, runStateLooks } from "./state-words.ts";

/** Where a tree is drawn. */
export interface TreeFrame {
  /** Columns of the terminal. */
  readonly width: number;
  /** Lines that may be used. */
  readonly height: number;
  /** Milliseconds since 1970 UTC. */
  readonly now: number;
  readonly paint: Paint;
}

/** How much is left out, from nothing to almost everything; the first that fits is shown. */
const details = [
  { collapseFrom: 9, hideBelowFinished: false, mergeFinished: false },
  { collapseFrom: 9, hideBelowFinished: true, mergeFinished: false },
  { collapseFrom: 3, hideBelowFinished: true, mergeFinished: false },
  { collapseFrom: 2, hideBelowFinished: true, mergeFinished: true },
] as const;

/** Columns of a name that are always shown, if the terminal has them. */
const minName = 16;
/** Columns of what a run waits for that are always shown. More are in a wide terminal: a half of it. */
const minWaitedFor = 32;

type Detail = (typeof details)[number];

/** Lines of the tree of runs, at most `height` of them, each at most `width` wide. Pure. */
export function renderTree(tree: RunTree, frame: TreeFrame): string[] {
  let lines: string[] = [];
  for (const detail of details) {
    const pen = new TreePen(frame, detail);
    pen.children(tree.roots, "", true);
    lines = pen.lines;
    if (lines.length <= frame.height) return lines;
  }
  const kept = lines.slice(0, Math.max(0, frame.height - 1));
  const { finished, size } = tree;
  return [...kept, frame.paint("dim", fitText(`… ${size} runs in all, ${finished} finished`, frame.width))];
}

/** Draws until the frame is more than full, so that a frame costs the same however large the tree is. */
class TreePen {
  readonly lines: string[] = [];
  readonly #frame: TreeFrame;
  readonly #detail: Detail;

  constructor(frame: TreeFrame, detail: Detail) {
    this.#frame = frame;
    this.#detail = detail;
  }

  children(groups: ReadonlyMap<string, RunGroup>, indent: string, top = false): void {
    const items = [...groups.values()].flatMap((group) => this.#items(group));
    const shown = this.#detail.mergeFinished && !top ? mergeFinished(items) : items;
    shown.forEach((item, index) => {
      if (this.lines.length > this.#frame.height) return;
      const last = index === shown.length - 1;
      const branch = top ? "" : last ? "└─ " : "├─ ";
      const below = top ? "" : last ? "   " : "│  ";
      this.#item(item, indent + branch, indent + below);
    });
  }

  #items(group: RunGroup): Item[] {
    if (group.size >= this.#detail.collapseFrom) return [{ group }];
    return [...group.members].map((node) => ({ node }));
  }

  #item(item: Item, branch: string, indent: string): void {
    if ("merged" in item) {
      this.#line(branch, this.#frame.paint("green", `✔ ${item.merged} more done`));
    } else if ("group" in item) {
      this.#line(branch, this.#groupText(item.group, branch));
      this.#members(item.group, indent);
    } else {
      const { node } = item;
      const only = node.kind === "map" && node.groups.size === 1 ? [...node.groups.values()][0] : undefined;
      if (only !== undefined) {
        this.#line(branch, this.#groupText(only, branch, node));
        this.#members(only, indent);
        return;
      }
      this.#line(branch, this.#nodeText(node, branch));
      if (this.#detail.hideBelowFinished && node.state === "RESOLVED") return;
      this.children(node.groups, indent);
    }
  }

  /** Of a collapsed group, those members that somebody wants to see: which are at work, for how long, how far. */
  #members(group: RunGroup, indent: string): void {
    if (this.#detail.collapseFrom < 9) return;
    const active = [...group.members].filter((node) => node.state === "RUNNING" && node.progress !== null).slice(0, 4);
    active.forEach((node, index) => {
      const branch = indent + (index === active.length - 1 ? "└─ " : "├─ ");
      this.#line(branch, this.#nodeText(node, branch));
    });
  }

  #groupText(group: RunGroup, branch: string, node?: RunNode): string {
    const { paint, now } = this.#frame;
    const name = node?.name.replace(/\.map$/, "") ?? group.name;
    const state = node?.state ?? groupState(group);
    const look = runStateLooks[state];
    const ended = isFinished(state);
    const duration = formatDuration((ended ? group.finishedAt : now) - group.startedAt);
    const done = group.counts.get("RESOLVED") ?? 0;
    const bar = ended ? "" : ` ${progressBar(done / group.size)}`;
    const asked = cacheCountWords(group.cacheCounts, group.saved);
    const cached = asked === "" ? "" : paint("dim", `; ${asked}`);
    const rest = ` ×${group.size.toLocaleString("en-US")}: ${countWords(group.counts)}${cached}${paint("cyan", bar)}  ${paint("dim", duration)}`;
    const waitsFor = waitedFor(group);
    const waits = waitsFor === undefined ? "" : `  ${paint("dim", `waits for ${waitsFor}`)}`;
    return `${paint(look.style, look.glyph)} ${this.#nameBefore(name, branch, rest)}${rest}${waits}`;
  }

  #nodeText(node: RunNode, branch: string): string {
    const { paint, now } = this.#frame;
    const look = runStateLooks[node.state];
    const parts: string[] = [];
    const mark = node.cache === null ? "" : cacheMark(node.cache, paint);
    const waits = node.cache?.status === "WAITING" && node.state === "CREATED";
    if (node.state !== "RUNNING" && node.state !== "RESOLVED" && !waits) parts.push(paint(look.style, look.word));
    if (waits) parts.push(mark);
    if (node.attempt > 1) parts.push(paint("yellow", `attempt ${node.attempt}`));
    if (node.state === "RUNNING" && node.progress !== null) parts.push(progressText(node.progress, paint));
    if (node.waitsFor !== null) {
      const most = Math.max(minWaitedFor, Math.floor(this.#frame.width / 2));
      parts.push(paint("dim", `waits for ${fitText(node.waitsFor, most)}`));
    }
    const reused = node.cache !== null && wasThere(node.cache) && node.startedAt === null;
    const otherwise = isFinished(node.state) && !reused ? node.finishedAt : null;
    const from = node.startedAt ?? (onlyWaited(node) ? node.createdAt : otherwise);
    if (from !== null) parts.push(paint("dim", formatDuration((node.finishedAt ?? now) - from)));
    if (mark !== "" && !waits) parts.push(mark);
    const needed = parts.map((part) => `  ${part}`).join("");
    if ((node.state === "FAILED" || node.state === "RETRYING") && node.failure !== null) {
      parts.push(paint("red", firstLine(`${node.failure.name}: ${node.failure.message}`)));
    } else if (node.state === "CANCELED" && node.reason !== null && node.parent?.state !== "CANCELED") {
      parts.push(paint("dim", firstLine(node.reason)));
    }
    const name = this.#nameBefore(node.name, branch, needed);
    return [`${paint(look.style, look.glyph)} ${name}`, ...parts].join("  ");
  }

  /** A name, shortened where it would push what is said of the run out of the terminal. */
  #nameBefore(name: string, branch: string, rest: string): string {
    const room = this.#frame.width - textWidth(branch) - textWidth("✔ ") - textWidth(rest);
    return fitText(name, Math.max(minName, room));
  }

  #line(branch: string, text: string): void {
    this.lines.push(fitText(this.#frame.paint("dim", branch) + text, this.#frame.width));
  }
}

type Item = { readonly node: RunNode } | { readonly group: RunGroup } | { readonly merged: number };

function mergeFinished(items: readonly Item[]): Item[] {
  const open = items.filter((item) => !("node" in item) || item.node.state !== "RESOLVED");
  const merged = items.length - open.length;
  return merged < 2 ? [...items] : [{ merged }, ...open];
}

/** The state that stands for a group: what is going on in it, else the worst end. */
function groupState(group: RunGroup): RunNode["state"] {
  const order = ["RUNNING", "RAN", "RETRYING", "SCHEDULED", "CREATED", "FAILED", "NESTED_FAILED", "CANCELED"] as const;
  return order.find((state) => (group.counts.get(state) ?? 0) > 0) ?? "RESOLVED";
}

/** So many members are asked what they wait for: a frame must cost the same however large the group is. */
const mostAsked = 64;

/** What a group waits for of which nothing is at work: a process that starts, places that others have. */
function waitedFor({ counts, members }: RunGroup): string | undefined {
  if ((counts.get("SCHEDULED") ?? 0) === 0 || (counts.get("RUNNING") ?? 0) > 0) return undefined;
  for (const { state, waitsFor } of members.values().take(mostAsked)) {
    if (state === "SCHEDULED" && waitsFor !== null) return waitsFor;
  }
  return undefined;
}

function progressText(progress: NonNullable<RunNode["progress"]>, paint: Paint): string {
  const { done, total, note } = progress;
  const words = note === null ? "" : ` ${note}`;
  const number = (value: number) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });
  if (total === null || total <= 0) return `${number(done)}${words}`;
  return `${paint("cyan", progressBar(done / total))} ${number(done)}/${number(total)}${words}`;
}

/** A bar of ten cells, to an eighth of a cell. */
function progressBar(part: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * 80);
  const full = Math.floor(eighths / 8);
  const rest = eighths % 8;
  const edge = rest === 0 ? "" : (" ▏▎▍▌▋▊▉"[rest] ?? "");
  return `${"█".repeat(full)}${edge}${"░".repeat(10 - full - (edge === "" ? 0 : 1))}`;
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end === -1 ? text : text.slice(0, end);
}
