import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { RepriseError } from "@reprise/core";
import type { Kysely } from "kysely";
import type {
  ArtifactRequest,
  ArtifactRow,
  Backend,
  CommitResult,
  DriverLease,
  ListOptions,
  PruneOptions,
  RecordedGraph,
  TakenOver,
  WriteBatch,
} from "../backend.ts";
import type { ProcessIdentity } from "../process-gone.ts";
import type * as ArtifactQueries from "./artifact-queries.ts";
import { ArtifactReader } from "./artifact-reader.ts";
import { BatchWriter } from "./batch-writer.ts";
import { cancelPipelineRun } from "./cancel.ts";
import { codeInUse } from "./code-in-use.ts";
import { type ConnectionOptions, openConnection, openEmpty } from "./connection.ts";
import { discardArtifact } from "./discard-artifact.ts";
import { beatParameters, beatStatement, driverOf, giveUp, takeOver } from "./driver-leases.ts";
import { GraphReader } from "./graph-reader.ts";
import { defaultLease, Heartbeat, type LeaseTimes } from "./heartbeat.ts";
import type * as LineageQueries from "./lineage-queries.ts";
import { prune, referencedAfter } from "./prune.ts";
import type * as RunQueries from "./run-queries.ts";
import { readOnly, storeFailure } from "./sqlite-failure.ts";
import type { Tables } from "./tables.ts";

/** How to open the file of a metadata store. */
export interface BackendOptions extends ConnectionOptions {
  /** How this process says that it is alive while it drives pipeline runs. */
  readonly lease?: LeaseTimes;
}

interface Reader {
  readonly database: Kysely<Tables>;
  readonly runs: typeof RunQueries;
  readonly artifacts: typeof ArtifactQueries;
  readonly lineage: typeof LineageQueries;
}

/**
 * The metadata store in one SQLite file, by the database that comes with Node.
 *
 * Writing is synchronous and goes through prepared statements on the bare connection; reading goes through a query
 * builder, which is loaded at the first read. Any number of processes may have the file open.
 *
 * @example
 * ```ts
 * await using backend = SqliteBackend.open("/data/reprise.db");
 * console.log(await backend.listPipelineRuns({ limit: 10 }));
 * ```
 */
export class SqliteBackend implements Backend {
  readonly place: string;
  readonly #database: DatabaseSync;
  readonly #readOnly: boolean;
  readonly #lease: Required<LeaseTimes>;
  /** Ends what says that a driver is alive. */
  readonly #beating = new Set<() => Promise<void>>();
  #writer: BatchWriter | undefined;
  #artifacts: ArtifactReader | undefined;
  #graphs: GraphReader | undefined;
  #reader: Promise<Reader> | undefined;
  #open = true;
  /** Which file this is, to notice that somebody has removed or replaced it. */
  readonly #file: number | undefined;

  private constructor(place: string, database: DatabaseSync, readOnly: boolean, { heartbeat, grace }: LeaseTimes = {}) {
    this.place = place;
    this.#database = database;
    this.#readOnly = readOnly;
    this.#lease = { heartbeat: heartbeat ?? defaultLease.heartbeat, grace: grace ?? defaultLease.grace };
    this.#file = statSync(place, { throwIfNoEntry: false })?.ino;
  }

  /**
   * Opens the file, creating it (readable by its owner alone) or upgrading it if needed.
   *
   * Throws `RepriseError` `STORE_READ_ONLY`, `STORE_TOO_NEW`, `STORE_FULL` or `STORE_FAILED`.
   */
  static open(path: string, options: BackendOptions = {}): SqliteBackend {
    const place = resolve(path);
    return new SqliteBackend(place, openConnection(place, options), options.readOnly === true, options.lease);
  }

  /** A store that holds nothing and cannot be written, in place of a file that does not exist. */
  static empty(path: string): SqliteBackend {
    return new SqliteBackend(resolve(path), openEmpty(), true);
  }

  commit(batch: WriteBatch): CommitResult {
    try {
      if (this.#readOnly) throw readOnly(this.place);
      const result = this.#openWriter().commit(batch);
      this.#checkPlace();
      return result;
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  cancelPipelineRun(id: string, reason: string, now: number, driver?: DriverLease): Promise<boolean> {
    return this.#attempt(() => cancelPipelineRun(this.#database, id, reason, now, driver));
  }

  takeOver(id: string, driver: ProcessIdentity): Promise<TakenOver> {
    return this.#attempt(() => {
      const result = takeOver(this.#database, id, driver);
      this.#checkPlace();
      return result;
    });
  }

  keepAlive(lease: DriverLease): AsyncDisposable {
    const { heartbeat, grace } = this.#lease;
    const parameters = beatParameters(lease, grace);
    const options = { place: this.place, statement: beatStatement, parameters, interval: heartbeat, atOnce: true };
    const beating = new Heartbeat(options);
    beating.start();
    const ending = async (): Promise<void> => {
      if (!this.#beating.delete(ending)) return;
      await beating.stop();
      try {
        if (this.#open) giveUp(this.#database, lease);
      } catch {
        // Then others wait for the grace.
      }
    };
    this.#beating.add(ending);
    return { [Symbol.asyncDispose]: ending };
  }

  driverOf(id: string) {
    return this.#attempt(() => driverOf(this.#database, id));
  }

  readGraph(id: string): RecordedGraph | undefined {
    try {
      this.#graphs ??= new GraphReader(this.#database);
      const { epoch, graph } = this.#graphs.read(id);
      if (!this.#readOnly && graph !== undefined) this.#openWriter().holdsKeysOf(epoch);
      return graph;
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  findRuns(part: string, limit: number) {
    return this.#read(({ runs, database }) => runs.findRuns(database, part, limit));
  }

  findArtifacts(prefix: string, limit: number) {
    return this.#read(({ artifacts, database }) => artifacts.findArtifacts(database, prefix, limit));
  }

  getPipelineRun(id: string) {
    return this.#read(({ runs, database }) => runs.getPipelineRun(database, id));
  }

  listPipelineRuns(options: ListOptions = {}) {
    return this.#read(({ runs, database }) => runs.listPipelineRuns(database, options));
  }

  getRun(id: string) {
    return this.#read(({ runs, database }) => runs.getRun(database, id));
  }

  listRuns(rootId: string) {
    return this.#read(({ runs, database }) => runs.listRuns(database, rootId));
  }

  producersOf(artifactId: string) {
    return this.#read(({ lineage, database }) => lineage.producersOf(database, artifactId));
  }

  consumersOf(artifactId: string) {
    return this.#read(({ lineage, database }) => lineage.consumersOf(database, artifactId));
  }

  edgesOf(runId: string) {
    return this.#read(({ runs, database }) => runs.edgesOf(database, runId));
  }

  attemptsOf(runId: string) {
    return this.#read(({ runs, database }) => runs.attemptsOf(database, runId));
  }

  eventsOf(rootId: string) {
    return this.#read(({ runs, database }) => runs.eventsOf(database, rootId));
  }

  logsOf(runId: string, options: { readonly nested?: boolean } = {}) {
    return this.#read(({ runs, database }) => runs.logsOf(database, runId, options.nested === true));
  }

  metricsOf(runId: string) {
    return this.#read(({ runs, database }) => runs.metricsOf(database, runId));
  }

  getArtifact(id: string) {
    return this.#read(({ artifacts, database }) => artifacts.getArtifact(database, id));
  }

  readArtifacts(wanted: readonly ArtifactRequest[]): readonly (ArtifactRow | undefined)[] {
    try {
      this.#artifacts ??= new ArtifactReader(this.#database);
      const { epoch, rows } = this.#artifacts.read(wanted);
      if (!this.#readOnly) this.#openWriter().holdsKeysOf(epoch);
      return rows;
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  discardArtifact(id: string): Promise<boolean> {
    return this.#attempt(() => discardArtifact(this.#database, id));
  }

  statistics() {
    return this.#attempt(() => {
      const counts = this.#database
        .prepare(
          `SELECT (SELECT count(*) FROM pipeline_runs) AS pipelineRuns, (SELECT count(*) FROM runs) AS runs,
             (SELECT count(*) FROM artifacts) AS artifacts`,
        )
        .get() as { pipelineRuns: number; runs: number; artifacts: number };
      return { ...counts, bytes: this.#fileSize() };
    });
  }

  codeInUse(after?: Omit<PruneOptions, "dryRun">): Promise<readonly string[]> {
    return this.#attempt(() => codeInUse(this.#database, after));
  }

  prune(options: PruneOptions) {
    return this.#attempt(() => prune(this.#database, options));
  }

  async *referencedBlobs(
    after?: Omit<PruneOptions, "dryRun">,
  ): AsyncGenerator<{ readonly digest: string; readonly size: number }> {
    if (after !== undefined) {
      yield* await this.#attempt(() => referencedAfter(this.#database, after));
      return;
    }
    const { artifacts, database } = await this.#loadReader();
    try {
      yield* artifacts.referencedBlobs(database);
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  check(): Promise<readonly string[]> {
    return this.#attempt(() => {
      const damages = this.#database.prepare("PRAGMA quick_check").all();
      const orphans = this.#database.prepare("PRAGMA foreign_key_check").all();
      return [
        ...damages.map((row) => String(row["quick_check"])).filter((text) => text !== "ok"),
        ...orphans.map((row) => `${String(row["table"])} ${String(row["rowid"])} has no ${String(row["parent"])}`),
      ];
    });
  }

  /** Closes the file. Writing what stands in the log into the database is left to SQLite. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#beating].map((end) => end()));
    if (this.#open) this.#database.close();
    this.#open = false;
  }

  #openWriter(): BatchWriter {
    this.#writer ??= new BatchWriter(this.#database, this.place);
    return this.#writer;
  }

  /** Looked at after a commit, because SQLite goes on writing to a file that has no name any more. */
  #checkPlace(): void {
    const file = statSync(this.place, { throwIfNoEntry: false })?.ino;
    if (file !== undefined && file === this.#file) return;
    throw new RepriseError(
      "STORE_FAILED",
      `The database ${this.place} was removed or replaced while it was in use, so what is written now is lost. ` +
        `Leave the home alone while pipelines run, then run again.`,
    );
  }

  #fileSize(): number {
    if (!existsSync(this.place)) return 0;
    const wal = `${this.place}-wal`;
    return statSync(this.place).size + (existsSync(wal) ? statSync(wal).size : 0);
  }

  /** What throws here has to reject. */
  async #attempt<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  async #read<T>(work: (reader: Reader) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#loadReader());
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  #loadReader(): Promise<Reader> {
    this.#reader ??= this.#makeReader();
    return this.#reader;
  }

  /** Loaded now and not with this file: a driver that only writes has no use for a query builder. */
  async #makeReader(): Promise<Reader> {
    const [{ Kysely }, { NodeSqliteDialect }, runs, artifacts, lineage] = await Promise.all([
      import("kysely"),
      import("./dialect.ts"),
      import("./run-queries.ts"),
      import("./artifact-queries.ts"),
      import("./lineage-queries.ts"),
    ]);
    return {
      database: new Kysely<Tables>({ dialect: new NodeSqliteDialect(this.#database) }),
      runs,
      artifacts,
      lineage,
    };
  }
}
