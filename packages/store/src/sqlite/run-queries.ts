import {
  type Attempt,
  type Edge,
  type Failure,
  type FuncRecord,
  type LogLine,
  type Metric,
  pipelineStates,
  type Run,
  type RunEvent,
  formatRunId,
  parseRunId,
} from "@reprise/core";
import { type Kysely, type RawBuilder, sql, type SqlBool } from "kysely";
import type { ListOptions, PipelineRunSummary } from "../backend.ts";
import { formatHex, prefixRange } from "./ids.ts";
import { parse, toPipelineRun, toRun } from "./records.ts";
import type { Tables } from "./tables.ts";

type Database = Kysely<Tables>;

/** Ids of runs that begin with `part` or, if none does, that end with it. */
export async function findRuns(database: Database, part: string, limit: number): Promise<readonly string[]> {
  const range = prefixRange(part, 16);
  if (range === undefined) return [];
  const query = database.selectFrom("runs").select("uuid").orderBy("uuid").limit(limit);
  let rows = await query.where("uuid", ">=", range.from).where("uuid", "<=", range.to).execute();
  const digits = part.replaceAll("-", "");
  if (rows.length === 0 && digits.length >= 4) {
    // Reads the index of all ids, some tens of milliseconds for a million: rare enough to need no index of its own.
    rows = await query.where(sql<boolean>`hex(uuid) LIKE ${`%${digits}`}`).execute();
  }
  return rows.map((row) => formatRunId(row.uuid));
}

/** A pipeline run by its id. */
export async function getPipelineRun(database: Database, id: string): Promise<PipelineRunSummary | undefined> {
  const uuid = parseRunId(id);
  if (uuid === undefined) return undefined;
  const row = await database.selectFrom("pipeline_runs").selectAll().where("uuid", "=", uuid).executeTakeFirst();
  return row && toPipelineRun(row);
}

/** Pipeline runs, newest first. */
export async function listPipelineRuns(database: Database, options: ListOptions): Promise<PipelineRunSummary[]> {
  const { limit = 50, after, state, funcId, tag } = options;
  let query = database.selectFrom("pipeline_runs").selectAll().orderBy("uuid", "desc").limit(limit);
  if (after !== undefined) query = query.where("uuid", "<", parseRunId(after) ?? new Uint8Array());
  if (state !== undefined) query = query.where("state", "=", pipelineStates.indexOf(state));
  if (funcId !== undefined) query = query.where("func_id", "=", funcId);
  if (tag !== undefined) {
    query = query.where(sql<boolean>`EXISTS (SELECT 1 FROM json_each(pipeline_runs.tags) WHERE value = ${tag})`);
  }
  return (await query.execute()).map(toPipelineRun);
}

/** Whether a column holds one of many numbers. */
export function isAmong(column: string, numbers: Iterable<number>): RawBuilder<SqlBool> {
  // As one parameter, of which SQLite takes only so many.
  return sql`${sql.ref(column)} IN (SELECT value FROM json_each(${JSON.stringify([...numbers])}))`;
}

/** Runs that `where` selects, with everything that their rows refer to. */
export async function selectRuns(
  database: Database,
  where: RawBuilder<SqlBool>,
  order: "runs.position" | "runs.uuid",
): Promise<Run[]> {
  const rows = await database
    .selectFrom("runs")
    .innerJoin("pipeline_runs as root", "root.key", "runs.root_key")
    .leftJoin("runs as parent", "parent.key", "runs.parent_key")
    .leftJoin("artifacts", "artifacts.key", "runs.output_key")
    .selectAll("runs")
    .select(["root.uuid as root_uuid", "parent.uuid as parent_uuid", "artifacts.digest as output_digest"])
    .where(where)
    .orderBy(order)
    .orderBy("runs.key")
    .execute();
  const funcs = await funcRecords(database, new Set(rows.map((row) => row.func_key)));
  return rows.map((row) => toRun(row, funcs.get(row.func_key) as FuncRecord));
}

/** Funcs are few and their sources long: each is read once, not once per run. */
async function funcRecords(database: Database, keys: ReadonlySet<number>): Promise<Map<number, FuncRecord>> {
  const rows = await database
    .selectFrom("funcs")
    .select(["key", "id", "name", "description", "source", "file", "line"])
    .where(isAmong("key", keys))
    .execute();
  return new Map(rows.map(({ key, ...record }) => [key, record]));
}

/** A run by its id. */
export async function getRun(database: Database, id: string): Promise<Run | undefined> {
  const uuid = parseRunId(id);
  return uuid && (await selectRuns(database, sql`runs.uuid = ${uuid}`, "runs.position"))[0];
}

/** The runs of a pipeline run in order of creation. */
export async function listRuns(database: Database, rootId: string): Promise<readonly Run[]> {
  const uuid = parseRunId(rootId);
  return uuid === undefined ? [] : selectRuns(database, sql`root.uuid = ${uuid}`, "runs.position");
}

/** Edges into a run. */
export async function edgesOf(database: Database, runId: string): Promise<readonly Edge[]> {
  const edges = await selectEdges(database, sql`runs.uuid = ${parseRunId(runId) ?? new Uint8Array()}`);
  return edges.map(({ edge }) => edge);
}

/** Edges that `where` selects, with the key of their run; those of one run by argument. */
export async function selectEdges(
  database: Database,
  where: RawBuilder<SqlBool>,
): Promise<readonly { readonly runKey: number; readonly edge: Edge }[]> {
  const rows = await database
    .selectFrom("edges")
    .innerJoin("runs", "runs.key", "edges.run_key")
    .leftJoin("runs as source", "source.key", "edges.source_key")
    .leftJoin("artifacts", "artifacts.key", "edges.artifact_key")
    .select(["edges.kind", "edges.argument", "edges.name", "edges.argument_path", "edges.source_path"])
    .select(["edges.run_key", "runs.uuid", "source.uuid as source_uuid", "artifacts.digest as digest"])
    .where(where)
    .orderBy("edges.run_key")
    .orderBy("edges.argument")
    .orderBy("edges.number")
    .execute();
  return rows.map((row) => ({
    runKey: row.run_key,
    edge: {
      runId: formatRunId(row.uuid),
      kind: row.kind as Edge["kind"],
      argument: row.argument,
      name: row.name,
      argumentPath: row.argument_path,
      sourceRunId: row.source_uuid === null ? null : formatRunId(row.source_uuid),
      sourcePath: row.source_path,
      artifactId: row.digest === null ? null : formatHex(row.digest),
    },
  }));
}

/** Attempts of a run that did not succeed. */
export async function attemptsOf(database: Database, runId: string): Promise<readonly Attempt[]> {
  const rows = await database
    .selectFrom("attempts")
    .innerJoin("runs", "runs.key", "attempts.run_key")
    .select(["runs.uuid", "attempts.attempt", "attempts.started_at", "attempts.ended_at", "attempts.failure"])
    .where("runs.uuid", "=", parseRunId(runId) ?? new Uint8Array())
    .orderBy("attempts.attempt")
    .execute();
  return rows.map((row) => ({
    runId: formatRunId(row.uuid),
    attempt: row.attempt,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    failure: JSON.parse(row.failure) as Failure,
  }));
}

/** Events of a pipeline run in the order in which they were written. */
export async function eventsOf(database: Database, rootId: string): Promise<readonly RunEvent[]> {
  const rows = await database
    .selectFrom("events")
    .innerJoin("pipeline_runs as root", "root.key", "events.root_key")
    .leftJoin("runs", "runs.key", "events.run_key")
    .select(["events.key", "events.time", "events.kind", "events.message"])
    .select(["root.uuid as root_uuid", "runs.uuid as run_uuid"])
    .where("root.uuid", "=", parseRunId(rootId) ?? new Uint8Array())
    .orderBy("events.key")
    .execute();
  return rows.map((row) => ({
    sequence: row.key,
    rootId: formatRunId(row.root_uuid),
    runId: row.run_uuid === null ? null : formatRunId(row.run_uuid),
    time: row.time,
    kind: row.kind,
    message: row.message,
  }));
}

/** Lines of a run, or also of every run below it. */
export async function logsOf(database: Database, runId: string, nested: boolean): Promise<readonly LogLine[]> {
  const run = await database
    .selectFrom("runs")
    .select(["key", "root_key"])
    .where("uuid", "=", parseRunId(runId) ?? new Uint8Array())
    .executeTakeFirst();
  if (run === undefined) return [];
  const keys = nested ? await keysBelow(database, run) : [run.key];
  const rows = await database
    .selectFrom("logs")
    .innerJoin("runs", "runs.key", "logs.run_key")
    .select(["runs.uuid", "logs.attempt", "logs.time", "logs.stream", "logs.level", "logs.text", "logs.data"])
    .where(isAmong("logs.run_key", keys))
    .orderBy("logs.time")
    .orderBy("logs.key")
    .execute();
  return rows.map((row) => ({
    runId: formatRunId(row.uuid),
    attempt: row.attempt,
    time: row.time,
    stream: row.stream as LogLine["stream"],
    level: row.level as LogLine["level"],
    text: row.text,
    data: parse(row.data),
  }));
}

/** A run and every run below it. Followed here, because the index that SQL would need is not worth its writing. */
async function keysBelow(database: Database, run: { key: number; root_key: number }): Promise<number[]> {
  const rows = await database
    .selectFrom("runs")
    .select(["key", "parent_key"])
    .where("root_key", "=", run.root_key)
    .orderBy("key")
    .execute();
  const below = new Set([run.key]);
  // A parent is written before its children, so its key is the smaller one.
  for (const { key, parent_key: parent } of rows) if (parent !== null && below.has(parent)) below.add(key);
  return [...below];
}

/** Metrics of a run in the order in which they were reported. */
export async function metricsOf(database: Database, runId: string): Promise<readonly Metric[]> {
  const rows = await database
    .selectFrom("metrics")
    .innerJoin("runs", "runs.key", "metrics.run_key")
    .select(["runs.uuid", "metrics.time", "metrics.name", "metrics.type", "metrics.value"])
    .where("runs.uuid", "=", parseRunId(runId) ?? new Uint8Array())
    .orderBy("metrics.key")
    .execute();
  return rows.map((row) => ({
    runId: formatRunId(row.uuid),
    time: row.time,
    name: row.name,
    type: row.type as Metric["type"],
    // SQLite has no NaN; it stores null instead.
    value: row.value ?? Number.NaN,
  }));
}
