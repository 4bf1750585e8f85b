/**
 * What the command and the driver process tell each other: a versioned union of plain messages, checked on both sides,
 * because the driver may be that of another version of reprise (the one in the user's project).
 */
import { cacheStatuses, type Failure } from "@reprise/core";
import type { RunnerEvent } from "@reprise/runner";

/** Grows when a message changes its meaning. */
export const protocolVersion = 2;

/** What the cache may do in a run, as `--cache` says; those of `LocalRunner`. */
export const cacheModes = ["on", "refresh", "readOnly", "off"] as const;
export type CacheMode = (typeof cacheModes)[number];

/** How the input was given on the command line. */
export interface InputRequest {
  /** Text of `--input`: JSON, `@file` or `-`; null if it was not given. */
  readonly text: string | null;
  /** `--key=value` pairs in order; null where no value was given. */
  readonly fields: readonly (readonly [name: string, value: string | null])[];
}

/** How a pipeline run is to execute and to be shown, whatever it is. */
export interface RunSettings {
  /** The command line as it was typed, behind `reprise`; it is recorded with the pipeline run. */
  readonly argv: readonly string[];
  readonly home: string | null;
  readonly concurrency: number | null;
  readonly maxParallelism: number | null;
  readonly durability: "ordered" | "step" | null;
  /** Null: as the runner does it by itself. */
  readonly cache: CacheMode | null;
  /** Null: the setting, else the default. */
  readonly cacheNamespace: string | null;
  /** Every event as it is, for `--json`; else only what a live view needs. */
  readonly everyEvent: boolean;
  /** How to render the result. */
  readonly width: number;
  readonly colored: boolean;
}

/** Command → driver: what to run. The first message. */
export interface StartMessage extends RunSettings {
  readonly v: number;
  readonly type: "start";
  /** Absolute path. */
  readonly file: string;
  readonly func: string | null;
  readonly input: InputRequest;
}

/** How a recorded pipeline run is taken up: `from` and `continue` are the modes of re-running. */
export const againModes = ["from", "continue", "resume"] as const;
export type AgainMode = (typeof againModes)[number];

/** Command → driver: take up a recorded pipeline run. The first message. Ids are whole. */
export interface AgainMessage extends RunSettings {
  readonly v: number;
  readonly type: "again";
  readonly mode: AgainMode;
  /** The run from which to re-run; the pipeline run to continue or to resume. */
  readonly runId: string;
  /** The pipeline run itself. */
  readonly rootId: string;
  /** Id of the root's func. */
  readonly funcId: string;
  /** Digest of the kept program that executes; null: what the file holds now. */
  readonly kept: string | null;
  /** Absolute path; of a kept program, the file that it was made of. */
  readonly file: string;
  /** Texts of `--input`, each a whole input or a changed field; empty: the recorded input. */
  readonly input: readonly string[];
}

const inspections = ["plan", "explain", "sources"] as const;

/** Command → driver: look at a file without executing anything of it, and answer. The first message. */
export interface InspectMessage {
  readonly v: number;
  readonly type: "inspect";
  /** `plan`: what a run would reuse. `explain`: what stands for a func in keys. `sources`: how all its funcs are written. */
  readonly what: (typeof inspections)[number];
  /** Absolute path. */
  readonly file: string;
  readonly func: string | null;
  readonly input: InputRequest;
  readonly home: string | null;
  readonly cacheNamespace: string | null;
}

/** Command → driver: cancel and exit. */
export interface CancelMessage {
  readonly v: number;
  readonly type: "cancel";
  readonly reason: string;
}

export type ToDriver = StartMessage | AgainMessage | InspectMessage | CancelMessage;

/** How a pipeline run ended, with its result for the eyes and as JSON. */
export interface ResultMessage {
  readonly v: number;
  readonly type: "result";
  readonly id: string;
  readonly state: "COMPLETE" | "FAILED" | "CANCELED";
  /** The result, rendered; empty if there is none. */
  readonly lines: readonly string[];
  /** The result in its JSON form; only with `everyEvent`. */
  readonly value?: unknown;
  readonly failure: Failure | null;
}

/** Driver → command. */
export type ToCommand =
  | { readonly v: number; readonly type: "events"; readonly events: readonly RunnerEvent[] }
  /** The cancel message has arrived. */
  | { readonly v: number; readonly type: "canceling" }
  | ResultMessage
  /** The answer to `inspect`. */
  | { readonly v: number; readonly type: "report"; readonly report: unknown }
  /** Nothing could be run. */
  | { readonly v: number; readonly type: "refused"; readonly failure: Failure }
  /** The file exports no func; what it did by itself is over. */
  | { readonly v: number; readonly type: "unattended" };

const eventTypes = new Set(["pipeline", "run", "progress", "log", "stopping", "warning"]);
const resultStates = new Set(["COMPLETE", "FAILED", "CANCELED"]);

/** The message if it is one that a driver understands, else undefined. */
export function parseToDriver(message: unknown): ToDriver | undefined {
  if (!isRecord(message) || message["v"] !== protocolVersion) return undefined;
  if (message["type"] === "cancel") {
    return typeof message["reason"] === "string" ? (message as unknown as CancelMessage) : undefined;
  }
  if (message["type"] === "again") return isAgain(message) ? (message as unknown as AgainMessage) : undefined;
  const { type, file, func, input, what } = message;
  const namesFunc =
    typeof file === "string" &&
    (func === null || typeof func === "string") &&
    isRecord(input) &&
    Array.isArray(input["fields"]);
  if (!namesFunc) return undefined;
  if (type === "start" && hasSettings(message)) return message as unknown as StartMessage;
  return type === "inspect" && inspections.some((known) => known === what)
    ? (message as unknown as InspectMessage)
    : undefined;
}

function hasSettings({ argv, width }: Record<string, unknown>): boolean {
  return Array.isArray(argv) && typeof width === "number";
}

function isAgain(message: Record<string, unknown>): boolean {
  const { mode, runId, rootId, funcId, kept, file, input } = message;
  return (
    hasSettings(message) &&
    againModes.some((known) => known === mode) &&
    [runId, rootId, funcId, file].every((text) => typeof text === "string") &&
    (kept === null || typeof kept === "string") &&
    Array.isArray(input) &&
    input.every((text) => typeof text === "string")
  );
}

/** The message if it is one that the command understands, else undefined. */
export function parseToCommand(message: unknown): ToCommand | undefined {
  if (!isRecord(message) || message["v"] !== protocolVersion) return undefined;
  const fits = checkToCommand(message);
  return fits ? (message as unknown as ToCommand) : undefined;
}

function checkToCommand(message: Record<string, unknown>): boolean {
  switch (message["type"]) {
    case "events":
      return Array.isArray(message["events"]) && message["events"].every(isEvent);
    case "canceling":
    case "unattended":
      return true;
    case "report":
      return isRecord(message["report"]);
    case "result":
      return (
        typeof message["id"] === "string" &&
        resultStates.has(String(message["state"])) &&
        Array.isArray(message["lines"]) &&
        (message["failure"] === null || isFailure(message["failure"]))
      );
    case "refused":
      return isFailure(message["failure"]);
    default:
      return false;
  }
}

function isEvent(event: unknown): boolean {
  if (!isRecord(event) || !eventTypes.has(String(event["type"])) || typeof event["time"] !== "number") return false;
  if (event["type"] === "run" || event["type"] === "pipeline") {
    const { id, state, name, cache } = event;
    const fits = typeof id === "string" && typeof state === "string" && typeof name === "string";
    return fits && (cache === undefined || isRunCache(cache));
  }
  if (event["type"] === "warning") return typeof event["message"] === "string";
  if (event["type"] === "stopping") {
    return (
      Array.isArray(event["runs"]) && event["runs"].every((run) => isRecord(run) && typeof run["label"] === "string")
    );
  }
  if (typeof event["runId"] !== "string") return false;
  return event["type"] === "log" ? typeof event["text"] === "string" : isRecord(event["progress"]);
}

function isRunCache(cache: unknown): boolean {
  if (!isRecord(cache)) return false;
  const { status, key, originRunId, note, saved } = cache;
  return (
    cacheStatuses.some((known) => known === status) &&
    [key, originRunId, note].every((text) => text === null || typeof text === "string") &&
    (saved === null || typeof saved === "number")
  );
}

function isFailure(value: unknown): boolean {
  return isRecord(value) && typeof value["name"] === "string" && typeof value["message"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
