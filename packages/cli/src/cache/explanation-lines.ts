import { relative } from "node:path";
import type { Output } from "../output.ts";
import { tameLine } from "../terminal/text-width.ts";
import { tableLines } from "../values/table.ts";
import { partName } from "../why/part-name.ts";
import type { FuncExplanation } from "./explain-func.ts";

/** How to show an explanation. */
export interface ExplanationOptions {
  readonly cwd: string;
  /** Also the source of each part. */
  readonly source: boolean;
}

/** What stands for a func in keys, for people. */
export function explanationLines(explanation: FuncExplanation, output: Output, options: ExplanationOptions): string[] {
  const { paint } = output;
  const { func, place, problems, packages, warnings } = explanation;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["No key can be made", problems],
    [
      `Code, ${explanation.closure.length} ${explanation.closure.length === 1 ? "part" : "parts"}`,
      codeLines(explanation, output, options),
    ],
    ["Packages", Object.entries(packages).map(([name, version]) => `${name} ${version}`)],
    ["Not seen", warnings.map((warning) => `${warning.place}  ${warning.message}`)],
  ];
  return [
    `${paint("bold", `func "${func}"`)}  ${paint("dim", place === null ? "" : shortPlace(place, options.cwd))}`.trimEnd(),
    ...headLines(explanation),
    ...sections
      .filter(([, lines]) => lines.length > 0)
      .flatMap(([title, lines]) => ["", paint("bold", title)].concat(lines.map(indented))),
  ];
}

function indented(line: string): string {
  return line === "" ? "" : `  ${line}`;
}

function headLines({ cached, options, version, signature }: FuncExplanation): string[] {
  const lines = [cached ? "cached" : "not cached: the option `cache` is not set. If it were `cache: true`:"];
  if (version !== null) {
    const digest = version.kind === "auto" ? "all code that it reaches" : "its own body";
    const given = `"${version.value}", given: changes of the code are not noticed`;
    lines.push(`version    ${version.kind === "given" ? given : `${version.value}, the digest of ${digest}`}`);
  }
  if (signature !== null) {
    const schemas = (["input", "output"] as const).flatMap((side) => {
      const digest = signature[side];
      return digest === null ? [] : [`${side} schema ${digest.slice(0, 12)}`];
    });
    lines.push(`signature  ${[`(${signature.parameters.join(", ")})`, ...schemas].join("  ")}`);
  }
  const others = Object.entries(options).filter(([name]) => name !== "version");
  if (others.length > 0) {
    lines.push(`options    ${others.map(([name, value]) => `${name}: ${optionText(value)}`).join(", ")}`);
  }
  return lines;
}

function optionText(value: unknown): string {
  return value === "function" ? "a function" : (JSON.stringify(value) ?? "");
}

function codeLines(
  { func, closure }: FuncExplanation,
  { paint, width }: Output,
  { source }: ExplanationOptions,
): string[] {
  if (closure.length === 0) return [];
  if (!source) {
    const rows = closure.map((part) => [partName(func, part.name, part.source), part.file, part.digest.slice(0, 12)]);
    const columns = ["part", "file", "digest"].map((title) => ({ title, align: "left" as const }));
    return tableLines({ columns, rows }, width - 2, paint);
  }
  return closure.flatMap((part, at) => [
    ...(at === 0 ? [] : [""]),
    `${partName(func, part.name, part.source)}  ${paint("dim", `${part.file}  ${part.digest.slice(0, 12)}`)}`,
    ...part.source.split("\n").map((line) => `  ${tameLine(line, false)}`),
  ]);
}

function shortPlace(place: string, cwd: string): string {
  const path = relative(cwd, place);
  return path.startsWith("..") ? place : path;
}
