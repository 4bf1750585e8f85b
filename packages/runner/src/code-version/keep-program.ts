import { realpathSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type FuncRecord, RepriseError, version } from "@reprise/core";
import type { Home } from "@reprise/store";
import { UnchangedFiles } from "../code-digest/digest-record.ts";
import { embeddedIds } from "../code-digest/embedded.ts";
import { definedFuncs, funcRecord } from "../func-definition.ts";
import { messageOf } from "../message-of.ts";
import { isSame, type ProgramInputs } from "./program-inputs.ts";
import type { MadeProgram, ProgramOrder } from "./program-order.ts";
import { makeInThread } from "./program-thread.ts";

/** A program that is kept. */
export interface KeptProgram {
  readonly digest: string;
  /** In words: what it does not hold but takes from where the original takes it. */
  readonly notes: readonly string[];
}

/** Options of {@link keepProgram}. */
export interface KeepOptions {
  /**
   * When the program was loaded, in ms since 1970: a file that was written later is not what executes. Default: the start
   * of this process.
   */
  readonly loadedAt?: number;
}

/** What is remembered of a program, so that it is not made again. */
interface Memo extends KeptProgram {
  readonly format: number;
  readonly inputs: ProgramInputs;
}

/** Changes with how programs are made. */
const format = 1;

/** What this process has kept, by home and entry. Its code does not change, whatever becomes of the files. */
const kept = new Map<string, Promise<KeptProgram>>();

/**
 * Whether the program that begins with this file is to be kept: unless the setting `KEEP_CODE` is `off` (the environment
 * variable `REPRISE_KEEP_CODE` goes before it), or the file is one of tests.
 */
export async function keepsProgram({ settings }: Home, entry: string): Promise<boolean> {
  if (/\.(?:test|spec)\.[cm]?[jt]sx?$/.test(entry)) return false;
  const { REPRISE_KEEP_CODE: fromEnvironment } = process.env;
  return (fromEnvironment || (await settings.get("KEEP_CODE"))) !== "off";
}

/**
 * Keeps the program that begins with the file `entry` as one module in the home, so that it can be executed again when its
 * files have changed or are gone. A program that is kept already is not made again.
 *
 * Rejects with `CODE_NOT_KEPT` if it cannot be made, with the reason; `STORE_…` if it cannot be stored.
 *
 * @example
 * ```ts
 * const { digest, notes } = await keepProgram(home, "/project/pipeline.ts");
 * ```
 */
export async function keepProgram(home: Home, entry: string, options: KeepOptions = {}): Promise<KeptProgram> {
  const key = `${home.path}\n${entry}`;
  const known = await kept.get(key)?.catch((error: unknown) => {
    // That it cannot be made does not change either.
    if (RepriseError.is(error, "CODE_NOT_KEPT")) throw error;
    return undefined;
  });
  if (known !== undefined && (await home.code.touch(known.digest))) return known;
  const keeping = keep(home, entry, options);
  kept.set(key, keeping);
  return keeping;
}

async function keep(
  home: Home,
  given: string,
  { loadedAt = performance.timeOrigin }: KeepOptions,
): Promise<KeptProgram> {
  const entry = realEntry(given);
  const order: ProgramOrder = { entry, loadedAt, ...surroundings(), embedded: embeddedIds() };
  const key = `program ${version} ${process.version} ${JSON.stringify({ ...order, loadedAt: 0 })}`;
  const remembered = recalled(await home.code.recall(key), loadedAt);
  if (remembered !== undefined && (await home.code.touch(remembered.digest))) return remembered;
  const { program, map, notes, sources, inputs } = await make(order);
  const digest = await home.code.put({ program, map, entry, notes, funcs: await funcsIn(sources) });
  // Inputs are JSON already.
  const memo = JSON.stringify({ format, digest, notes } satisfies Omit<Memo, "inputs">);
  await home.code.remember(key, `${memo.slice(0, -1)},"inputs":${inputs}}`);
  return { digest, notes };
}

async function make(order: ProgramOrder): Promise<MadeProgram> {
  try {
    return await makeInThread(order);
  } catch (error) {
    throw notKept(order.entry, messageOf(error), error);
  }
}

function realEntry(entry: string): string {
  try {
    return realpathSync.native(entry);
  } catch (error) {
    throw notKept(entry, messageOf(error), error);
  }
}

function notKept(entry: string, why: string, cause: unknown): RepriseError {
  return new RepriseError(
    "CODE_NOT_KEPT",
    `The program of ${entry} is not kept, so it can only be re-run with the code of then: ${why}.`,
    { cause },
  );
}

/** How Node finds and translates modules in this process. */
function surroundings(): Pick<ProgramOrder, "strips" | "conditions"> {
  const { NODE_OPTIONS = "" } = process.env;
  const flags = [...NODE_OPTIONS.split(/\s+/), ...process.execArgv];
  const hasLoader = flags.some((flag) => /^(?:--import|--require|-r|--loader|--experimental-loader)(?:=|$)/.test(flag));
  const conditions = flags.flatMap((flag, at) => {
    const found = /^(?:--conditions|-C)(?:=(?<name>.*))?$/.exec(flag);
    return found === null ? [] : [found.groups?.["name"] ?? flags[at + 1] ?? ""];
  });
  return { strips: Boolean(process.features.typescript) && !hasLoader, conditions };
}

/** What is remembered, if nothing that the program was made of has changed since. */
function recalled(text: string | undefined, loadedAt: number): KeptProgram | undefined {
  try {
    const memo = JSON.parse(text ?? "null") as Memo | null;
    if (memo?.format !== format || !isSame(memo.inputs, new UnchangedFiles(loadedAt))) return undefined;
    return { digest: memo.digest, notes: memo.notes };
  } catch {
    return undefined;
  }
}

/** So long, in ms, this thread looks at funcs at a time. */
const turn = 5;

/** What is recorded of the funcs that these files define. */
async function funcsIn(sources: readonly string[]): Promise<readonly FuncRecord[]> {
  const files = new Set(sources);
  const records: FuncRecord[] = [];
  let since = performance.now();
  for (const definition of definedFuncs().values()) {
    const { place } = definition;
    if (place !== undefined && (files.has(place.file) || files.has(realFile(place.file)))) {
      records.push(funcRecord(definition));
    }
    if (performance.now() - since < turn) continue;
    await setImmediate();
    since = performance.now();
  }
  return records;
}

function realFile(file: string): string {
  try {
    return realpathSync.native(file);
  } catch {
    return file;
  }
}
