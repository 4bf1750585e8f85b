import { shortId } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Output } from "../output.ts";
import { shortArtifactId } from "../store-access.ts";
import { fitText } from "../terminal/text-width.ts";
import { runStateLooks } from "../tree/state-words.ts";
import { shortArtifact } from "../values/short-value.ts";
import { formatBytes } from "../when.ts";
import type { LineageReport } from "./lineage.ts";
import type { LineageLink, LineageRun } from "./lineage-step.ts";
import type { LineageNode } from "./trace.ts";

/** Columns of a value. */
const valueWidth = 60;

/** What lineage tells, for people. */
export async function lineageLines(home: Home, report: LineageReport, output: Output): Promise<string[]> {
  const { paint, width } = output;
  const { artifact, up, down } = report;
  const pen = new Pen(home, output);
  const lines: string[] = [];
  if (artifact === null) lines.push("The run has no result.");
  else {
    const { id, typeName, size } = artifact;
    lines.push(
      `${paint("bold", "artifact")} ${shortArtifactId(id)}  ${paint("dim", `${typeName}, ${formatBytes(size)}`)}`,
    );
    lines.push(`  ${await pen.value(id)}`);
  }
  if (up !== null) lines.push("", paint("bold", "Made of"), ...(await pen.up(report)));
  if (down !== null) lines.push("", paint("bold", "Used by"), ...(await pen.down(report)));
  return lines.map((line) => fitText(line, width));
}

class Pen {
  readonly #home: Home;
  readonly #output: Output;
  readonly #values = new Map<string, Promise<string>>();
  #isDown = false;

  constructor(home: Home, output: Output) {
    this.#home = home;
    this.#output = output;
  }

  value(artifactId: string): Promise<string> {
    let value = this.#values.get(artifactId);
    if (value === undefined) {
      value = shortArtifact(this.#home, artifactId, valueWidth);
      this.#values.set(artifactId, value);
    }
    return value;
  }

  up({ up, upLeft }: LineageReport): Promise<string[]> {
    this.#isDown = false;
    return this.#tree(up ?? [], upLeft, "No run gave it.");
  }

  down({ down, downLeft }: LineageReport): Promise<string[]> {
    this.#isDown = true;
    return this.#tree(down ?? [], downLeft, "Nothing got it.");
  }

  async #tree(nodes: readonly LineageNode[], left: number, nothing: string): Promise<string[]> {
    if (nodes.length === 0) return [`  ${nothing}`];
    const lines: string[] = [];
    for (const node of nodes) lines.push(...(await this.#node(node, "  ", "  ", undefined)));
    if (left > 0) lines.push(this.#output.paint("dim", `  … ${left.toLocaleString("en-US")} more`));
    return lines;
  }

  /** `above`: the pipeline run of what stands above; another one is named. */
  async #node(node: LineageNode, branch: string, indent: string, above: string | undefined): Promise<string[]> {
    const { paint } = this.#output;
    const { children, left, run, computedBy } = node;
    const lines = [`${paint("dim", branch)}${await this.#text(node, above)}`];
    const rootId = computedBy?.rootId ?? run?.rootId ?? above;
    const more = left === 0 ? [] : [paint("dim", `… ${left.toLocaleString("en-US")} more${leftAdvice(node)}`)];
    for (const [at, child] of children.entries()) {
      const isLast = at === children.length - 1 && more.length === 0;
      lines.push(
        ...(await this.#node(child, indent + (isLast ? "└─ " : "├─ "), indent + (isLast ? "   " : "│  "), rootId)),
      );
    }
    for (const text of more) lines.push(`${paint("dim", `${indent}└─ `)}${text}`);
    return lines;
  }

  async #text(
    { link, run, computedBy, artifact, isRepeated }: LineageNode,
    above: string | undefined,
  ): Promise<string> {
    const { paint } = this.#output;
    const parts = [linkText(link, run, this.#isDown, paint)];
    if (run !== null && run.state !== "RESOLVED") {
      const look = runStateLooks[run.state];
      parts.push(paint(look.style, look.word));
    }
    if (run !== null && run.rootId !== above && run.id !== run.rootId) {
      parts.push(paint("dim", `in ${shortId(run.rootId)}`));
    }
    if (computedBy !== null) {
      const where = computedBy.rootId === run?.rootId ? "" : ` in ${shortId(computedBy.rootId)}`;
      parts.push(paint("dim", `${run?.status} from ${shortId(computedBy.id)}${where}`));
    }
    if (isRepeated) parts.push(paint("dim", "(above)"));
    const told = artifact === null || link.type === "made" || link.type === "part" ? "" : await this.value(artifact);
    // What is said of a value stands before it: values may be long.
    const text = parts.join("  ");
    if (told === "") return text;
    return [text, told].join(this.#isDown ? " → " : link.type === "value" ? " " : "  ");
  }
}

function leftAdvice({ children, run }: LineageNode): string {
  if (children.length > 0 || run === null) return "";
  return `; reprise lineage ${shortId(run.id)}, or --depth`;
}

function part({ sourcePath }: { readonly sourcePath: string }): string {
  return sourcePath === "" ? "" : `${sourcePath} `;
}

function linkText(link: LineageLink, run: LineageRun | null, isDown: boolean, paint: Output["paint"]): string {
  const name = run === null ? "" : `${paint("bold", run.name)} ${paint("dim", shortId(run.id))}`;
  const from = (path: string) => (path === "" ? name : `${path} of ${name}`);
  switch (link.type) {
    case "made":
      return name;
    case "part":
      return from(link.sourcePath);
    case "argument":
      return `${link.name}: ${from(link.sourcePath)}`;
    case "composite":
      return run === null ? `${link.name}:` : `${link.name} of ${name}:`;
    case "place":
      return `${link.place}: ${from(link.sourcePath)}`;
    case "value": {
      const what = run === null ? link.name : `${link.name} of ${name}`;
      return link.isInput ? `${what} (input):` : `${what}:`;
    }
    case "caller":
      return `called by ${name}`;
    case "result":
      if (isDown) return `${part(link)}as ${link.place === "" ? "" : `${link.place} of `}the result of ${name}`;
      return `result${link.place}: ${from(link.sourcePath)}`;
    case "element":
      return isDown ? `[${link.index}] of ${name}` : `[${link.index}] ${name}`;
    case "waited":
      return isDown ? `waited for by ${name}` : `waited for: ${name}`;
    case "use":
      return `${part(link)}as ${link.name}${link.place} of ${name}`;
    case "reused":
      return `also the result of ${name}`;
  }
}
