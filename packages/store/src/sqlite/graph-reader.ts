import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  cacheStatuses,
  type EdgeKind,
  type Failure,
  formatRunId,
  type FuncRecord,
  parseRunId,
  type Progress,
  type RunCache,
  type RunKind,
  type RunState,
  runStates,
} from "@reprise/core";
import type { ArtifactRef, FuncRef, RecordedEdge, RecordedGraph, RecordedRun, RunRef } from "../backend.ts";
import { rollback } from "./connection.ts";
import { formatHex } from "./ids.ts";
import { parse, toPipelineRun } from "./records.ts";
import type { Tables } from "./tables.ts";

type RunRow = Tables["runs"];
type EdgeRow = Tables["edges"];
type PipelineRow = Tables["pipeline_runs"];

/** What several rows share while a graph is put together. */
interface Shared {
  readonly funcs: ReadonlyMap<number, FuncRef>;
  readonly artifacts: ReadonlyMap<number, ArtifactRef>;
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
  readonly #runs: StatementSync;
  readonly #edges: StatementSync;
  readonly #funcs: StatementSync;
  readonly #artifacts: StatementSync;
  readonly #runId: StatementSync;

  constructor(database: DatabaseSync) {
    const ofRoot = "FROM runs CROSS JOIN edges ON run_key = runs.key WHERE root_key = ?1";
    this.#database = database;
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#epoch = database.prepare("SELECT epoch FROM meta WHERE key = 1");
    this.#pipelineRun = database.prepare("SELECT * FROM pipeline_runs WHERE uuid = ?");
    this.#runs = database.prepare("SELECT * FROM runs WHERE root_key = ? ORDER BY position, key");
    this.#edges = database.prepare(
      `SELECT run_key, edges.kind, argument, edges.name, argument_path, source_key, source_path, artifact_key ${ofRoot}
       ORDER BY run_key, number`,
    );
    this.#funcs = database.prepare(
      `SELECT key, id, name, description, source, file, line FROM funcs
       WHERE key IN (SELECT func_key FROM runs WHERE root_key = ?)`,
    );
    this.#artifacts = database.prepare(
      `SELECT key, lower(hex(digest)) AS digest FROM artifacts
       WHERE key IN (SELECT output_key FROM runs WHERE root_key = ?1 UNION SELECT artifact_key ${ofRoot})`,
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
    const row = uuid && (this.#pipelineRun.get(uuid) as PipelineRow | undefined);
    if (row === undefined) return undefined;
    const {
      runs: _runs,
      finished: _finished,
      failed: _failed,
      hits: _hits,
      saved: _saved,
      ...run
    } = toPipelineRun(row);
    const rows = this.#runs.all(row.key) as unknown as RunRow[];
    const shared: Shared = {
      funcs: this.#funcRefs(row.key),
      artifacts: this.#artifactRefs(row.key),
      ids: new Map(),
      edges: new Map(),
      parsed: new Map(),
    };
    for (const { key, uuid } of rows) shared.ids.set(key, formatRunId(uuid));
    this.#readEdges(row.key, shared);
    const root: RunRef = { uuid: row.uuid, key: row.key };
    return { root, pipelineRun: run, runs: rows.map((each) => toRecordedRun(each, root, shared)) };
  }

  #funcRefs(root: number): ReadonlyMap<number, FuncRef> {
    const rows = this.#funcs.all(root) as unknown as (FuncRecord & { key: number })[];
    return new Map(rows.map(({ key, ...record }) => [key, { record, key }]));
  }

  #artifactRefs(root: number): ReadonlyMap<number, ArtifactRef> {
    const refs = new Map<number, ArtifactRef>();
    for (const { digest, key } of this.#artifacts.all(root) as unknown as ArtifactRef[]) refs.set(key, { digest, key });
    return refs;
  }

  #readEdges(root: number, { artifacts, ids, edges }: Shared): void {
    let last = 0;
    let list: RecordedEdge[] = [];
    for (const row of this.#edges.all(root) as unknown as EdgeRow[]) {
      if (row.run_key !== last) {
        last = row.run_key;
        list = [];
        edges.set(last, list);
      }
      list.push({
        kind: row.kind as EdgeKind,
        argument: row.argument,
        name: row.name,
        argumentPath: row.argument_path,
        sourceRunId: row.source_key === null ? null : (ids.get(row.source_key) ?? this.#idOf(row.source_key)),
        sourcePath: row.source_path,
        artifact: row.artifact_key === null ? null : (artifacts.get(row.artifact_key) ?? null),
      });
    }
  }

  /** The id of a run of another pipeline run. */
  #idOf(key: number): string | null {
    const uuid = this.#runId.get(key)?.["uuid"] as Uint8Array | undefined;
    return uuid === undefined ? null : formatRunId(uuid);
  }
}

function toRecordedRun(row: RunRow, root: RunRef, { funcs, artifacts, ids, edges, parsed }: Shared): RecordedRun {
  const func = funcs.get(row.func_key) as FuncRef;
  return {
    ref: row.key === root.key ? root : { uuid: row.uuid, key: row.key },
    id: ids.get(row.key) as string,
    parentId: row.parent_key === null ? null : (ids.get(row.parent_key) ?? null),
    parentAttempt: row.parent_attempt,
    awaited: row.awaited === 1,
    kind: row.kind as RunKind,
    func,
    name: row.name ?? func.record.name,
    tags: parseOnce<readonly string[]>(row.tags, parsed) ?? noTags,
    position: row.position,
    state: runStates[row.state] as RunState,
    attempt: row.attempt,
    options: parseOnce<Readonly<Record<string, unknown>>>(row.options, parsed),
    createdAt: row.created_at,
    scheduledAt: row.scheduled_at,
    startedAt: row.started_at,
    ranAt: row.ran_at,
    finishedAt: row.finished_at,
    output: row.output_key === null ? null : (artifacts.get(row.output_key) ?? null),
    failure: parse<Failure>(row.failure),
    reason: row.reason,
    progress: parse<Progress>(row.progress),
    cache: row.cache_status === null ? null : toRunCache(row, row.cache_status),
    edges: edges.get(row.key) ?? noEdges,
  };
}

function toRunCache(row: RunRow, status: number): RunCache {
  return {
    status: cacheStatuses[status] as RunCache["status"],
    key: row.cache_key === null ? null : formatHex(row.cache_key),
    originRunId: row.origin_run === null ? null : formatRunId(row.origin_run),
    saved: row.saved,
    note: row.cache_note,
  };
}

/** Calls in a loop have equal tags and options: one value for all of them. */
function parseOnce<T>(text: string | null, parsed: Map<string, unknown>): T | null {
  if (text === null) return null;
  let value = parsed.get(text);
  if (value === undefined) parsed.set(text, (value = JSON.parse(text)));
  return value as T;
}
