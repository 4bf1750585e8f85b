import { RepriseError, type Run } from "@reprise/core";
import { type FuncDefinition, keyArgument, keyArguments } from "@reprise/runner";
import { type Home, openHomeForReading } from "@reprise/store";
import type { AgainMessage } from "../run/messages.ts";
import { didYouMean } from "../suggest.ts";
import { readValuesFrom } from "../value-types.ts";
import { runInputs } from "../why/run-inputs.ts";
import { fieldsOf, inputText, parseJson } from "./build-input.ts";

/**
 * The arguments of a root that is executed again with changes: those that are recorded, with what `--input` says.
 *
 * Rejects with `USAGE` if the changes do not fit the recorded input, `INPUT_INVALID` if the func's schema refuses the
 * result, `ARTIFACT_…` if what is recorded cannot be read.
 */
export async function changedInput(
  { input, runId, home }: Pick<AgainMessage, "input" | "runId" | "home">,
  definition: FuncDefinition,
): Promise<readonly unknown[]> {
  const changes = await readChanges(input);
  await using store = await openHomeForReading(home === null ? {} : { path: home });
  readValuesFrom(store);
  const given =
    changes.whole === undefined ? await recordedInput(store, runId) : wholeInput(changes.whole.value, definition);
  const args = changes.fields.size === 0 ? given : withFields(given, changes.fields, definition);
  // A schema that refuses it is to be heard of before anything begins.
  await keyArguments(
    definition,
    args.map((value, at) => keyArgument(definition, at, value)),
  );
  return args;
}

/** The arguments of each element of a recorded map whose items were given as an array. */
export async function recordedElements(store: Home, { id, attempt }: Run): Promise<readonly (readonly unknown[])[]> {
  readValuesFrom(store);
  const elements: (readonly unknown[])[] = [];
  for (const run of await store.backend.listRuns(id)) {
    if (run.parentId === id && run.parentAttempt === attempt) elements.push(await recordedInput(store, run.id));
  }
  return elements;
}

/** What the texts of `--input` say. */
interface InputChanges {
  readonly whole: { readonly value: unknown } | undefined;
  readonly fields: ReadonlyMap<string, unknown>;
}

async function readChanges(texts: readonly string[]): Promise<InputChanges> {
  const pairs: [name: string, value: string][] = [];
  let whole: InputChanges["whole"];
  for (const text of texts) {
    const pair = /^([^\s=[{"'@-][^=]*)=([\s\S]*)$/.exec(text);
    if (pair?.[1] !== undefined && pair[2] !== undefined) {
      pairs.push([pair[1].trim(), pair[2]]);
      continue;
    }
    if (whole !== undefined) {
      throw new RepriseError(
        "USAGE",
        "rerun: --input gives a whole input twice. Give one, and fields as --input name=value.",
      );
    }
    whole = { value: await wholeValue(text) };
  }
  return { whole, fields: fieldsOf(pairs) };
}

async function wholeValue(text: string): Promise<unknown> {
  try {
    return parseJson(await inputText(text), text);
  } catch (error) {
    if (!RepriseError.is(error, "USAGE")) throw error;
    const hint = /^[\p{L}_$][\w$.]*$/u.test(text) ? ` To change a field: --input ${text}=value.` : "";
    throw new RepriseError(
      "USAGE",
      `rerun: ${error.message}${hint}`,
      error.cause === undefined ? {} : { cause: error.cause },
    );
  }
}

function wholeInput(value: unknown, { input }: FuncDefinition): readonly unknown[] {
  return input === undefined && Array.isArray(value) ? (value as unknown[]) : [value];
}

async function recordedInput(store: Home, runId: string): Promise<readonly unknown[]> {
  const args: unknown[] = [];
  for (const { artifactId, name } of await runInputs(store, runId)) {
    if (artifactId === undefined) {
      throw new RepriseError("ARTIFACT_NOT_FOUND", `Argument ${name} of run ${runId} is not recorded.`);
    }
    args.push(await store.artifacts.read(artifactId));
  }
  return args;
}

/** Fields that are named as the parameters replace arguments; else they are those of the one object that is the input. */
function withFields(
  args: readonly unknown[],
  fields: ReadonlyMap<string, unknown>,
  { id, input, parameters, contextAt }: FuncDefinition,
): readonly unknown[] {
  const names = parameters.filter((_, index) => index !== contextAt);
  const known = [...fields.keys()];
  if (input === undefined && known.every((name) => names.includes(name))) {
    const changed = [...args];
    for (const [name, value] of fields) changed[names.indexOf(name)] = value;
    // A hole would be an argument that nobody gave.
    return Array.from(changed);
  }
  const [first, ...others] = args;
  if (others.length === 0 && isPlainObject(first)) return [{ ...first, ...Object.fromEntries(fields) }];
  if (args.length === 0 && input !== undefined) return [Object.fromEntries(fields)];
  const strange = known.find((name) => !names.includes(name)) ?? known[0] ?? "";
  const remedy =
    input === undefined
      ? `Its parameters are ${names.join(", ") || "none"}. The whole input: --input '[…]'`
      : "Give the whole input: --input '…'";
  throw new RepriseError(
    "USAGE",
    `rerun: the recorded input of func "${id}" is no object of which "${strange}" could be a field.${didYouMean(strange, names)} ${remedy}`,
  );
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
