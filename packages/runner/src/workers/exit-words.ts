import { type Failure, formatDuration, OutOfMemoryError, toFailure, WorkerLostError } from "@reprise/core";
import { memoryWords } from "./memory-limit.ts";

/** How a worker process has ended. */
export interface ProcessEnd {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had come so far that it takes tasks. */
  readonly isReady: boolean;
  /** Why it was ended from here, if it was. */
  readonly reason: string | undefined;
  /** Most memory that it might use, in bytes; null: no limit. */
  readonly memory: number | null;
  /** Whether it said that it is above its limit. */
  readonly isOverMemory: boolean;
  /** Whether the kernel has killed a process of this container for its memory since this one was started. */
  readonly isKernelShort: boolean;
  /** What it said is the reason, if it said so. */
  readonly fatal: string | undefined;
  /** What it wrote last to stderr, in lines. */
  readonly stderr: readonly string[];
}

/** What the end of its process means for a body that was not over, in words that its author understands. */
export function endFailure(end: ProcessEnd): Failure {
  const who = processWords(end.pid);
  const words = memoryEnd(end);
  const error =
    words === undefined ? new WorkerLostError(`${who} ${lostWords(end)}`) : new OutOfMemoryError(`${who} ${words}`);
  // Where in the library this was noticed helps nobody.
  const { stack: _, ...failure } = toFailure(error);
  return failure;
}

/** A worker process in messages. */
function processWords(pid: number): string {
  return `its worker process (pid ${pid})`;
}

/** That a process was ended because nothing was heard of it. */
export function silenceWords(silenceMs: number): string {
  return `it gave no sign of life for ${formatDuration(silenceMs)}`;
}

/** The line of an error that ended a process; else the last that it wrote. */
export function lastWords(stderr: readonly string[]): string | undefined {
  const lines = stderr.filter((line) => line.trim() !== "" && !/^Node\.js v\d/.test(line));
  return (
    lines.findLast((line) => /^(Uncaught )?[A-Z]\w*(Error|Exception)\b|^FATAL ERROR/.test(line)) ?? lines.at(-1)
  )?.trim();
}

/** How it ended, if memory was the reason. */
function memoryEnd(end: ProcessEnd): string | undefined {
  const { memory, reason } = end;
  if (end.isOverMemory) {
    return `used more than the ${memory === null ? "memory" : memoryWords(memory)} that its resources allow, and was ended`;
  }
  if (isAbort(end) && end.stderr.some((line) => /heap out of memory|Reached heap limit/.test(line))) {
    return memory === null
      ? "ended because its JavaScript heap was full: resources.memory, or --max-old-space-size, gives it more"
      : `ended because its JavaScript heap was full: it may use ${memoryWords(memory)} in all`;
  }
  if (reason === undefined && signalOf(end) === "SIGKILL" && end.isKernelShort) {
    return "was killed by the system because memory ran out";
  }
  return undefined;
}

function lostWords(end: ProcessEnd): string {
  const { code, reason } = end;
  if (reason !== undefined) return `was ended: ${reason}`;
  const signal = signalOf(end);
  const early = end.isReady ? "before the body was done" : "before it was ready";
  if (signal !== undefined) return signalWords(signal, early);
  const before = `ended with exit code ${code ?? "unknown"} ${early}`;
  if (end.fatal !== undefined) return `${before}, because of ${end.fatal}`;
  const last = lastWords(end.stderr);
  if (code !== 0 && last !== undefined) return `${before}; it wrote last: ${last}`;
  return `${before}: something called process.exit()`;
}

function signalWords(signal: NodeJS.Signals, early: string): string {
  const was = `was ended by ${signal} ${early}`;
  if (signal === "SIGKILL") return `${was}: by somebody, or by the system because memory ran out`;
  if (["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP"].includes(signal)) {
    return `${was}: it crashed, as native modules may make it do`;
  }
  return was;
}

/** The signal that ended it, also where something between has made an exit code of it, as shells do. */
function signalOf({ code, signal }: ProcessEnd): NodeJS.Signals | undefined {
  if (signal !== null) return signal;
  return ({ 134: "SIGABRT", 137: "SIGKILL", 139: "SIGSEGV" } as const)[code ?? 0];
}

function isAbort(end: ProcessEnd): boolean {
  const signal = signalOf(end);
  // V8 aborts; where core dumps are caught, or by newer releases, it traps.
  return signal === "SIGABRT" || signal === "SIGTRAP" || signal === "SIGILL";
}
