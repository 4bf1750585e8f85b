import { PipelineRunError } from "@reprise/core";

/** What happens to the process while a pipeline run is under way. */
export interface ProcessWatch {
  /** Whether SIGINT and SIGTERM are to be handled. */
  readonly signals: boolean;
  /** A signal asks to stop. */
  readonly canceled: (reason: string) => void;
  /** The process exits now: only synchronous work can still be done. */
  readonly exits: (reason: string) => void;
}

const stopSignals = ["SIGINT", "SIGTERM"] as const;
/** So many ms after a signal the process ends, whatever still goes on. */
const longest = 700;
/** So many ms the program has for tidying up after its last pipeline run has ended. */
const patience = 250;

// One set of listeners for all pipeline runs of the process: each of its own would soon be more than Node thinks right.
const watches = new Set<ProcessWatch>();
let received: NodeJS.Signals | undefined;
let deadline: NodeJS.Timeout | undefined;
let soon: NodeJS.Timeout | undefined;
let crash: { readonly error: unknown; readonly text: string } | undefined;

/** Watches the process until the returned function is called. */
export function watchProcess(watch: ProcessWatch): () => void {
  if (watches.size === 0) {
    leaveProcess();
    process.on("exit", onExit);
    process.on("uncaughtExceptionMonitor", onCrash);
  }
  if (watch.signals && received === undefined && !anyoneHandlesSignals()) {
    for (const name of stopSignals) process.on(name, onSignal);
  }
  watches.add(watch);
  return () => {
    if (!watches.delete(watch)) return;
    if (!anyoneHandlesSignals()) leaveSignals();
    if (watches.size > 0) return;
    if (received === undefined) leaveProcess();
    else endSoon(received);
  };
}

function onSignal(signal: NodeJS.Signals): void {
  if (received !== undefined) {
    endNow(received);
    return;
  }
  // A program that listens for signals has its own idea of what comes after the cancellation.
  const isOurs = process.listenerCount(signal) === 1;
  if (isOurs) {
    received = signal;
    deadline = setTimeout(() => endNow(signal), longest).unref();
  }
  for (const watch of watches) if (watch.signals) watch.canceled(`the process received ${signal}`);
}

function onCrash(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  const what = origin === "unhandledRejection" ? "an unhandled rejection" : "an uncaught exception";
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  crash = { error, text: `the process crashed by ${what}: ${text}` };
  // If the process is still there then, somebody has handled it.
  setImmediate(() => (crash = undefined));
}

function onExit(code: number): void {
  const reason = received === undefined ? `the process exited with code ${code}` : `the process received ${received}`;
  for (const watch of watches) watch.exits(crash?.text ?? reason);
  if (received !== undefined && endsBySignal(received, code)) process.kill(process.pid, received);
}

/** Whether the end of the process is that of the signal, and not the program's own. */
function endsBySignal(signal: NodeJS.Signals, code: number): boolean {
  if (crash !== undefined) return crash.error instanceof PipelineRunError && crash.error.state === "CANCELED";
  return code === codeOf(signal);
}

/** Lets a signal that was held up do what it was sent for, once the program had time to tidy up. */
function endSoon(signal: NodeJS.Signals): void {
  process.exitCode ??= codeOf(signal);
  clearTimeout(soon);
  soon = setTimeout(() => endNow(signal), patience).unref();
}

function endNow(signal: NodeJS.Signals): void {
  for (const watch of watches) watch.exits(`the process received ${signal}`);
  watches.clear();
  clearTimeout(deadline);
  clearTimeout(soon);
  leaveSignals();
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  received = undefined;
  leaveProcess();
}

function anyoneHandlesSignals(): boolean {
  for (const watch of watches) if (watch.signals) return true;
  return false;
}

function leaveSignals(): void {
  for (const name of stopSignals) process.removeListener(name, onSignal);
}

function leaveProcess(): void {
  process.removeListener("exit", onExit);
  process.removeListener("uncaughtExceptionMonitor", onCrash);
}

/** The exit code by which shells know the end by a signal. */
function codeOf(signal: NodeJS.Signals): number {
  return signal === "SIGINT" ? 130 : 143;
}
