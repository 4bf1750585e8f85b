import type { Failure, LogLevel, MetricType, Progress } from "@reprise/core";
import type { RunWrite } from "@reprise/store";
import type { Call } from "./call.ts";
import type { Stored } from "./values.ts";

/** What a tracker keeps with a call. */
export interface CallTrack {
  /** The row as it is to be written. */
  write: RunWrite;
  /** Number of the batch that `write` belongs to. */
  batch: number;
  /** Arguments put together from several values that were recorded. */
  inputs?: Set<number>;
  /** Whether it was recorded that the body has given its result. */
  returned?: boolean;
  /** Whether the row has its last state: it is not written again. */
  final?: boolean;
}

/** A line for the log of a run. */
export interface LogEntry {
  readonly stream: "stdout" | "stderr" | "log";
  readonly level: LogLevel;
  readonly text: string;
  readonly data: unknown;
  readonly time: number;
  readonly attempt: number;
}

/** A value of a metric. */
export interface MetricEntry {
  readonly name: string;
  readonly value: number;
  readonly type: MetricType;
  readonly time: number;
}

/** An attempt that failed and is followed by another. */
export interface Retried {
  readonly attempt: number;
  readonly failure: Failure;
  /** Milliseconds until the next. */
  readonly delay: number;
  readonly now: number;
  /** Set if what carried the body failed: the how-manieth of how many that do not count as retries of the func. */
  readonly infrastructure?: { readonly retry: number; readonly of: number } | undefined;
}

/** Hears everything that happens in a pipeline run: it records it and tells whoever watches. */
export interface Tracker {
  created(call: Call, now: number): void;
  changed(call: Call, now: number): void;
  /** The value of an argument that was put together when the run began. */
  input(call: Call, argument: number, stored: Stored): void;
  output(call: Call, stored: Stored): void;
  retry(call: Call, told: Retried): void;
  /** A body gave its result when it no longer counted. */
  late(call: Call, attempt: number): void;
  /** The body that made a call waits for it, or has looked whether it has ended. */
  awaited(source: Call): void;
  waits(call: Call, source: Call): void;
  resumes(call: Call): void;
  /** What a run waits for besides its inputs, in words; undefined: nothing any more. */
  waitsFor(call: Call, reason: string | undefined): void;
  /** Where a body executes, in words. */
  placed(call: Call, where: string): void;
  log(call: Call, entry: LogEntry): void;
  metric(call: Call, entry: MetricEntry): void;
  progress(call: Call, progress: Progress): void;
  /** What the cache does for a call has changed. */
  cache(call: Call): void;
  /** What the cache did for a call that has ended has changed. */
  cacheChanged(call: Call): void;
  /** Warns once per text: in the events of the pipeline run, and to whoever watches or, failing that, the process. */
  warn(call: Call, message: string): void;
  /** A message of a worker has come, and others may follow. */
  gather(): void;
  /** A body begins that may hold the event loop. */
  hurry(): void;
  /** Resolves when all that was said so far is on disk; undefined if it already is. */
  durable(): Promise<void> | undefined;
  /** So much waits to be written that no further body should start. */
  readonly overloaded: boolean;
  /** Calls back whenever it is no longer overloaded. */
  onDrain(callback: () => void): void;
}
