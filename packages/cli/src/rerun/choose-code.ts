import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { type PipelineRun, RepriseError, type Run, shortId } from "@reprise/core";
import type { Home, KeptCode } from "@reprise/store";
import type { ParsedCommand } from "../command-spec.ts";
import { formatWhen } from "../when.ts";
import { changedFiles } from "./changed-files.ts";

/** Which code a recorded pipeline run is to be executed with. */
export interface CodeChoice {
  /** Digest of the kept program; null: what the file holds now. */
  readonly kept: string | null;
  /** Absolute path; of a kept program, the file that it was made of. */
  readonly file: string;
  /** `code of 3f2a8c21, kept 15:40:12`. */
  readonly words: string;
  /** What else is worth knowing of it. */
  readonly notes: readonly string[];
}

/** What to choose from. */
export interface CodeRequest {
  /** Name of the command, for errors and advice. */
  readonly command: "rerun" | "resume" | "plan";
  readonly values: ParsedCommand["values"];
  readonly cwd: string;
  readonly pipelineRun: PipelineRun;
  readonly root: Run;
  /** The run that was named. */
  readonly run: Run;
}

/**
 * Chooses the code: the program that was kept with the pipeline run, unless `--current` or `--file` asks for today's.
 *
 * @param elseCurrent whether today's code will do where none was kept.
 * Rejects with `CODE_NOT_KEPT`; `USAGE` if it is not known in which file the root's func is.
 */
export async function chooseCode(store: Home, request: CodeRequest, elseCurrent: boolean): Promise<CodeChoice> {
  const { values, pipelineRun } = request;
  if (values["current"] === true || typeof values["file"] === "string") return currentCode(request);
  const id = shortId(pipelineRun.id);
  const found = await findKept(store, pipelineRun);
  const current = `${again(request)} --current`;
  if (typeof found !== "string") {
    const { digest, entry, notes } = found;
    return {
      kept: digest,
      file: entry,
      words: `code of ${id}, kept ${formatWhen(pipelineRun.createdAt, Date.now())}`,
      notes: [...notes, ...changeNotes(await changedFiles(found), current)],
    };
  }
  if (elseCurrent) return { ...currentCode(request), notes: [found] };
  throw new RepriseError("CODE_NOT_KEPT", `${found} To execute today's code: ${current}`);
}

/** The command as it was given, without what was said of the code. */
function again({ command, values, run }: CodeRequest): string {
  const name = command === "plan" ? "plan --rerun-from" : command;
  const input = values["input"] === undefined ? "" : " --input …";
  return `reprise ${name} ${shortId(run.id)}${values["continue"] === true ? " --continue" : ""}${input}`;
}

/** Who has mended a mistake expects it to be mended. */
function changeNotes(changed: readonly string[], current: string): string[] {
  const [first, ...others] = changed;
  if (first === undefined) return [];
  const files =
    others.length === 0
      ? `${first} has`
      : `${first} and ${others.length} more ${others.length === 1 ? "file" : "files"} have`;
  return [`${files} changed since, which this does not execute; to execute the code of now: ${current}`];
}

/** The kept program, or why there is none. */
async function findKept(store: Home, { id, code }: PipelineRun): Promise<KeptCode | string> {
  if (code === null) {
    return `The program of pipeline run ${id} was not kept: it ended before that was done, the program could not be bundled, or the setting KEEP_CODE is off.`;
  }
  try {
    return (
      (await store.code.find(code)) ?? `The program that was kept of pipeline run ${id} is no longer in ${store.path}.`
    );
  } catch (error) {
    if (RepriseError.is(error, "CODE_NOT_KEPT")) return error.message;
    throw error;
  }
}

/** What the file of the root's func holds now, or that of `--file`. @throws RepriseError `USAGE` if there is no such file. */
export function currentCode(request: CodeRequest): CodeChoice {
  const { command, values, cwd, root } = request;
  const given = values["file"];
  const file = typeof given === "string" ? resolve(cwd, given) : root.func.file;
  const option = `${again(request)} --file FILE`;
  if (file === null) {
    throw new RepriseError(
      "USAGE",
      `${command}: it is not recorded in which file func "${root.func.id}" is. Name the file: ${option}`,
    );
  }
  if (typeof given !== "string" && !existsSync(file)) {
    throw new RepriseError(
      "USAGE",
      `${command}: func "${root.func.id}" was in ${file}, which is gone. Name the file where it is now: ${option}`,
    );
  }
  return { kept: null, file, words: `current code of ${shortPath(file, cwd)}`, notes: [] };
}

/** As people would write it. */
function shortPath(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith("..") ? file : path;
}
