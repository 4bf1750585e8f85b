import { formatDuration, type PipelineRun, type RerunAction, shortId } from "@reprise/core";
import type { Output } from "../output.ts";
import type { Style } from "../terminal/paint.ts";
import { fitText } from "../terminal/text-width.ts";
import { formatWhen } from "../when.ts";
import type { RerunForecast, RerunNode, RerunTotal } from "./rerun-forecast.ts";

/** How to show a forecast. */
export interface ForecastLinesOptions {
  readonly pipelineRun: PipelineRun;
  /** What to call the run from which it would be re-run. */
  readonly from: string;
  /** Every run, also of large groups. */
  readonly all: boolean;
  readonly now: number;
}

const collapseFrom = 9;
const shownOfGroup = 5;

type Shown = Exclude<RerunAction, "drop">;

interface Look {
  readonly glyph: string;
  readonly word: string;
  /** Of several. */
  readonly words: string;
  readonly style: Style;
}

const looks: Readonly<Record<Shown, Look>> = {
  reset: { glyph: "●", word: "executes", words: "execute", style: "yellow" },
  reexecute: { glyph: "●", word: "executes", words: "execute", style: "yellow" },
  wait: { glyph: "◐", word: "waits", words: "wait", style: "cyan" },
  clone: { glyph: "✔", word: "taken over", words: "taken over", style: "green" },
};
const shownActions: readonly Shown[] = ["reset", "reexecute", "wait", "clone"];

/** A forecast for people: of what it is, the tree of recorded runs, and what it costs in all. */
export function forecastLines(forecast: RerunForecast, output: Output, options: ForecastLinesOptions): string[] {
  const pen = new ForecastPen(output, options.all);
  return [
    headLine(forecast, output, options),
    ...pen.node(forecast.root, 0).map((line) => fitText(line, output.width)),
    "",
    totalWords(forecast.total),
  ];
}

function headLine(
  { rootId, runId, mode }: RerunForecast,
  { paint }: Output,
  { pipelineRun, from, now }: ForecastLinesOptions,
): string {
  const what = mode === "continue" ? "To continue" : "To re-run";
  const begin = runId === rootId ? "" : ` from ${from}`;
  const when = formatWhen(pipelineRun.startedAt ?? pipelineRun.createdAt, now);
  return paint("dim", `${what} ${pipelineRun.name} ${shortId(rootId)} of ${when}${begin}:`);
}

/** `2 runs to execute, 12 below them called anew, 1 waiting for those below it, 5 taken over: about 12.3 s; 40.2 s saved.` */
function totalWords({ execute, wait, calledAnew, clone, duration, isTimePartial, saved }: RerunTotal): string {
  if (execute + wait === 0) return `Nothing executes: ${runs(clone)} taken over, the result with them.`;
  const parts = [`${runs(execute)} to execute`];
  if (calledAnew > 0) parts.push(`${number(calledAnew)} below called anew`);
  if (wait > 0) parts.push(`${number(wait)} waiting for those below`);
  if (clone > 0) parts.push(`${number(clone)} taken over`);
  const times: string[] = [];
  if (duration >= 1 || !isTimePartial) {
    times.push(`${isTimePartial ? "at least" : "about"} ${formatDuration(duration)} to execute`);
  }
  if (clone > 0) times.push(`${formatDuration(saved)} saved`);
  return `${[parts.join(", "), times.join("; ")].filter(Boolean).join(": ")}.`;
}

function runs(count: number): string {
  return count === 1 ? "1 run" : `${number(count)} runs`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

class ForecastPen {
  readonly #output: Output;
  readonly #all: boolean;

  constructor(output: Output, all: boolean) {
    this.#output = output;
    this.#all = all;
  }

  /** Lines of a run and of those below it; what is taken over is one line. */
  node(node: RerunNode, depth: number): string[] {
    const { paint } = this.#output;
    const { glyph, word, style } = looks[node.action as Shown];
    const head = `${"  ".repeat(depth)}${paint(style, `${glyph} ${word.padEnd(10)}`)} ${paint("bold", node.name)}`;
    const hidden = node.action === "clone" && !this.#all;
    const within = hidden && node.below > 0 ? `with ${runs(node.below)} below` : "";
    const time = node.action === "wait" ? "" : timeWords(node.duration);
    const about = [shortId(node.runId), within, time].filter(Boolean).join("  ");
    return [
      [head, paint("dim", about), reasonText(node), this.#code(node)].filter(Boolean).join("  "),
      ...this.#anew(node, depth + 1),
      ...(hidden ? [] : this.#children(node.children, depth + 1)),
    ];
  }

  /** What has become of the code; of a func that is not needed any more, nothing. */
  #code({ code, action }: RerunNode): string {
    if (code === "changed") {
      return this.#output.paint("yellow", action === "clone" ? "its code changed since" : "its code changed");
    }
    return code === "gone" && action !== "clone" && action !== "wait"
      ? this.#output.paint("red", "its func is not in the program any more")
      : "";
  }

  #anew({ calledAnew, calledAnewDuration }: RerunNode, depth: number): string[] {
    if (calledAnew === 0) return [];
    const time = timeWords(calledAnewDuration);
    const which = calledAnew === 1 ? "the run that was" : `the ${runs(calledAnew)} that were`;
    const text = `… and ${which} below it, called anew${time === "" ? "" : `  ${time}`}`;
    return [`${"  ".repeat(depth)}${this.#output.paint("dim", text)}`];
  }

  #children(children: readonly RerunNode[], depth: number): string[] {
    const byFunc = Map.groupBy(children, ({ funcId, kind }) => `${kind} ${funcId}`);
    return [...byFunc.values()].flatMap((nodes) => {
      const [first] = nodes;
      if (first === undefined) return [];
      if (nodes.length < collapseFrom || this.#all) return nodes.flatMap((node) => this.node(node, depth));
      return this.#group(first.funcId, nodes, depth);
    });
  }

  /** `each ×1,000: 3 execute, 997 taken over`, and the first of those that are not kept. */
  #group(name: string, nodes: readonly RerunNode[], depth: number): string[] {
    const { paint } = this.#output;
    const action = shownActions.find((known) => nodes.some((node) => node.action === known)) ?? "clone";
    const { glyph, style } = looks[action];
    const others = nodes.filter((node) => node.action !== "clone");
    const shown = others.slice(0, shownOfGroup);
    const line = `${"  ".repeat(depth)}${paint(style, glyph)} ${paint("bold", name)} ×${number(nodes.length)}: ${countWords(nodes)}`;
    const rest = others.length - shown.length;
    const more = rest === 0 ? [] : [`${"  ".repeat(depth + 1)}${paint("dim", `… ${rest} more; --all shows them`)}`];
    return [line, ...shown.flatMap((node) => this.node(node, depth + 1)), ...more];
  }
}

function countWords(nodes: readonly RerunNode[]): string {
  const counts = new Map<string, number>();
  for (const { action } of nodes) {
    const { words } = looks[action as Shown];
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].map(([words, count]) => `${number(count)} ${words}`).join(", ");
}

function reasonText({ action, reason, ifCalled, mayHit }: RerunNode): string {
  const parts = action === "clone" ? [] : [reason];
  if (ifCalled) parts.push("if it is called again");
  if (mayHit) parts.push("unless the cache has its result");
  return parts.join(", ");
}

function timeWords(duration: number | null): string {
  return duration === null || duration < 1 ? "" : formatDuration(duration);
}
