import { type CommandSpec, commonOptions, type OptionSpec } from "./command-spec.ts";
import { commandTable } from "./command-table.ts";

/** The help of `reprise` itself. */
export function overview(): string {
  const width = Math.max(...commandTable.map((spec) => spec.name.length));
  return [
    "reprise: pipelines of ordinary TypeScript functions, every step recorded.",
    "",
    "Usage: reprise COMMAND …",
    "",
    ...commandTable.map((spec) => `  ${spec.name.padEnd(width)}  ${spec.summary}`),
    "",
    "Options of every command:",
    ...optionLines(commonOptions),
    "",
    "Exit codes: 0 ok · 1 the pipeline failed · 2 usage · 3 store · 4 not found · 130 canceled.",
    "More about a command: reprise COMMAND --help",
    "",
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(spec: CommandSpec): string {
  return [
    spec.summary,
    "",
    `Usage: reprise ${spec.name} ${spec.usage}`.trimEnd(),
    ...(spec.details === undefined ? [] : ["", ...spec.details]),
    "",
    "Options:",
    ...optionLines([...spec.options, ...commonOptions]),
    "",
  ].join("\n");
}

function optionLines(options: readonly OptionSpec[]): string[] {
  const heads = options.map((option) => {
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    return `${short}--${option.name}${option.value === undefined ? "" : ` ${option.value}`}`;
  });
  const width = Math.max(...heads.map((head) => head.length));
  return options.map((option, index) => `  ${(heads[index] ?? "").padEnd(width)}  ${option.summary}`);
}
