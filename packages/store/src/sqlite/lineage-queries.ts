import type { Run } from "@reprise/core";
import { type Kysely, sql } from "kysely";
import type { Consumer } from "../backend.ts";
import { prefixRange } from "./ids.ts";
import { isAmong, selectEdges, selectRuns } from "./run-queries.ts";
import type { Tables } from "./tables.ts";

type Database = Kysely<Tables>;

/** Runs whose output is the artifact, oldest first. */
export async function producersOf(database: Database, artifactId: string): Promise<readonly Run[]> {
  const keys = await keysOf(database, artifactId);
  return keys.length === 0 ? [] : selectRuns(database, isAmong("runs.output_key", keys), "runs.uuid");
}

/** Runs that have the artifact as an argument, or as a part of one, oldest first. */
export async function consumersOf(database: Database, artifactId: string): Promise<readonly Consumer[]> {
  const keys = await keysOf(database, artifactId);
  if (keys.length === 0) return [];
  const producers = await database.selectFrom("runs").select("key").where(isAmong("output_key", keys)).execute();
  const sources = producers.map(({ key }) => key);
  const holds = isAmong("edges.artifact_key", keys);
  const leadsTo = isAmong("edges.source_key", sources);
  const edges = await selectEdges(
    database,
    sql`edges.kind = 'data' AND (${holds} OR (edges.source_path = '' AND ${leadsTo}))`,
  );
  const runKeys = new Set(edges.map(({ runKey }) => runKey));
  const runs = await selectRuns(database, isAmong("runs.key", runKeys), "runs.uuid");
  const byRun = Map.groupBy(edges, ({ edge }) => edge.runId);
  return runs.flatMap((run) => (byRun.get(run.id) ?? []).map(({ edge }) => ({ run, edge })));
}

/**
 * The keys of an artifact: several, if it was found damaged and stored again. Reads all rows of artifacts, as the
 * questions about it read all runs and edges: people ask them now and then, and an index would cost every run.
 */
async function keysOf(database: Database, artifactId: string): Promise<readonly number[]> {
  const digest = artifactId.length === 64 ? prefixRange(artifactId, 32)?.from : undefined;
  if (digest === undefined) return [];
  const rows = await database.selectFrom("artifacts").select("key").where("digest", "=", digest).execute();
  return rows.map(({ key }) => key);
}
