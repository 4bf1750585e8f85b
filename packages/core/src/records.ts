/**
 * What is recorded of a pipeline run: the rows as the runner hands them to a store and as a store gives them back.
 * Times are milliseconds since 1970 UTC.
 */
import type { RunCache } from "./cache/cache-status.ts";
import type { Failure } from "./failure.ts";
import type { PipelineState, RunState } from "./states.ts";

/** State of the user's git work tree when a pipeline run began. */
export interface GitState {
  readonly remote: string | null;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly dirty: boolean;
}

/** Who and what executed a pipeline run. */
export interface Origin {
  readonly command: string;
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** Start time of the driver process, to tell it from a later process with the same pid. */
  readonly processStartedAt: number;
  readonly versions: { readonly reprise: string; readonly node: string; readonly platform: string };
}

/**
 * Which runs of an earlier pipeline run a re-run executes. `from`: a run, what is nested in it and what is downstream of
 * it; `continue`: what did not succeed. From Sematic's `SPECIFIC_RUN` and `CONTINUE`.
 */
export type RerunMode = "from" | "continue";

/** Where a pipeline run that re-runs another one came from. */
export interface RerunOrigin {
  /** The pipeline run whose graph is re-run. */
  readonly rootId: string;
  /** The run from which it is re-run; for `continue` that is `rootId`. */
  readonly runId: string;
  readonly mode: RerunMode;
  /** Whether the code that was kept with the original executes, or the program's own of now. */
  readonly code: "stored" | "current";
}

/** A pipeline run: a root run with its settings. Its id is the id of the root run. Sematic calls it "Resolution". */
export interface PipelineRun {
  readonly id: string;
  readonly state: PipelineState;
  readonly kind: "local";
  readonly funcId: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly origin: Origin;
  readonly git: GitState | null;
  /** Digest of the program as it was kept to be run again, 64 hex characters; null if it was not, or not yet. */
  readonly code: string | null;
  /** Null unless it re-runs another pipeline run. */
  readonly rerun: RerunOrigin | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** What is recorded of a func, once per distinct source. */
export interface FuncRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly source: string | null;
  readonly file: string | null;
  readonly line: number | null;
}

/** `func` is the execution of a func's body; `map` is the group of the runs of one `func.map(items)`. */
export type RunKind = "func" | "map";

/** How far a body says that it is. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
  readonly note: string | null;
}

/** A run: one execution of one func call. */
export interface Run {
  readonly id: string;
  readonly rootId: string;
  readonly parentId: string | null;
  /** The attempt of the parent whose body made the call, from 1; 0 for a root. */
  readonly parentAttempt: number;
  /** Whether the parent's body waited for it with `$value()`, so that its outcome may have decided what the body did. */
  readonly awaited: boolean;
  readonly kind: RunKind;
  readonly func: FuncRecord;
  readonly name: string;
  readonly tags: readonly string[];
  /** Order of creation in the pipeline run, from 0. */
  readonly position: number;
  readonly state: RunState;
  /** Number of the current or last attempt, from 1; 0 before the first. */
  readonly attempt: number;
  /** What `$set` changed for this call. */
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly createdAt: number;
  /** First time this attempt was SCHEDULED; the clock of the timeout starts here. */
  readonly scheduledAt: number | null;
  /** When the body began. */
  readonly startedAt: number | null;
  /** When the body had given its result; children may have gone on. Null if it never did, and for what was reused. */
  readonly ranAt: number | null;
  readonly finishedAt: number | null;
  /** Id of the artifact of the result. */
  readonly output: string | null;
  readonly failure: Failure | null;
  /** Why a run was canceled or did not run. */
  readonly reason: string | null;
  readonly progress: Progress | null;
  /** What the cache did for the run. */
  readonly cache: RunCache;
}

/**
 * What an edge says of its run. `data`: where an argument came from. `order`: that the source had to succeed first.
 * `template`: an argument as it was given, with slots where futures stood. `result`: what the body's result is made of,
 * for a body that returned futures.
 */
export type EdgeKind = "data" | "order" | "template" | "result";

/** How long a run or pipeline run took, in ms: since its body began or, if none executed, since its creation; null until it ends. */
export function tookOf({
  createdAt,
  startedAt,
  finishedAt,
}: Pick<Run, "createdAt" | "startedAt" | "finishedAt">): number | null {
  return finishedAt === null ? null : finishedAt - (startedAt ?? createdAt);
}

/**
 * Where an argument of a run came from, or what its result was made of.
 *
 * One `data` edge per argument holds the artifact that the body got. An argument in which futures stood at some depth has
 * further ones, one per future, that name where it stood (`argumentPath`), and no artifact; unless it is one future as
 * such, a `template` edge holds the value around them. The edges of a result are of the same kinds, all called `result`:
 * the one without a source holds the value around the futures. Edges of one argument are in the order of their slots.
 */
export interface Edge {
  readonly runId: string;
  readonly kind: EdgeKind;
  /** Position of the argument, from 0; -1 for `order` and `result`. */
  readonly argument: number;
  /** Name of the argument as declared, for the eyes. */
  readonly name: string;
  /** Path inside the argument, e.g. `.items[3]`; empty for the whole argument. */
  readonly argumentPath: string;
  readonly sourceRunId: string | null;
  /** Path of the part inside the source's output, e.g. `.model`; empty for the whole output. */
  readonly sourcePath: string;
  readonly artifactId: string | null;
}

/** An immutable value, named by the hash of its content. */
export interface Artifact {
  /** SHA-256 of the canonical bytes, 64 hex characters. */
  readonly id: string;
  readonly typeName: string;
  /** Bounded JSON description of the type; null: derived from the bytes when somebody looks. */
  readonly type: unknown;
  /** Bytes of the canonical document and of the blobs it holds. */
  readonly size: number;
  /** JSON for the eyes; null: derived from the bytes when somebody looks. */
  readonly summary: unknown;
  /** Whether the canonical bytes are in the database or, above 64 KiB, in the blob store. */
  readonly storage: "database" | "blob";
  /** Length of the canonical bytes. */
  readonly documentSize: number;
  readonly createdAt: number;
}

/** An attempt that did not succeed; the last, successful attempt is told by its run. */
export interface Attempt {
  readonly runId: string;
  readonly attempt: number;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly failure: Failure;
}

/** Something worth telling that happened in a pipeline run. */
export interface RunEvent {
  /** Grows with every event of a database. */
  readonly sequence: number;
  readonly rootId: string;
  readonly runId: string | null;
  readonly time: number;
  /** E.g. `retry`, `timeout`, `cancel`, `warning`, `late-result`. */
  readonly kind: string;
  readonly message: string;
}

/** Severity of a line of a log. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line that a body wrote. */
export interface LogLine {
  readonly runId: string;
  readonly attempt: number;
  readonly time: number;
  readonly stream: "stdout" | "stderr" | "log";
  readonly level: LogLevel;
  readonly text: string;
  readonly data: unknown;
}

/** `gauge`: the last value counts. `count`: values add up. */
export type MetricType = "gauge" | "count";

/** One value of a metric that a body reported. */
export interface Metric {
  readonly runId: string;
  readonly time: number;
  readonly name: string;
  readonly type: MetricType;
  readonly value: number;
}
