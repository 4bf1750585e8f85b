import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { RepriseError } from "@reprise/core";
import type { FuncDefinition } from "@reprise/runner";
import type { InputRequest } from "../run/messages.ts";
import { didYouMean } from "../suggest.ts";

/** What the input of a func depends on: its schema and the names of its parameters. */
export type InputShape = Pick<FuncDefinition, "id" | "input" | "parameters" | "contextAt" | "run">;

// Options of `run` that people misspell; a field of that name would otherwise pass unnoticed.
const runOptions = [
  "input",
  "home",
  "json",
  "quiet",
  "plain",
  "import",
  "concurrency",
  "max-parallelism",
  "durability",
  "cache",
  "cache-namespace",
];

/**
 * The arguments of the call that the command line asks for.
 *
 * With a schema: one argument, `{}` if nothing is given. Without: a JSON array of `--input` gives the arguments; fields that
 * are named as the parameters give them one by one; else one object.
 *
 * @param command names the command in errors.
 * @throws RepriseError `USAGE` if the text is no JSON or an argument is missing.
 */
export async function buildInput(
  request: InputRequest,
  shape: InputShape,
  command: "run" | "plan" = "run",
): Promise<readonly unknown[]> {
  try {
    return await argumentsOf(request, shape);
  } catch (error) {
    throw RepriseError.is(error, "USAGE")
      ? new RepriseError(
          "USAGE",
          `${command}: ${error.message}`,
          error.cause === undefined ? {} : { cause: error.cause },
        )
      : error;
  }
}

async function argumentsOf(request: InputRequest, shape: InputShape): Promise<readonly unknown[]> {
  if (request.text !== null && request.fields.length > 0) {
    const field = request.fields[0]?.[0] ?? "";
    throw new RepriseError(
      "USAGE",
      `--input is the whole input; --${field} cannot be given beside it.${didYouMean(field, runOptions, "--")}`,
    );
  }
  const parameters = shape.parameters.filter((_, index) => index !== shape.contextAt);
  if (request.text !== null) {
    const value = parseJson(await inputText(request.text), request.text);
    return shape.input === undefined && Array.isArray(value) ? (value as unknown[]) : [value];
  }
  if (request.fields.length === 0) return noInput(shape, parameters);
  const fields = fieldsOf(request.fields);
  if (shape.input === undefined && [...fields.keys()].every((name) => parameters.includes(name))) {
    const missing = parameters.filter((name, index) => index < required(shape) && !fields.has(name));
    if (missing.length > 0) throw missingArguments(shape, missing);
    return parameters.map((name) => fields.get(name));
  }
  return [Object.fromEntries(fields)];
}

function noInput(shape: InputShape, parameters: readonly string[]): readonly unknown[] {
  if (shape.input !== undefined) return [{}];
  const missing = parameters.slice(0, required(shape));
  // `({ size = 3 }) => …` may have a default for every field.
  if (missing.length === 1 && takesFields(shape)) return [{}];
  if (missing.length > 0) throw missingArguments(shape, missing);
  return [];
}

/** Whether the first parameter takes an object apart. */
function takesFields({ run }: InputShape): boolean {
  return /^(?:async\b\s*)?(?:function\b[^(]*|[\w$]+(?=\s*\())?\s*\(\s*\{/.test(Function.prototype.toString.call(run));
}

/** How many arguments the body has no default for. */
function required(shape: InputShape): number {
  return shape.contextAt >= 0 && shape.contextAt < shape.run.length ? shape.run.length - 1 : shape.run.length;
}

function missingArguments(shape: InputShape, missing: readonly string[]): RepriseError {
  const simple = missing.every((name) => /^[\w$]+$/.test(name));
  const example = simple ? missing.map((name) => `--${name}=…`).join(" ") : "--input '{…}'";
  return new RepriseError("USAGE", `func "${shape.id}" needs ${missing.join(", ")}. Give: ${example}`);
}

/** Values of fields by name, as `--key=value` says them: see {@link buildInput}. */
export function fieldsOf(pairs: InputRequest["fields"]): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  const repeated = new Set<string>();
  for (const [name, text] of pairs) {
    const value = text === null ? true : fieldValue(text);
    const before = fields.get(name);
    if (!fields.has(name)) fields.set(name, value);
    else if (repeated.has(name)) (before as unknown[]).push(value);
    else fields.set(name, [before, value]);
    if (before !== undefined) repeated.add(name);
  }
  return fields;
}

/** JSON if it is a JSON number, boolean, null, array or object; else the text itself. */
function fieldValue(text: string): unknown {
  if (!/^\s*(?:-?\d|true\b|false\b|null\b|\[|\{)/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    // A number that JSON cannot hold exactly (an account number of 20 digits) is rather kept as text.
    return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
  } catch {
    return text;
  }
}

/** The text of `--input`, which may be that of a file or of standard input. */
export async function inputText(text: string): Promise<string> {
  if (text === "-") return readAll(process.stdin);
  if (!text.startsWith("@")) return text;
  try {
    return await readFile(text.slice(1), "utf8");
  } catch (error) {
    throw new RepriseError("USAGE", `the input file ${text.slice(1)} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Parses JSON that somebody `given` as text, `@file` or `-`. @throws RepriseError `USAGE`. */
export function parseJson(text: string, given: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const where = given === "-" ? "standard input" : given.startsWith("@") ? given.slice(1) : "--input";
    throw new RepriseError(
      "USAGE",
      `${where} is no JSON: ${(error as Error).message}. Quote it for the shell: --input '{"name": "value"}'; or set fields one by one: --name=value.`,
    );
  }
}
