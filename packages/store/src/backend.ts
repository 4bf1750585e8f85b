/**
 * What a metadata store must do. SQLite implements it now; the interface says nothing that PostgreSQL could not do, and
 * one suite of tests (`backend.testsuite.ts`) runs against every implementation.
 */
import type {
  Artifact,
  Attempt,
  Edge,
  FuncRecord,
  LogLine,
  Metric,
  PipelineRun,
  PipelineState,
  Run,
  RunCache,
  RunEvent,
  RunKind,
  RunState,
} from "@reprise/core";
import type { ProcessIdentity } from "./process-gone.ts";

/**
 * A row's identity while it is written: the id that the writer chose, and the compact key that the database gave it.
 * The backend sets `key` when it inserts the row, so that later writes need no lookup. 0: not stored yet.
 */
export interface RunRef {
  /** UUIDv7. */
  readonly uuid: Uint8Array;
  key: number;
}

/** As {@link RunRef}, for an artifact. */
export interface ArtifactRef {
  /** SHA-256 of the canonical bytes, hex. */
  readonly digest: string;
  key: number;
}

/** As {@link RunRef}, for a func's record. */
export interface FuncRef {
  readonly record: FuncRecord;
  key: number;
}

/** A pipeline run to insert, or a change of one that was inserted before. */
export interface PipelineRunWrite {
  readonly root: RunRef;
  readonly run: PipelineRun;
  /** The process that drives it, for an insertion: it then holds the pipeline run with fence 1. Default: nobody does. */
  readonly driver?: ProcessIdentity;
}

/** A driver's right to write: as long as nobody has taken the pipeline run over, which gives it the next fence. */
export interface DriverLease {
  readonly root: RunRef;
  readonly fence: number;
}

/** What became of the wish to drive a pipeline run whose driver is gone. `silent`: ms since it was last heard of. */
export type TakenOver =
  | { readonly type: "taken"; readonly lease: DriverLease }
  | { readonly type: "alive"; readonly driver: ProcessIdentity; readonly silent: number }
  | { readonly type: "finished"; readonly state: PipelineState }
  | { readonly type: "unknown" };

/** Who drives a pipeline run, or drove it last. */
export interface KnownDriver {
  readonly driver: ProcessIdentity;
  /** Milliseconds since it was last heard of. */
  readonly silent: number;
  /** Milliseconds of silence after which it counts as gone; negative if it has given the pipeline run up. */
  readonly patience: number;
  /** How it has ended, so that somebody else may take over; undefined if it counts as alive. */
  readonly ended: string | undefined;
}

/** A run as it was recorded, with what writers need to refer to it. */
export interface RecordedRun extends Omit<Run, "rootId" | "func" | "output" | "cache"> {
  readonly ref: RunRef;
  readonly func: FuncRef;
  readonly output: ArtifactRef | null;
  readonly cache: RunCache | null;
  /** In the order in which they were written. */
  readonly edges: readonly RecordedEdge[];
}

/** An edge of a {@link RecordedRun}. */
export interface RecordedEdge extends Omit<Edge, "runId" | "artifactId"> {
  readonly artifact: ArtifactRef | null;
}

/** All that is recorded of a pipeline run's graph. */
export interface RecordedGraph {
  readonly root: RunRef;
  readonly pipelineRun: PipelineRun;
  /** In order of creation, the root first. */
  readonly runs: readonly RecordedRun[];
}

/** A run's row as it is to be: inserted if its key is 0, else updated. Several states of one run in one batch are one write. */
export interface RunWrite {
  readonly ref: RunRef;
  readonly root: RunRef;
  readonly parent: RunRef | null;
  /** See `Run.parentAttempt`. */
  readonly parentAttempt: number;
  /** See `Run.awaited`. */
  awaited: boolean;
  readonly func: FuncRef;
  readonly kind: RunKind;
  readonly name: string;
  readonly tags: readonly string[];
  readonly position: number;
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly createdAt: number;
  state: RunState;
  attempt: number;
  scheduledAt: number | null;
  startedAt: number | null;
  ranAt: number | null;
  finishedAt: number | null;
  output: ArtifactRef | null;
  failure: Run["failure"];
  reason: string | null;
  progress: Run["progress"];
  /** What the cache did for the run; null stands for `DISABLED` without a note and costs nothing. */
  cache: RunCache | null;
}

/** An artifact to store if it is not there yet. `document` is null when the canonical bytes are in the blob store. */
export interface ArtifactWrite {
  readonly ref: ArtifactRef;
  readonly typeName: string;
  readonly type: unknown;
  readonly size: number;
  readonly summary: unknown;
  readonly documentSize: number;
  readonly document: Uint8Array | null;
  /** Blobs that the value holds, loaded or lazy; garbage collection keeps them while the artifact is there. */
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
  readonly createdAt: number;
}

/** An edge to insert. */
export interface EdgeWrite {
  readonly run: RunRef;
  readonly kind: Edge["kind"];
  readonly argument: number;
  readonly name: string;
  readonly argumentPath: string;
  readonly source: RunRef | null;
  readonly sourcePath: string;
  readonly artifact: ArtifactRef | null;
}

/** Rows that belong to a run, by the run's reference instead of its id. */
export type OfRun<T extends { readonly runId: string }> = Omit<T, "runId"> & { readonly run: RunRef };

/** An event to insert. */
export interface EventWrite {
  readonly root: RunRef;
  readonly run: RunRef | null;
  readonly time: number;
  readonly kind: string;
  readonly message: string;
}

/**
 * What the cache did for a run, told after the run's row, whatever its state: that a result could not be stored is known
 * only when the run is RESOLVED. Whether the result was reused has to be told by the row itself, for the counts' sake.
 */
export interface CacheChange {
  readonly run: RunRef;
  readonly cache: RunCache;
}

/** Everything that one commit writes. A run refers only to rows of its own batch or of earlier ones. */
export interface WriteBatch {
  readonly artifacts: readonly ArtifactWrite[];
  readonly pipelineRuns: readonly PipelineRunWrite[];
  readonly runs: readonly RunWrite[];
  readonly edges: readonly EdgeWrite[];
  readonly attempts: readonly OfRun<Attempt>[];
  readonly events: readonly EventWrite[];
  readonly logs: readonly OfRun<LogLine>[];
  readonly metrics: readonly OfRun<Metric>[];
  readonly cacheChanges: readonly CacheChange[];
  /** Runs that were written before and are waited for since, whatever their state. */
  readonly awaited: readonly RunRef[];
  /** Who writes: if its right is gone, nothing is written and the commit fails with `DRIVER_REPLACED`. Null: anybody. */
  readonly driver: DriverLease | null;
}

/** What a commit could not write, because somebody else had finished the row before (another process canceled it). */
export interface CommitResult {
  readonly refused: readonly RunRef[];
}

/** Which pipeline runs to list; newest first. */
export interface ListOptions {
  /** At most so many. Default: 50. */
  readonly limit?: number;
  /** Continue behind this pipeline run id. */
  readonly after?: string;
  readonly state?: PipelineState;
  readonly funcId?: string;
  readonly tag?: string;
}

/** An artifact with its canonical bytes, or null where they are in the blob store. */
export interface StoredArtifact {
  readonly artifact: Artifact;
  readonly document: Uint8Array | null;
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
}

/** Asks for an artifact that has been stored before. */
export interface ArtifactRequest {
  /** SHA-256 of the canonical bytes, hex. */
  readonly id: string;
  /** The key that it had then: saves a search where it still has it. 0: not known. */
  readonly hint: number;
}

/** What stands in the row of an artifact. Nothing of it is verified but that it is stored under its id. */
export interface ArtifactRow {
  readonly ref: ArtifactRef;
  readonly document: Uint8Array | null;
  readonly documentSize: number;
  /** Bytes of the canonical document and of the blobs. */
  readonly size: number;
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
}

/** What `ls` shows of a pipeline run besides its row. */
export interface PipelineRunSummary extends PipelineRun {
  readonly runs: number;
  readonly finished: number;
  readonly failed: number;
  /** Runs that ended with a result from the cache. */
  readonly hits: number;
  /** Milliseconds that these hits saved. */
  readonly saved: number;
}

/** A run that has an artifact as an argument, and the edge that says so. */
export interface Consumer {
  readonly run: Run;
  readonly edge: Edge;
}

/** The metadata store. All methods reject with `RepriseError` `STORE_…` that names the store's place. */
export interface Backend extends AsyncDisposable {
  /** Where it is, for messages: a path or a URL without credentials. */
  readonly place: string;
  /**
   * Writes a batch: all of it or nothing; on disk when done. Synchronous where the database is (SQLite): it then returns
   * the result itself, so that a caller that is idle pays no extra turn of the event loop.
   */
  commit(batch: WriteBatch): CommitResult | Promise<CommitResult>;
  /**
   * Ends a pipeline run from outside its driver: every unfinished run becomes CANCELED with the reason, and so does the
   * pipeline run. What is finished is left alone. False if the pipeline run was finished. A driver that ends its own names
   * its lease: if somebody else drives by now, nothing is changed and `DRIVER_REPLACED` is told.
   */
  cancelPipelineRun(id: string, reason: string, now: number, driver?: DriverLease): Promise<boolean>;
  /**
   * Makes a process the driver of an unfinished pipeline run that nobody drives any more: its driver has ended, has given
   * it up (see {@link keepAlive}), or was not heard of for longer than it said it would be, which for one that never began
   * to say that it is alive are ten minutes. Tells so in an event of kind `resume`. Whoever drove it before can no longer
   * write.
   */
  takeOver(id: string, driver: ProcessIdentity): Promise<TakenOver>;
  /**
   * Says from now on that the driver is alive, also while its event loop is blocked; it never keeps the process alive.
   * Whoever calls it ends that by disposing of what it gives, after its last commit: that gives the pipeline run up, so
   * that nobody who wants to go on with it has to wait.
   */
  keepAlive(lease: DriverLease): AsyncDisposable;
  /** The driver of a pipeline run; undefined if nobody ever drove it. */
  driverOf(id: string): Promise<KnownDriver | undefined>;
  /** Everything of a pipeline run that re-running and resuming it needs; synchronous where {@link commit} is. */
  readGraph(id: string): RecordedGraph | undefined | Promise<RecordedGraph | undefined>;
  /**
   * The full ids of runs that begin with `part` (dashes may be left out) or, if none does and it has at least four
   * digits, that end with it: of ids that begin with the time, the end tells more. At most `limit`.
   */
  findRuns(part: string, limit: number): Promise<readonly string[]>;
  /** The full ids of artifacts that begin with `prefix`, at most `limit`. */
  findArtifacts(prefix: string, limit: number): Promise<readonly string[]>;
  getPipelineRun(id: string): Promise<PipelineRunSummary | undefined>;
  listPipelineRuns(options?: ListOptions): Promise<readonly PipelineRunSummary[]>;
  getRun(id: string): Promise<Run | undefined>;
  /** All runs of a pipeline run in order of creation. */
  listRuns(rootId: string): Promise<readonly Run[]>;
  /** Runs whose output is the artifact, oldest first. Reads all runs, tens of milliseconds for a hundred thousand. */
  producersOf(artifactId: string): Promise<readonly Run[]>;
  /**
   * Runs that have the artifact as an argument, or were given it as a part of one by a future; oldest first, with the
   * edge of each argument or part. Reads all edges, about as long.
   */
  consumersOf(artifactId: string): Promise<readonly Consumer[]>;
  /** Edges into a run, by argument. */
  edgesOf(runId: string): Promise<readonly Edge[]>;
  attemptsOf(runId: string): Promise<readonly Attempt[]>;
  eventsOf(rootId: string): Promise<readonly RunEvent[]>;
  /** Lines of a run, or with `nested` also of the runs below it, oldest first. */
  logsOf(runId: string, options?: { readonly nested?: boolean }): Promise<readonly LogLine[]>;
  metricsOf(runId: string): Promise<readonly Metric[]>;
  getArtifact(id: string): Promise<StoredArtifact | undefined>;
  /**
   * The row of each artifact, or undefined where it is not stored; many at once, and synchronous where {@link commit} is.
   * A hint that leads to a row of that id is believed, even if the row was discarded (see {@link discardArtifact}).
   */
  readArtifacts(
    wanted: readonly ArtifactRequest[],
  ): readonly (ArtifactRow | undefined)[] | Promise<readonly (ArtifactRow | undefined)[]>;
  /**
   * From now on the artifact counts as not stored, because its bytes were found damaged: whoever makes the value again
   * stores it again, under the same id. What refers to it stays. False if it was not stored.
   */
  discardArtifact(id: string): Promise<boolean>;
  /** Counts and sizes for `doctor` and `gc`. */
  statistics(): Promise<{
    readonly pipelineRuns: number;
    readonly runs: number;
    readonly artifacts: number;
    readonly bytes: number;
  }>;
  /** Digests of the programs that pipeline runs were executed with, or would still be `after` a prune; each once. */
  codeInUse(after?: Omit<PruneOptions, "dryRun">): Promise<readonly string[]>;
  /**
   * Removes finished pipeline runs that ended before `endedBefore`, then artifacts that no run needs and that are older
   * than `unusedBefore`, save those to `keep`. Returns what was (or with `dryRun` would be) removed.
   */
  prune(options: PruneOptions): Promise<PruneResult>;
  /** Blobs that some artifact needs, or would still need `after` a prune; one may come several times. */
  referencedBlobs(
    after?: Omit<PruneOptions, "dryRun">,
  ): AsyncIterable<{ readonly digest: string; readonly size: number }>;
  /** Problems of the database file itself; empty if it is sound. */
  check(): Promise<readonly string[]>;
}

/** What garbage collection removes. Times are milliseconds since 1970 UTC. */
export interface PruneOptions {
  /** Remove finished pipeline runs that ended before; undefined: none. */
  readonly endedBefore?: number;
  /** Remove artifacts without a run only if they were written before. */
  readonly unusedBefore: number;
  /** Ids of artifacts that stay though no run needs them, because the cache does. Default: none. */
  readonly keep?: readonly string[];
  readonly dryRun: boolean;
}

/** What garbage collection removed. */
export interface PruneResult {
  readonly pipelineRuns: number;
  readonly runs: number;
  readonly artifacts: number;
  readonly bytes: number;
}
