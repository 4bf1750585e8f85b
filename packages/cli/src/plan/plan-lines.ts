import { formatDuration, shortId } from "@reprise/core";
import type { Output } from "../output.ts";
import { fitText } from "../terminal/text-width.ts";
import { formatWhen } from "../when.ts";
import type { Plan, PlanNode, PlanTotal, Verdict } from "./plan.ts";

/** How to show a plan. */
export interface PlanLinesOptions {
  /** Every call, also of large groups. */
  readonly all: boolean;
  readonly now: number;
}

const collapseFrom = 9;
const shownOfGroup = 5;
const maxReasons = 4;

const looks = {
  hit: { glyph: "✔", word: "hit", style: "green" },
  run: { glyph: "●", word: "run", style: "yellow" },
  unknown: { glyph: "?", word: "unknown", style: "gray" },
} as const;

/** A plan for people: what it is based on, the tree of calls, and what it costs in all. */
export function planLines(plan: Plan, output: Output, options: PlanLinesOptions): string[] {
  const pen = new PlanPen(output, options.all);
  return [
    ...baseLines(plan, output, options.now),
    ...pen.node(plan.root, 0).map((line) => fitText(line, output.width)),
    "",
    totalWords(plan.total),
  ];
}

/** `3 hit, 1 run, 2 unknown. About 12.3 s to execute; 40.2 s are saved.` */
function totalWords({ hit, run, unknown, duration, unknownDuration, saved }: PlanTotal): string {
  const counts = countWords({ hit, run, unknown });
  const times: string[] = [];
  if (run > 0) times.push(`about ${formatDuration(duration)} to execute`);
  if (unknown > 0) times.push(`up to ${formatDuration(unknownDuration)} more for what is unknown`);
  if (hit > 0) times.push(`${formatDuration(saved)} saved`);
  return `${counts}: ${times.join("; ")}.`;
}

function baseLines({ base, root }: Plan, { paint }: Output, now: number): string[] {
  if (root.verdict === "hit") return [];
  if (base === null) return [paint("dim", "It has not run to its end yet, so what is below the root is not known.")];
  const as = `As in run ${shortId(base.runId)} of ${formatWhen(base.startedAt, now)}`;
  if (base.sameInput) return [paint("dim", `${as}, which had the same input.`)];
  return [
    paint("dim", `${as}, which had another input, so calls that depend on it are not known:`),
    ...base.differences.map((text) => paint("dim", `  ${text}`)),
  ];
}

function countWords(counts: Readonly<Record<Verdict, number>>): string {
  const parts = (["hit", "run", "unknown"] as const).flatMap((verdict) =>
    counts[verdict] === 0 ? [] : [`${counts[verdict].toLocaleString("en-US")} ${looks[verdict].word}`],
  );
  return parts.join(", ");
}

class PlanPen {
  readonly #output: Output;
  readonly #all: boolean;

  constructor(output: Output, all: boolean) {
    this.#output = output;
    this.#all = all;
  }

  /** Lines of a call and of what it calls. */
  node(node: PlanNode, depth: number): string[] {
    if (node.kind === "map") return this.#group(node.name, node.children, node.reasons, depth);
    const { paint } = this.#output;
    const { glyph, word, style } = looks[node.verdict];
    const head = `${"  ".repeat(depth)}${paint(style, `${glyph} ${word.padEnd(7)}`)} ${paint("bold", node.name)}`;
    const about = aboutWords(node);
    const [first, ...more] = reasonLines(node);
    const indent = "  ".repeat(depth + 5);
    return [
      [head, first, about === "" ? "" : paint("dim", about)].filter(Boolean).join("  "),
      ...more.map((line) => `${indent}${line}`),
      ...this.#children(node.children, depth + 1),
    ];
  }

  #children(children: readonly PlanNode[], depth: number): string[] {
    const byFunc = Map.groupBy(children, ({ funcId, kind }) => `${kind} ${funcId}`);
    return [...byFunc.values()].flatMap((nodes) => {
      const [first] = nodes;
      if (first === undefined) return [];
      if (first.kind === "map" || nodes.length < collapseFrom || this.#all) {
        return nodes.flatMap((node) => this.node(node, depth));
      }
      return this.#group(first.funcId, nodes, [], depth);
    });
  }

  /** `each.map ×1,000: 997 hit, 3 run`, and the first of those that are no hits. */
  #group(name: string, nodes: readonly PlanNode[], reasons: readonly string[], depth: number): string[] {
    const { paint } = this.#output;
    const counts = { hit: 0, run: 0, unknown: 0 };
    for (const { verdict } of nodes) counts[verdict]++;
    const verdict: Verdict = counts.run > 0 ? "run" : counts.unknown > 0 || nodes.length === 0 ? "unknown" : "hit";
    const { glyph, style } = looks[verdict];
    const others = nodes.filter((node) => node.verdict !== "hit");
    const common = this.#all ? undefined : commonReason(others);
    const told = [countWords(counts), ...(common === undefined ? reasons : [common])].filter(Boolean).join(";  ");
    const count = nodes.length.toLocaleString("en-US");
    const line = `${"  ".repeat(depth)}${paint(style, glyph)} ${paint("bold", name)} ×${count}: ${told}`;
    const shown = this.#all ? nodes : common === undefined ? others.slice(0, shownOfGroup) : [];
    const rest = this.#all || common !== undefined ? 0 : others.length - shown.length;
    const more = rest === 0 ? [] : [`${"  ".repeat(depth + 1)}${paint("dim", `… ${rest} more; --all shows them`)}`];
    return [line, ...shown.flatMap((node) => this.node(node, depth + 1)), ...more];
  }
}

/** What all calls have to say, if that is the same for all and nothing else is below them. */
function commonReason(nodes: readonly PlanNode[]): string | undefined {
  const [first, ...others] = nodes.map(({ reasons, ifSame }) => reasonText(reasons, ifSame));
  const isCommon = others.every((text) => text === first) && nodes.every(({ children }) => children.length === 0);
  return isCommon ? first : undefined;
}

/** What stands behind the verdict, a line each; of what is unknown, all on one line. */
function reasonLines({ verdict, reasons, ifSame }: PlanNode): string[] {
  if (verdict === "unknown") return [reasonText(reasons, ifSame)];
  const shown = reasons.slice(0, maxReasons);
  const rest = reasons.length - shown.length;
  return rest === 0 ? shown : [...shown, `… and ${rest} more`];
}

function reasonText(reasons: readonly string[], ifSame: PlanNode["ifSame"]): string {
  const otherwise = { hit: " (a hit, if that is as before)", run: " (executes in any case)" };
  return `${reasons.join("; ")}${ifSame === null ? "" : otherwise[ifSame]}`;
}

function aboutWords({ verdict, duration, saved, originRunId }: PlanNode): string {
  if (verdict !== "hit") return duration === null || duration < 1 ? "" : formatDuration(duration);
  const from = originRunId === null ? "" : `from ${shortId(originRunId)}`;
  return [from, saved === null || saved < 1 ? "" : `saves ${formatDuration(saved)}`].filter(Boolean).join(", ");
}
