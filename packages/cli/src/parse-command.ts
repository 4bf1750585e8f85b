import { parseArgs } from "node:util";
import { RepriseError } from "@reprise/core";
import { type CommandSpec, commonOptions, type OptionSpec, type ParsedCommand } from "./command-spec.ts";
import { didYouMean } from "./suggest.ts";

/**
 * Parses what stands behind a command's name.
 *
 * @throws RepriseError `USAGE` for an unknown option (with the nearest known one), a missing or superfluous value or argument.
 */
export function parseCommand(spec: CommandSpec, args: readonly string[]): ParsedCommand {
  const known = [...spec.options, ...commonOptions];
  const byName = new Map(known.map((option) => [option.name, option]));
  const positionals: string[] = [];
  const values: Record<string, string | true | string[]> = {};
  const rest: [string, string | null][] = [];
  let inputOnly = false;
  for (const token of tokensOf(args, known)) {
    if (token.kind === "positional") {
      if (inputOnly && spec.open === true) rest.push(inputPair(token.value));
      else positionals.push(token.value);
    } else if (token.kind === "option-terminator") {
      inputOnly = true;
    } else {
      const option = byName.get(token.name);
      if (option !== undefined) setValue(spec, option, token.value, values);
      else if (spec.open === true && token.rawName.startsWith("--")) rest.push([token.name, token.value ?? null]);
      else throw usage(spec, `unknown option ${token.rawName}.${optionHint(token, byName)}`);
    }
  }
  if (values["help"] === undefined) checkPositionals(spec, positionals);
  return { positionals, values, rest };
}

function tokensOf(args: readonly string[], known: readonly OptionSpec[]) {
  const options = Object.fromEntries(
    known.map((option) => [
      option.name,
      {
        type: option.value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: option.repeat === true,
        ...(option.short === undefined ? {} : { short: option.short }),
      },
    ]),
  );
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true }).tokens;
}

function setValue(
  spec: CommandSpec,
  option: OptionSpec,
  value: string | undefined,
  values: Record<string, string | true | string[]>,
): void {
  if (option.value === undefined) {
    if (value !== undefined) throw usage(spec, `--${option.name} takes no value.`);
    values[option.name] = true;
    return;
  }
  if (value === undefined || (value === "" && option.name !== "input")) {
    throw usage(spec, `--${option.name} needs a value: --${option.name} ${option.value}.`);
  }
  if (option.repeat === true) {
    const before = values[option.name];
    values[option.name] = Array.isArray(before) ? [...before, value] : [value];
  } else if (values[option.name] === undefined) {
    values[option.name] = value;
  } else {
    throw usage(spec, `--${option.name} is given twice.`);
  }
}

/** What may have been meant: an option with nearly this name, else a field of the input where those are given otherwise. */
function optionHint(
  { name, rawName, value }: { readonly name: string; readonly rawName: string; readonly value?: string | undefined },
  known: ReadonlyMap<string, OptionSpec>,
): string {
  const near = didYouMean(name, known.keys(), "--");
  if (near !== "" || known.get("input")?.repeat !== true || !rawName.startsWith("--")) return near;
  return ` A field of the input is changed with --input ${name}=${value ?? "VALUE"}.`;
}

function inputPair(text: string): [string, string | null] {
  const match = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(text);
  if (match?.[1] === undefined) {
    throw new RepriseError("USAGE", `run: ${JSON.stringify(text)} behind "--" is no input field. Write --name=value.`);
  }
  return [match[1], match[2] ?? null];
}

function checkPositionals(spec: CommandSpec, positionals: readonly string[]): void {
  const needed = spec.arguments.filter((name) => !name.startsWith("["));
  const missing = needed[positionals.length];
  if (missing !== undefined) throw usage(spec, `${missing} is missing.`);
  const extra = positionals[spec.arguments.length];
  if (extra === undefined) return;
  const hint = spec.open === true ? " Values of the pipeline's input are written --name=value." : "";
  throw usage(spec, `unexpected argument ${JSON.stringify(extra)}.${hint}`);
}

function usage(spec: CommandSpec, problem: string): RepriseError {
  return new RepriseError(
    "USAGE",
    `${spec.name}: ${problem}\nUsage: reprise ${spec.name} ${spec.usage}\nSee: reprise ${spec.name} --help`,
  );
}
