import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  cacheStatuses,
  type EdgeKind,
  type Failure,
  formatRunId,
  parseRunId,
  type Progress,
  type RunCache,
  type RunKind,
  type RunState,
  runStates,
} from "@reprise/core";
import type { ArtifactRef, FuncRef, RecordedEdge, RecordedGraph, RecordedRun, RunRef } from "../backend.ts";
import { rollback } from "./connection.ts";
import { parse, toPipelineRun } from "./records.ts";
import type { Tables } from "./tables.ts";

type Text = string | null;
type Integer = number | null;

const runColumns = `runs.key, lower(hex(runs.uuid)), output_key, lower(hex(digest)), parent_key, parent_attempt, awaited,
  func_key, kind, name, tags, position, options, runs.created_at, state, attempt, scheduled_at, started_at, ran_at,
  finished_at, failure, reason, progress, cache_status, lower(hex(cache_key)), lower(hex(origin_run)), saved, cache_note`;

type RunRow = readonly [
  ...[key: number, uuid: string, output: Integer, digest: string, parent: Integer, parentAttempt: number],
  ...[awaited: number, func: number, kind: RunKind, name: Text, tags: Text, position: number, options: Text],
  ...[createdAt: number, state: number, attempt: number, scheduledAt: Integer, startedAt: Integer, ranAt: Integer],
  ...[finishedAt: Integer, failure: Text, reason: Text, progress: Text],
  ...[cacheStatus: Integer, ...rest: CacheColumns],
];
/** Key and id are empty where null is stored. */
type CacheColumns = readonly [cacheKey: string, originRun: string, saved: Integer, cacheNote: Text];

const edgeColumns = `edges.artifact_key, run_key, edges.kind, argument, edges.name, argument_path, source_key, source_path`;

type EdgeRow = readonly [
  ...[artifact: Integer, run: number, kind: EdgeKind, argument: number, name: string, argumentPath: string],
  ...[source: Integer, sourcePath: string],
];

type FuncRow = readonly [
  ...[key: number, id: string, name: string, description: Text, source: Text, file: Text, line: Integer],
];

/** What several rows share while a graph is put together. */
interface Shared {
  readonly root: RunRef;
  readonly funcs: ReadonlyMap<number, FuncRef>;
  readonly artifacts: Map<number, ArtifactRef>;
  /** Ids of runs by key. */
  readonly ids: Map<number, string>;
  /** Edges by the key of their run. */
  readonly edges: Map<number, RecordedEdge[]>;
  /** JSON of columns that are often equal, by text. */
  readonly parsed: Map<string, unknown>;
}

const noEdges: readonly RecordedEdge[] = [];
const noTags: readonly string[] = [];

/**
 * Reads all of a pipeline run's graph at once: prepared statements on the bare connection and one snapshot, because a
 * driver that goes on with ten thousand runs waits for it.
 */
export class GraphReader {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #epoch: StatementSync;
  readonly #pipelineRun: StatementSync;
  readonly #runs: (root: number) => readonly RunRow[];
  readonly #edges: (root: number) => readonly EdgeRow[];
  readonly #funcs: (root: number) => readonly FuncRow[];
  readonly #digests: (keys: string) => readonly (readonly [key: number, digest: string])[];
  readonly #runId: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#epoch = database.prepare("SELECT epoch FROM meta WHERE key = 1");
    this.#pipelineRun = database.prepare("SELECT * FROM pipeline_runs WHERE uuid = ?");
    // In the order of keys, in which the index gives them and which is nearly that of positions.
    this.#runs = prepareRows(
      database,
      `SELECT ${runColumns} FROM runs LEFT JOIN artifacts ON artifacts.key = output_key
       WHERE root_key = ? ORDER BY runs.key`,
    );
    this.#edges = prepareRows(
      database,
      `SELECT ${edgeColumns} FROM runs CROSS JOIN edges ON run_key = runs.key
       WHERE root_key = ? ORDER BY runs.key, number`,
    );
    this.#funcs = prepareRows(
      database,
      `SELECT key, id, name, description, source, file, line FROM funcs
       WHERE key IN (SELECT func_key FROM runs WHERE root_key = ?)`,
    );
    this.#digests = prepareRows(
      database,
      "SELECT key, lower(hex(digest)) FROM artifacts WHERE key IN (SELECT value FROM json_each(?))",
    );
    this.#runId = database.prepare("SELECT uuid FROM runs WHERE key = ?");
  }

  /** The graph, or undefined if there is none of that id, and the epoch in which its keys of artifacts are right. */
  read(id: string): { readonly epoch: number; readonly graph: RecordedGraph | undefined } {
    this.#begin.run();
    try {
      const { epoch } = this.#epoch.get() as { epoch: number };
      const graph = this.#read(parseRunId(id));
      this.#commit.run();
      return { epoch, graph };
    } catch (error) {
      rollback(this.#database);
      throw error;
    }
  }

  #read(uuid: Uint8Array | undefined): RecordedGraph | undefined {
    const row = uuid && (this.#pipelineRun.get(uuid) as Tables["pipeline_runs"] | undefined);
    if (row === undefined) return undefined;
    const {
      runs: _runs,
      finished: _finished,
      failed: _failed,
      hits: _hits,
      saved: _saved,
      ...run
    } = toPipelineRun(row);
    const root: RunRef = { uuid: row.uuid, key: row.key };
    return { root, pipelineRun: run, runs: this.#readRuns(root) };
  }

  #readRuns(root: RunRef): readonly RecordedRun[] {
    const rows = this.#runs(root.key);
    const funcs = new Map<number, FuncRef>();
    for (const [key, id, name, description, source, file, line] of this.#funcs(root.key)) {
      funcs.set(key, { record: { id, name, description, source, file, line }, key });
    }
    const shared: Shared = { root, funcs, artifacts: new Map(), ids: new Map(), edges: new Map(), parsed: new Map() };
    const { artifacts, ids } = shared;
    for (const [key, hex, output, digest] of rows) {
      ids.set(key, toRunId(hex));
      if (output !== null && !artifacts.has(output)) artifacts.set(output, { digest, key: output });
    }
    this.#readEdges(shared);
    // One allocation for all of them.
    const uuids = Buffer.from(rows.map(([, hex]) => hex).join(""), "hex");
    const runs = rows.map((each, index) => {
      const uuid = new Uint8Array(uuids.buffer, uuids.byteOffset + 16 * index, 16);
      return toRecordedRun(each, uuid, shared);
    });
    return runs.sort((a, b) => a.position - b.position);
  }

  #readEdges({ root, artifacts, ids, edges }: Shared): void {
    const rows = this.#edges(root.key);
    this.#addArtifacts(rows, artifacts);
    let last = 0;
    let list: RecordedEdge[] = [];
    for (const [artifact, run, kind, argument, name, argumentPath, source, sourcePath] of rows) {
      if (run !== last) {
        last = run;
        list = [];
        edges.set(run, list);
      }
      list.push({
        kind,
        argument,
        name,
        argumentPath,
        sourceRunId: source === null ? null : (ids.get(source) ?? this.#idOf(source)),
        sourcePath,
        artifact: artifact === null ? null : (artifacts.get(artifact) ?? null),
      });
    }
  }

  /** Most artifacts of edges are outputs, which are known by now. */
  #addArtifacts(rows: readonly EdgeRow[], artifacts: Map<number, ArtifactRef>): void {
    const missing = new Set<number>();
    for (const [artifact] of rows) if (artifact !== null && !artifacts.has(artifact)) missing.add(artifact);
    if (missing.size === 0) return;
    for (const [key, digest] of this.#digests(JSON.stringify([...missing]))) artifacts.set(key, { digest, key });
  }

  /** The id of a run of another pipeline run. */
  #idOf(key: number): string | null {
    const uuid = this.#runId.get(key)?.["uuid"] as Uint8Array | undefined;
    return uuid === undefined ? null : formatRunId(uuid);
  }
}

/**
 * Gives rows as arrays of their columns. As objects they would cost as much again, once to make and once to look into;
 * the first releases with SQLite have nothing else.
 */
function prepareRows<P extends number | string, R>(database: DatabaseSync, query: string): (value: P) => readonly R[] {
  const statement: StatementSync & { setReturnArrays?: unknown } = database.prepare(query);
  if (statement.setReturnArrays === undefined) {
    return (value) => statement.all(value).map((row) => Object.values(row) as unknown as R);
  }
  statement.setReturnArrays(true);
  return (value) => statement.all(value) as unknown as readonly R[];
}

function toRecordedRun(row: RunRow, uuid: Uint8Array, shared: Shared): RecordedRun {
  const { root, funcs, artifacts, ids, edges, parsed } = shared;
  const [
    key,
    ,
    output,
    ,
    parent,
    parentAttempt,
    awaited,
    funcKey,
    kind,
    name,
    tags,
    position,
    options,
    createdAt,
    state,
    attempt,
    scheduledAt,
    startedAt,
    ranAt,
    finishedAt,
    failure,
    reason,
    progress,
    cacheStatus,
  ] = row;
  const func = funcs.get(funcKey) as FuncRef;
  return {
    ref: key === root.key ? root : { uuid, key },
    id: ids.get(key) as string,
    parentId: parent === null ? null : (ids.get(parent) ?? null),
    parentAttempt,
    awaited: awaited === 1,
    kind,
    func,
    name: name ?? func.record.name,
    tags: parseOnce<readonly string[]>(tags, parsed) ?? noTags,
    position,
    state: runStates[state] as RunState,
    attempt,
    options: parseOnce<Readonly<Record<string, unknown>>>(options, parsed),
    createdAt,
    scheduledAt,
    startedAt,
    ranAt,
    finishedAt,
    output: output === null ? null : (artifacts.get(output) ?? null),
    failure: parse<Failure>(failure),
    reason,
    progress: parse<Progress>(progress),
    cache: cacheStatus === null ? null : toRunCache(cacheStatus, row),
    edges: edges.get(key) ?? noEdges,
  };
}

function toRunCache(status: number, row: RunRow): RunCache {
  const [key, originRun, saved, note] = row.slice(-4) as unknown as CacheColumns;
  return {
    status: cacheStatuses[status] as RunCache["status"],
    key: key === "" ? null : key,
    originRunId: originRun === "" ? null : toRunId(originRun),
    saved,
    note,
  };
}

/** A run's id of its 32 hexadecimal digits. */
function toRunId(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Calls in a loop have equal tags and options: one value for all of them. */
function parseOnce<T>(text: Text, parsed: Map<string, unknown>): T | null {
  if (text === null) return null;
  let value = parsed.get(text);
  if (value === undefined) parsed.set(text, (value = JSON.parse(text)));
  return value as T;
}
