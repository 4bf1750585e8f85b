import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { RepriseError } from "@reprise/core";
import type { ParsedCommand } from "../command-spec.ts";
import { didYouMean } from "../suggest.ts";
import { type CacheMode, cacheModes, type InputRequest } from "./messages.ts";

/** How commands that run a pipeline were asked to do it. */
export interface RunOptions {
  readonly concurrency: number | null;
  readonly maxParallelism: number | null;
  readonly durability: "ordered" | "step" | null;
  readonly cache: CacheMode | null;
  readonly cacheNamespace: string | null;
  readonly quiet: boolean;
  readonly plain: boolean;
  /** Modules to load first. */
  readonly imports: readonly string[];
}

/** What `reprise run` was asked to do. */
export interface RunArguments extends RunOptions {
  /** Absolute path. */
  readonly file: string;
  readonly func: string | null;
  readonly input: InputRequest;
}

/** Reads the options of `run`. @throws RepriseError `USAGE` naming the option. */
export function readRunArguments(command: ParsedCommand, cwd: string): RunArguments {
  const { positionals, values, rest } = command;
  const { input } = values;
  return {
    ...splitTarget(positionals[0] ?? "", cwd),
    input: { text: typeof input === "string" ? input : null, fields: rest },
    ...readRunOptions(command, "run"),
  };
}

/** The options that `run` shares with the commands that run again. @throws RepriseError `USAGE` naming the option. */
export function readRunOptions({ values }: Pick<ParsedCommand, "values">, command: string): RunOptions {
  const { durability } = values;
  if (durability !== undefined && durability !== "ordered" && durability !== "step") {
    throw new RepriseError(
      "USAGE",
      `${command}: --durability must be "ordered" or "step", not ${JSON.stringify(durability)}.`,
    );
  }
  return {
    concurrency: readCount(values, "concurrency", command),
    maxParallelism: readCount(values, "max-parallelism", command),
    durability: durability ?? null,
    cache: readCacheMode(values["cache"], command),
    cacheNamespace: readNamespace(values["cache-namespace"], command),
    quiet: values["quiet"] === true,
    plain: values["plain"] === true,
    imports: readImports({ values }),
  };
}

function readCount(values: ParsedCommand["values"], option: string, command: string): number | null {
  const given = values[option];
  if (given === undefined) return null;
  const count = Number(given);
  if (Number.isInteger(count) && count > 0) return count;
  throw new RepriseError(
    "USAGE",
    `${command}: --${option} must be a whole number from 1, not ${JSON.stringify(given)}.`,
  );
}

/** The modules that `--import` names. */
export function readImports({ values }: Pick<ParsedCommand, "values">): readonly string[] {
  return Array.isArray(values["import"]) ? (values["import"] as readonly string[]) : [];
}

/** `readOnly` may also be written `readonly` and `read-only`, as options are. */
function readCacheMode(value: unknown, command: string): CacheMode | null {
  if (typeof value !== "string") return null;
  const plain = value.replaceAll("-", "").toLowerCase();
  const mode = cacheModes.find((known) => known.toLowerCase() === plain);
  if (mode !== undefined) return mode;
  throw new RepriseError(
    "USAGE",
    `${command}: --cache must be one of ${cacheModes.join(", ")}, not ${JSON.stringify(value)}.${didYouMean(value, cacheModes)}`,
  );
}

/** The option `--cache-namespace` of a command. @throws RepriseError `USAGE` if it says nothing. */
export function readNamespace(value: unknown, command: string): string | null {
  if (typeof value !== "string") return null;
  if (value.trim() !== "") return value;
  throw new RepriseError("USAGE", `${command}: --cache-namespace must not be empty.`);
}

/** Splits `FILE:func`; a colon that belongs to a path (a drive, a folder) does not count. */
export function splitTarget(target: string, cwd: string): { readonly file: string; readonly func: string | null } {
  const match = /^(.+):([^:/\\]+)$/.exec(target);
  if (match?.[1] === undefined || match[2] === undefined || existsSync(resolve(cwd, target))) {
    return { file: resolve(cwd, target), func: null };
  }
  return { file: resolve(cwd, match[1]), func: match[2] };
}
