import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { context } from "../index.ts";

/** A line of the log: a body has begun, or come to its end in whatever way. */
export interface Noted {
  readonly mark: "begin" | "end";
  readonly func: string;
  readonly input: unknown;
  readonly run: string;
  readonly attempt: number;
  readonly pid: number;
}

let log = "";

/** Names the file in which bodies note when they begin and end. */
export function logTo(path: string): void {
  log = path;
}

/** What bodies have noted in a file, in order. */
export function readLog(path: string): readonly Noted[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Noted);
}

/** Adds a line, whole, synchronously and outside all buffers: it is there whatever happens next. */
export function note(mark: Noted["mark"], input: unknown): void {
  const { funcId, runId, attempt } = context();
  const line: Noted = { mark, func: funcId, input, run: runId, attempt, pid: process.pid };
  appendFileSync(log, `${JSON.stringify(line)}\n`);
}

/** The work of a body, between two lines of the log; the second is missing where the process was killed. */
export async function noted<T>(input: unknown, work: () => T | Promise<T>): Promise<T> {
  note("begin", input);
  try {
    return await work();
  } finally {
    note("end", input);
  }
}
