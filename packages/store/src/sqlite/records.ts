/** Rows of the database as the records of `@reprise/core`. */
import {
  type Artifact,
  cacheStatuses,
  type Failure,
  type FuncRecord,
  type GitState,
  type Origin,
  type PipelineState,
  pipelineStates,
  type Progress,
  type RerunOrigin,
  type Run,
  type RunCache,
  type RunState,
  runStates,
  formatRunId,
} from "@reprise/core";
import type { Selectable } from "kysely";
import type { PipelineRunSummary } from "../backend.ts";
import { formatHex } from "./ids.ts";
import type { Tables } from "./tables.ts";

/** JSON of a column; null stays null. */
export function parse<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}

/** A pipeline run of its row. */
export function toPipelineRun(row: Selectable<Tables["pipeline_runs"]>): PipelineRunSummary {
  return {
    id: formatRunId(row.uuid),
    state: pipelineStates[row.state] as PipelineState,
    kind: row.kind as PipelineRunSummary["kind"],
    funcId: row.func_id,
    name: row.name,
    tags: parse<string[]>(row.tags) ?? [],
    origin: JSON.parse(row.origin) as Origin,
    git: parse<GitState>(row.git),
    code: row.code === null ? null : formatHex(row.code),
    rerun: parse<RerunOrigin>(row.rerun),
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    runs: row.runs,
    finished: row.finished,
    failed: row.failed,
    hits: row.hits,
    saved: row.saved,
  };
}

/** A run's row with what it refers to. */
export type RunRow = Omit<Selectable<Tables["runs"]>, "key" | "root_key" | "parent_key" | "output_key"> & {
  readonly root_uuid: Uint8Array;
  readonly parent_uuid: Uint8Array | null;
  readonly output_digest: Uint8Array | null;
};

/** A run of its row and its func's record. */
export function toRun(row: RunRow, func: FuncRecord): Run {
  return {
    id: formatRunId(row.uuid),
    rootId: formatRunId(row.root_uuid),
    parentId: row.parent_uuid === null ? null : formatRunId(row.parent_uuid),
    parentAttempt: row.parent_attempt,
    awaited: row.awaited === 1,
    kind: row.kind as Run["kind"],
    func,
    name: row.name ?? func.name,
    tags: parse<string[]>(row.tags) ?? [],
    position: row.position,
    state: runStates[row.state] as RunState,
    attempt: row.attempt,
    options: parse<Record<string, unknown>>(row.options),
    createdAt: row.created_at,
    scheduledAt: row.scheduled_at,
    startedAt: row.started_at,
    ranAt: row.ran_at,
    finishedAt: row.finished_at,
    output: row.output_digest === null ? null : formatHex(row.output_digest),
    failure: parse<Failure>(row.failure),
    reason: row.reason,
    progress: parse<Progress>(row.progress),
    cache: toRunCache(row),
  };
}

const notAsked: RunCache = { status: "DISABLED", key: null, originRunId: null, saved: null, note: null };

function toRunCache(row: RunRow): RunCache {
  if (row.cache_status === null) return notAsked;
  return {
    status: cacheStatuses[row.cache_status] as RunCache["status"],
    key: row.cache_key === null ? null : formatHex(row.cache_key),
    originRunId: row.origin_run === null ? null : formatRunId(row.origin_run),
    saved: row.saved,
    note: row.cache_note,
  };
}

/** An artifact of its row. */
export function toArtifact(row: Selectable<Tables["artifacts"]>): Artifact {
  return {
    id: formatHex(row.digest),
    typeName: row.type_name,
    type: parse(row.type),
    size: row.size,
    summary: parse(row.summary),
    storage: row.document === null ? "blob" : "database",
    documentSize: row.document_size,
    createdAt: row.created_at,
  };
}
